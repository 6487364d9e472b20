/** Figures as they are read. Each quantity has one form, whatever its size, so that two of them can be compared. */

import type { Activity } from "./layout.ts";

export const NOTHING = "–";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const count = (number: number): string => whole.format(number);
export const money = (cents: number): string => `$${whole.format(cents / 100)}`;
export const share = (part: number | null): string => (part === null ? NOTHING : `${tenths.format(100 * part)} %`);

/** Return the number with its noun, e.g. "1 sale", "2 sales"; `many` where an s is not enough. */
export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${whole.format(number)} ${number === 1 ? one : many}`;

export type Unit = "min" | "s";

const US = { min: 60e6, s: 1e6 };

/** Return microseconds in a unit; null stays null. */
export const inUnit = (us: number | null, unit: Unit): number | null => (us === null ? null : us / US[unit]);

/** Return a duration of microseconds with tenths of its unit. */
export const duration = (us: number | null, unit: Unit): string =>
  us === null ? NOTHING : `${tenths.format(us / US[unit])} ${unit}`;

/** Return the unit of an activity: waits at the sellers last minutes to hours, all else seconds. */
export const unitOf = (activity: Activity): Unit =>
  activity.kind === "wait" && activity.stage === "seller" ? "min" : "s";
