/** People between bus and gate, and the hours after the last bus. */

import type { Head, Rows } from "./layout.ts";
import { chosen, firstAt, type Scope } from "./store.ts";

const key = (run: number, venue: number): number => run * 0x10000 + venue;

/**
 * Return how many visitors of the scope have arrived before the hour `end` and are not admitted by then.
 *
 * Null if an hour is missing between a venue's first hour and `end`, or more were admitted than came: then nobody knows.
 */
export function stillInside(rows: Rows, scope: Scope, end: number): number | null {
  let inside = 0;
  const next = new Map<number, number>();
  const last = firstAt(rows.hour, end);
  for (let i = 0; i < last; i++) {
    if (!chosen(rows, i, scope)) continue;
    const pair = key(rows.run[i], rows.venue[i]);
    const expected = next.get(pair);
    if (expected !== undefined && rows.hour[i] !== expected) return null;
    next.set(pair, rows.hour[i] + 1);
    inside += rows.visitors_arrived[i] - rows.visitors_admitted[i];
  }
  return inside < 0 ? null : inside;
}

/**
 * Return the hour after the last bus of the scope; undefined if one of its venues has not ended.
 *
 * What follows is the tail in which those who are there are served and nobody comes.
 */
export function tailStart(rows: Rows, scope: Scope, ended: Head["ended"]): number | undefined {
  const over = new Set(ended.map(({ run, venue }) => key(run, venue)));
  let tail: number | undefined;
  for (let i = 0; i < rows.hour.length; i++) {
    if (!chosen(rows, i, scope)) continue;
    if (!over.has(key(rows.run[i], rows.venue[i]))) return undefined;
    if (rows.buses[i] > 0) tail = rows.hour[i] + 1;
  }
  return tail;
}
