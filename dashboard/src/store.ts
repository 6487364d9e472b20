/** Sums over typed columns, for what is chosen. Times are whole hours since the epoch; ranges are [from, to). */

import type { Column, Rows } from "./layout.ts";

export const ALL = -1;

/** A run and a venue by position, or ALL. */
export interface Scope {
  run: number;
  venue: number;
}

export interface Range {
  from: number;
  to: number;
}

export type Sums = Record<string, number>;

/** Sums of every measure in buckets between `edges`, and which buckets have any row. */
export interface Buckets {
  edges: number[];
  there: Uint8Array;
  sums: Record<string, Float64Array>;
}

/** Return whether a run's venue is of the scope. */
export const inScope = (run: number, venue: number, scope: Scope): boolean =>
  (scope.run === ALL || run === scope.run) && (scope.venue === ALL || venue === scope.venue);

/** Return whether row `i` is of the scope. */
export const chosen = (rows: Rows, i: number, scope: Scope): boolean => inScope(rows.run[i], rows.venue[i], scope);

/** Return the first position whose hour is not before `hour`. */
export function firstAt(hours: Column, hour: number): number {
  let [low, high] = [0, hours.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hours[middle] < hour) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Return the first hour with a row of the scope and the hour after the last one; undefined without rows. */
export function spanOf(tables: Rows[], scope: Scope): Range | undefined {
  let [first, last] = [Infinity, -Infinity];
  for (const rows of tables) {
    for (let i = 0; i < rows.hour.length; i++) {
      if (!chosen(rows, i, scope)) continue;
      first = Math.min(first, rows.hour[i]);
      last = Math.max(last, rows.hour[i]);
    }
  }
  return first <= last ? { from: first, to: last + 1 } : undefined;
}

/** Return the venues that a run has rows of, in order. */
export function venuesOf(tables: Rows[], run: number): number[] {
  const found = new Set<number>();
  for (const rows of tables) {
    for (let i = 0; i < rows.hour.length; i++) if (run === ALL || rows.run[i] === run) found.add(rows.venue[i]);
  }
  return [...found].sort((a, b) => a - b);
}

/** Add up `measures` of the rows of the scope between the first and the last of `edges`, bucket by bucket. */
export function sumBuckets(rows: Rows, scope: Scope, edges: number[], measures: string[]): Buckets {
  const count = edges.length - 1;
  const [from, to] = [edges[0], edges[count]];
  const bucketOf = new Uint32Array(to - from);
  for (let bucket = 0; bucket < count; bucket++) bucketOf.fill(bucket, edges[bucket] - from, edges[bucket + 1] - from);
  const there = new Uint8Array(count);
  const positions: number[] = [];
  for (let i = firstAt(rows.hour, from); i < rows.hour.length && rows.hour[i] < to; i++) {
    if (!chosen(rows, i, scope)) continue;
    positions.push(i);
    there[bucketOf[rows.hour[i] - from]] = 1;
  }
  const sums: Record<string, Float64Array> = {};
  for (const measure of measures) {
    const [column, sum] = [rows[measure], new Float64Array(count)];
    for (const i of positions) sum[bucketOf[rows.hour[i] - from]] += column[i];
    sums[measure] = sum;
  }
  return { edges, there, sums };
}

/** Return the sums over all buckets. */
export function total(buckets: Buckets): Sums {
  const all: Sums = {};
  for (const [measure, sum] of Object.entries(buckets.sums)) all[measure] = sum.reduce((one, other) => one + other, 0);
  return all;
}

/** Return the number of different hours with rows of the scope. */
export function loadedHours(rows: Rows, scope: Scope, { from, to }: Range): number {
  let [count, last] = [0, -1];
  for (let i = firstAt(rows.hour, from); i < rows.hour.length && rows.hour[i] < to; i++) {
    if (rows.hour[i] === last || !chosen(rows, i, scope)) continue;
    last = rows.hour[i];
    count += 1;
  }
  return count;
}

/** Return a mean; null where there is nothing to divide by. */
export const mean = (sum: number, weight: number): number | null => (weight > 0 ? sum / weight : null);
