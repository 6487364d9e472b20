/** Hours since the epoch as a reader says them: English month names, 24-hour clock, UTC or the reader's own time zone. */

export type Zone = "utc" | "local";

export const HOUR_MS = 3600e3;
const DAY = 24;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatted(ms: number, zone: Zone, options: Intl.DateTimeFormatOptions): string {
  const key = zone + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", { ...(zone === "utc" ? { timeZone: "UTC" } : {}), ...options });
    formats.set(key, format);
  }
  return format.format(Math.round(ms)); // a fraction of an hour is no whole number of milliseconds
}

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
const DATE = { day: "numeric", month: "short", year: "numeric" } as const;

export const dayName = (hour: number, zone: Zone): string => formatted(hour * HOUR_MS, zone, DATE);
export const hourName = (hour: number, zone: Zone): string => formatted(hour * HOUR_MS, zone, { ...DATE, ...CLOCK });
/** Return the name of the hour or the day that begins at `hour`. */
export const bucketName = (hour: number, unit: "hour" | "day", zone: Zone): string => (unit === "hour" ? hourName : dayName)(hour, zone);
export const shortDay = (hour: number, zone: Zone): string => formatted(hour * HOUR_MS, zone, { day: "numeric", month: "short" });
export const monthName = (hour: number, zone: Zone): string => formatted(hour * HOUR_MS, zone, { month: "short", year: "numeric" });
export const clock = (hour: number, zone: Zone): string => formatted(hour * HOUR_MS, zone, CLOCK);

/** Return the name of the zone as it is said behind a time, e.g. "UTC" or "Europe/Berlin". */
export const zoneName = (zone: Zone): string =>
  zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Return the hour as a datetime-local field holds it: 2026-03-01T13:00. */
export function fieldValue(hour: number, zone: Zone): string {
  const date = new Date(Math.round(hour * HOUR_MS));
  const shift = zone === "utc" ? 0 : date.getTimezoneOffset() * 60e3;
  return new Date(date.getTime() - shift).toISOString().slice(0, 16);
}

/** Return the hour that a datetime-local field's value says; NaN for no time. */
export const hourOfField = (value: string, zone: Zone): number =>
  Math.floor(Date.parse(zone === "utc" ? `${value}Z` : value) / HOUR_MS);

export const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Return the weekday (0 is Monday) and the hour of the day. */
export function weekdayAndHour(hour: number, zone: Zone): [weekday: number, hour: number] {
  if (zone === "utc") return [(Math.floor(hour / DAY) + 3) % 7, hour % DAY]; // the epoch began on a Thursday
  const date = new Date(hour * HOUR_MS);
  return [(date.getDay() + 6) % 7, date.getHours()];
}

/** Return the first whole hour of the day after `hour`. */
function nextDay(hour: number, zone: Zone): number {
  if (zone === "utc") return (Math.floor(hour / DAY) + 1) * DAY;
  const date = new Date(hour * HOUR_MS);
  date.setHours(24, 0, 0, 0);
  return Math.ceil(date.getTime() / HOUR_MS);
}

/** Return the edges of buckets of one hour, or of one day of the zone, that cover [from, to). */
export function bucketEdges(from: number, to: number, unit: "hour" | "day", zone: Zone): number[] {
  const edges = [from];
  for (let edge = from; edge < to; ) {
    edge = Math.min(unit === "hour" ? edge + 1 : nextDay(edge, zone), to);
    edges.push(edge);
  }
  return edges;
}

/** Return which hours a time axis names when there is room for `most` names: never finer than an hour. */
export function axisTicks(from: number, to: number, most: number, zone: Zone): number[] {
  const step = [1, 2, 3, 6, 12, 24, 48, 96, 168, 336].find((hours) => (to - from) / hours <= most);
  const ticks: number[] = [];
  if (step !== undefined && step < DAY) {
    const offset = zone === "utc" ? 0 : Math.round(new Date(from * HOUR_MS).getTimezoneOffset() / 60);
    for (let hour = from; hour <= to; hour++) if ((hour - offset) % step === 0) ticks.push(hour);
    return ticks;
  }
  const days = [];
  for (let hour = nextDay(from - 1, zone); hour <= to; hour = nextDay(hour, zone)) days.push(hour);
  if (step !== undefined) return days.filter((_, i) => i % (step / DAY) === 0);
  const firsts = days.filter((day) => formatted(day * HOUR_MS, zone, { day: "numeric" }) === "1");
  return firsts.filter((_, i) => i % Math.ceil(firsts.length / most) === 0);
}

/** Return a tick's name: the month on long axes, the day where one begins, else the time. */
export function tickName(hour: number, ticks: number[], zone: Zone): string {
  if (ticks.length > 1 && ticks[1] - ticks[0] > 27 * DAY) return monthName(hour, zone);
  return nextDay(hour - 1, zone) === hour ? shortDay(hour, zone) : clock(hour, zone);
}
