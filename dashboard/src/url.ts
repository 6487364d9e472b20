/** What is chosen as the part of the address behind #, and back. Names and UTC hours, so that a link outlives a new page. */

import { ALL, type Range, type Scope } from "./store.ts";
import type { Zone } from "./zone.ts";
import { fieldValue, hourOfField } from "./zone.ts";

export interface Choice extends Scope {
  /** Undefined: the whole span. */
  range: Range | undefined;
  zone: Zone;
}

interface Names {
  runs: string[];
  venues: string[];
  latestRun: number;
}

const EVERYTHING = "all";

/** Return the choice as `run=..&venue=..&from=2026-03-01T13&to=..&tz=local`; what is chosen at first is left out. */
export function toHash(choice: Choice, names: Names): string {
  const parts = new URLSearchParams();
  if (choice.run === ALL) parts.set("runs", EVERYTHING);
  else if (choice.run !== names.latestRun) parts.set("run", names.runs[choice.run]);
  if (choice.venue !== ALL) parts.set("venue", names.venues[choice.venue]);
  if (choice.range) {
    parts.set("from", fieldValue(choice.range.from, "utc").slice(0, 13));
    parts.set("to", fieldValue(choice.range.to, "utc").slice(0, 13));
  }
  if (choice.zone === "local") parts.set("tz", "local");
  return parts.toString().replaceAll("%3A", ":");
}

/** Return the choice that a hash says; what it does not say, or names wrongly, is as at first. */
export function fromHash(hash: string, names: Names): Choice {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const run = names.runs.indexOf(parts.get("run") ?? "");
  const [from, to] = ["from", "to"].map((name) => hourOfField(`${parts.get(name)}:00`, "utc"));
  return {
    run: parts.get("runs") === EVERYTHING ? ALL : run >= 0 ? run : names.latestRun,
    venue: names.venues.indexOf(parts.get("venue") ?? ""),
    range: from < to ? { from, to } : undefined,
    zone: parts.get("tz") === "local" ? "local" : "utc",
  };
}
