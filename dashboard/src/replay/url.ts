/** What is chosen of the replay as a part of the address behind #: `day=venue-1:2026-11-27&s=8&x=4&shared=1`. */

/** Undefined: as it was on that day, and the day that is shown at first. */
export interface ReplayChoice {
  day?: string;
  sellers?: number;
  scanners?: number;
  shared?: boolean;
}

const KEYS = ["day", "s", "x", "shared"];

const whole = (text: string | null): number | undefined => (text && /^[1-9]\d{0,2}$/.test(text) ? Number(text) : undefined);

/** Return what a hash says of the replay; what it does not say, or says wrongly, is undefined. */
export function replayOf(hash: string): ReplayChoice {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const shared = parts.get("shared");
  return {
    day: parts.get("day") ?? undefined,
    sellers: whole(parts.get("s")),
    scanners: whole(parts.get("x")),
    shared: shared === "1" ? true : shared === "0" ? false : undefined,
  };
}

/** Return `hash` with `choice` as what it says of the replay. */
export function withReplay(hash: string, choice: ReplayChoice): string {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  for (const key of KEYS) parts.delete(key);
  const { day, sellers, scanners, shared } = choice;
  if (day !== undefined) parts.set("day", day);
  if (sellers !== undefined) parts.set("s", String(sellers));
  if (scanners !== undefined) parts.set("x", String(scanners));
  if (shared !== undefined) parts.set("shared", shared ? "1" : "0");
  return parts.toString().replaceAll("%3A", ":");
}
