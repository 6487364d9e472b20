/** Each line's figures over a range. */

import { quantile } from "./bins.ts";
import { countWaits, data, recent, scope } from "./state.ts";
import { ALL, chosen, firstAt, mean, type Range } from "./store.ts";

export interface LineRow {
  venue: number;
  stage: number;
  line: number;
  visitors: number;
  /** Of waits, seconds; null if nobody waited. */
  p50: number | null;
  p95: number | null;
  /** Share of the hours in which it was used; null if its servers are not known. */
  busy: number | null;
}

/** Return the part of the range of which lines are known. */
export const knownOf = ({ from, to }: Range): Range => ({ from: Math.max(from, recent), to });

/** Return a row for each line that anybody used, whichever is chosen, by venue, stage and line. */
export function lineRows(within: Range): LineRow[] {
  const { lines, waits } = data;
  const { from, to } = knownOf(within);
  const keyOf = (venue: number, stage: number, line: number) => (venue * 2 + stage) * 0x10000 + line;
  const found = new Map<number, { row: LineRow; busy: number; capacity: number }>();
  for (let i = firstAt(lines.hour, from); i < lines.hour.length && lines.hour[i] < to; i++) {
    if (!chosen(lines, i, scope.value)) continue;
    const [venue, stage, line] = [lines.venue[i], lines.stage[i], lines.line[i]];
    const key = keyOf(venue, stage, line);
    let sums = found.get(key);
    if (!sums) found.set(key, (sums = { row: { venue, stage, line, visitors: 0, p50: null, p95: null, busy: null }, busy: 0, capacity: 0 }));
    sums.row.visitors += lines.visitors[i];
    if (lines.servers[i] === 0) continue;
    sums.busy += lines.busy_us[i];
    sums.capacity += lines.servers[i] * 3600e6;
  }
  const order = [...found.keys()].sort((one, other) => one - other);
  const places = new Map(order.map((key, place) => [key, place]));
  const counts = countWaits({ from, to }, order.length, ALL, (i) => places.get(keyOf(waits.venue[i], waits.stage[i], waits.line[i])) ?? -1);
  return order.map((key, place) => {
    const { row, busy, capacity } = found.get(key)!;
    const of = (part: number) => quantile(counts[place], data.head.edges, part);
    return { ...row, p50: of(0.5), p95: of(0.95), busy: mean(busy, capacity) };
  });
}
