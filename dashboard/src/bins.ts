/** Durations counted in bins: percentiles and shares of them, right within the bin that they lie in. */

import type { Rows } from "./layout.ts";
import { firstAt, type Range } from "./store.ts";

/** Groups of durations; the bins of a group are the rows from its `at` to the next group's. */
export interface Binned {
  groups: Rows;
  bins: { bin: ArrayLike<number>; visitors: ArrayLike<number> };
}

/**
 * Count the visitors of groups whose hour is in `range`, bin by bin.
 *
 * `groupOf` says which of the `count` results a row of `groups` belongs to; a negative number leaves it out.
 */
export function histograms({ groups, bins }: Binned, { from, to }: Range, size: number, count: number, groupOf: (i: number) => number): Float64Array[] {
  const counts = Array.from({ length: count }, () => new Float64Array(size));
  const { hour, at } = groups;
  for (let i = firstAt(hour, from); i < hour.length && hour[i] < to; i++) {
    const group = groupOf(i);
    if (group < 0) continue;
    const end = i + 1 < at.length ? at[i + 1] : bins.bin.length;
    for (let row = at[i]; row < end; row++) counts[group][bins.bin[row]] += bins.visitors[row];
  }
  return counts;
}

export const sizeOf = (counts: Float64Array): number => counts.reduce((sum, each) => sum + each, 0);

/** Return the duration, in the unit of `edges`, that `part` of all are no longer than; null of nobody. */
export function quantile(counts: Float64Array, edges: number[], part: number): number | null {
  const wanted = part * sizeOf(counts);
  if (wanted === 0) return null;
  let before = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    if (counts[bin] > 0 && before + counts[bin] >= wanted) {
      const width = bin + 1 < edges.length ? edges[bin + 1] - edges[bin] : 0;
      return edges[bin] + (width * (wanted - before)) / counts[bin];
    }
    before += counts[bin];
  }
  return edges[edges.length - 1];
}

/** Return the share of durations below `limit`, as if those of a bin lay at equal distances; null of nobody. */
export function shareBelow(counts: Float64Array, edges: number[], limit: number): number | null {
  const all = sizeOf(counts);
  if (all === 0) return null;
  let below = 0;
  for (let bin = 0; bin < counts.length && edges[bin] < limit; bin++) {
    const end = edges[bin + 1] ?? Infinity;
    below += counts[bin] * Math.min(1, (limit - edges[bin]) / (end - edges[bin]));
  }
  return below / all;
}

/** Return an edge in words, e.g. "16 s", "5.3 min", "1.1 h". */
export function edgeName(seconds: number): string {
  const [unit, name] = seconds < 60 ? [1, "s"] : seconds < 3600 ? [60, "min"] : [3600, "h"];
  return `${Number((seconds / Number(unit)).toFixed(1))} ${name}`;
}
