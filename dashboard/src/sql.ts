/** The SQL, in DuckDB's dialect, that gives what a chart shows: its columns are those of the chart's table. */

import { data } from "./state.ts";
import { ALL, type Range, type Scope } from "./store.ts";
import { fieldValue, type Zone, zoneName } from "./zone.ts";

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Return a name in quotes, as of a column. */
export const named = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const moment = (hour: number): string => `timestamp '${fieldValue(hour, "utc").replace("T", " ")}:00'`;

/** Return the condition that a row is of the scope and in the range, and whatever else is asked. */
export function where({ run, venue }: Scope, { from, to }: Range, ...more: (string | false)[]): string {
  const conditions = [
    run !== ALL && `run_id = ${literal(data.head.runs[run])}`,
    venue !== ALL && `venue_id = ${literal(data.head.venues[venue])}`,
    `hour_start >= ${moment(from)}`,
    `hour_start < ${moment(to)}`,
    ...more,
  ];
  return `where ${conditions.filter(Boolean).join("\n  and ")}`;
}

/** Return the expression of a time of the marts, which is UTC, in the reader's zone. */
export const inZone = (column: string, zone: Zone): string =>
  zone === "utc" ? column : `timezone(${literal(zoneName(zone))}, timezone('UTC', ${column}))`;

/** Return the expression of the hour or the day that a row is drawn in, as text; see `timeName` of figures in tables. */
export function timeOf(column: string, unit: "hour" | "day", zone: Zone): string {
  return `strftime(${inZone(column, zone)}, '${unit === "hour" ? "%Y-%m-%d %H:%M" : "%Y-%m-%d"}')`;
}

export const whenName = (unit: "hour" | "day", zone: Zone): string => `${unit} (${zoneName(zone)})`;

/** Return the hour as the tables and the SQL say it. */
export const whenOf = (hour: number, unit: "hour" | "day", zone: Zone): string =>
  fieldValue(hour, zone).replace("T", " ").slice(0, unit === "hour" ? 16 : 10);

/** Return the expression of a duration that `part` of the counted ones are no longer than; of rows of `binned`. */
export const quantileOf = (part: number, divisor: string): string =>
  `arg_min(from_us + (to_us - from_us) * (${part} * everybody - upto + visitors) / visitors, from_us) filter (where upto >= ${part} * everybody) / ${divisor}`;

/**
 * Return a common table expression `binned` of visitors by `keys` and bin, with how many are in it and below (`upto`)
 * and in all bins (`everybody`).
 */
export function binned(table: string, keys: [expression: string, name: string][], condition: string): string {
  const names = keys.map(([, name]) => named(name));
  const over = names.length ? `partition by ${names.join(", ")}` : "";
  return `with counted as (
  select ${[...keys.map(([expression, name]) => `${expression} as ${named(name)}`), ""].join(", ")}from_us, coalesce(to_us, from_us) as to_us, sum(visitors) as visitors
  from ${table}
  ${condition.replaceAll("\n", "\n  ")}
  group by all
), binned as (
  select *, sum(visitors) over (${over} order by from_us) as upto, sum(visitors) over (${over}) as everybody
  from counted
)`;
}
