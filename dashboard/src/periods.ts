/** Parts of time that are chosen or compared. */

import type { Range } from "./store.ts";

/** Return the edges of at most `most` buckets of whole hours over the range. */
export function evenEdges({ from, to }: Range, most: number): number[] {
  const count = Math.min(most, to - from);
  return Array.from({ length: count + 1 }, (_, i) => from + Math.round((i * (to - from)) / count));
}

/** Return the period of equal length before the range; undefined if the span does not have all of it. */
export function before({ from, to }: Range, span: Range): Range | undefined {
  const earlier = { from: from - (to - from), to: from };
  return earlier.from >= span.from ? earlier : undefined;
}

/** Return the position of the first of `width` neighbours whose sum is the largest. */
export function busiest(values: ArrayLike<number>, width: number): number {
  let [best, most, sum] = [0, -1, 0];
  for (let i = 0; i < values.length; i++) {
    sum += values[i] - (i >= width ? values[i - width] : 0);
    if (i >= width - 1 && sum > most) [best, most] = [i - width + 1, sum];
  }
  return best;
}
