/** What is chosen as the part of the address behind #, and back. Names and UTC hours, so that a link outlives a new page. */

import { ALL, type Range, type Scope } from "./store.ts";
import type { Zone } from "./zone.ts";
import { fieldValue, hourOfField } from "./zone.ts";

/** What the weekdays and hours are coloured by. */
export const CALENDARS = ["p95", "visitors", "busy"] as const;
export type Calendar = (typeof CALENDARS)[number];

export interface Choice extends Scope {
  /** Undefined: the whole span. */
  range: Range | undefined;
  zone: Zone;
  /** Positions, or ALL. A line is one of the chosen station's, from 1. */
  stage: number;
  line: number;
  channel: number;
  /** The wait that shall not be longer, minutes. */
  target: number;
  calendar: Calendar;
}

interface Names {
  runs: string[];
  venues: string[];
  latestRun: number;
  stages: string[];
  channels: string[];
}

const EVERYTHING = "all";
const TARGET = 5;
export const MOST_TARGET = 240;

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
  if (choice.channel !== ALL) parts.set("channel", names.channels[choice.channel]);
  if (choice.stage !== ALL) parts.set("stage", names.stages[choice.stage]);
  if (choice.line !== ALL) parts.set("line", String(choice.line));
  if (choice.target !== TARGET) parts.set("target", String(choice.target));
  if (choice.calendar !== CALENDARS[0]) parts.set("by", choice.calendar);
  if (choice.zone === "local") parts.set("tz", "local");
  return parts.toString().replaceAll("%3A", ":");
}

/** Return the choice that a hash says; what it does not say, or names wrongly, is as at first. */
export function fromHash(hash: string, names: Names): Choice {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const run = names.runs.indexOf(parts.get("run") ?? "");
  const stage = names.stages.indexOf(parts.get("stage") ?? "");
  const line = Number(parts.get("line"));
  const target = Number(parts.get("target"));
  const [from, to] = ["from", "to"].map((name) => hourOfField(`${parts.get(name)}:00`, "utc"));
  return {
    run: parts.get("runs") === EVERYTHING ? ALL : run >= 0 ? run : names.latestRun,
    venue: names.venues.indexOf(parts.get("venue") ?? ""),
    range: from < to ? { from, to } : undefined,
    stage,
    line: stage !== ALL && Number.isInteger(line) && line > 0 ? line : ALL,
    channel: names.channels.indexOf(parts.get("channel") ?? ""),
    target: target > 0 && target <= MOST_TARGET ? target : TARGET,
    calendar: CALENDARS.find((each) => each === parts.get("by")) ?? CALENDARS[0],
    zone: parts.get("tz") === "local" ? "local" : "utc",
  };
}
