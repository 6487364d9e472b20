/** Buckets as the rows of a line. */

import type { Buckets } from "./store.ts";
import { bucketName, HOUR_MS, type Zone } from "./zone.ts";

export interface Bucket {
  /** Position among the buckets. */
  i: number;
  /** Hours since the epoch. */
  from: number;
  to: number;
  /** Milliseconds, where its value is drawn. */
  mid: number;
  when: string;
  there: boolean;
  /** It is after the last bus. */
  tail: boolean;
}

/** Return a row for each bucket, those without data too, so that lines break where hours are missing. */
export function bucketRows(buckets: Buckets, unit: "hour" | "day", zone: Zone, tail: number | undefined): Bucket[] {
  return Array.from(buckets.there, (there, i) => {
    const [from, to] = [buckets.edges[i], buckets.edges[i + 1]];
    return {
      i,
      from,
      to,
      mid: ((from + to) / 2) * HOUR_MS,
      when: bucketName(from, unit, zone),
      there: there > 0,
      tail: tail !== undefined && from >= tail,
    };
  });
}

/** Return the positions of values that have none beside them: a line of one point is nothing to see. */
export const alone = (values: (number | null)[]): number[] =>
  values.flatMap((value, i) => (value !== null && values[i - 1] == null && values[i + 1] == null ? [i] : []));
