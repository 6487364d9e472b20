import assert from "node:assert/strict";
import { test } from "node:test";
import { stillInside, tailStart } from "../src/inside.ts";
import type { Rows } from "../src/layout.ts";
import { ALL, firstAt, loadedHours, mean, spanOf, sumBuckets, total, venuesOf } from "../src/store.ts";

const rows = (columns: Record<string, number[]>): Rows =>
  Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, Float64Array.from(values)])) as unknown as Rows;

const HOURS = rows({
  run: [0, 0, 0, 1, 0],
  venue: [0, 1, 0, 0, 1],
  hour: [10, 10, 11, 12, 13],
  buses: [1, 1, 1, 1, 0],
  visitors_arrived: [100, 10, 20, 5, 0],
  visitors_admitted: [60, 10, 50, 5, 0],
});
const EVERYTHING = { run: ALL, venue: ALL };

test("sums are those of the scope, bucket by bucket, and buckets without rows are told from zeros", () => {
  const buckets = sumBuckets(HOURS, { run: 0, venue: ALL }, [10, 11, 12, 13, 14], ["visitors_arrived"]);
  assert.deepEqual([...buckets.sums.visitors_arrived], [110, 20, 0, 0]);
  assert.deepEqual([...buckets.there], [1, 1, 0, 1]);
  assert.deepEqual(total(buckets), { visitors_arrived: 130 });
});

test("the end of a range is not in it, its start is", () => {
  assert.equal(total(sumBuckets(HOURS, EVERYTHING, [10, 12], ["visitors_arrived"])).visitors_arrived, 130);
  assert.equal(total(sumBuckets(HOURS, EVERYTHING, [11, 13], ["visitors_arrived"])).visitors_arrived, 25);
});

test("a range is found by halving, also before the first and after the last hour", () => {
  assert.deepEqual([9, 10, 11, 13, 14].map((hour) => firstAt(HOURS.hour, hour)), [0, 0, 2, 4, 5]);
});

test("the span, the venues and the loaded hours are those of the scope", () => {
  assert.deepEqual(spanOf([HOURS], { run: 1, venue: ALL }), { from: 12, to: 13 });
  assert.equal(spanOf([HOURS], { run: 7, venue: ALL }), undefined);
  assert.deepEqual(venuesOf([HOURS], 1), [0]);
  assert.equal(loadedHours(HOURS, EVERYTHING, { from: 10, to: 14 }), 4);
  assert.equal(loadedHours(HOURS, { run: 0, venue: 0 }, { from: 10, to: 14 }), 2);
});

test("a mean of nobody is nothing, not zero", () => {
  assert.equal(mean(0, 0), null);
  assert.equal(mean(6, 4), 1.5);
});

test("who is still on the way is who has arrived before and was not admitted", () => {
  assert.equal(stillInside(HOURS, { run: 0, venue: 0 }, 11), 40);
  assert.equal(stillInside(HOURS, { run: 0, venue: 0 }, 12), 10);
});

test("nobody can say who is on the way behind an hour that is missing", () => {
  assert.equal(stillInside(HOURS, { run: 0, venue: 1 }, 14), null);
  assert.equal(stillInside(HOURS, { run: 0, venue: 1 }, 13), 0);
});

test("fewer than nobody cannot be on the way: hours before the first one are missing", () => {
  const admitted = rows({ run: [0], venue: [0], hour: [10], visitors_arrived: [1], visitors_admitted: [2] });
  assert.equal(stillInside(admitted, EVERYTHING, 11), null);
});

test("the tail begins after the last bus, once all venues of the scope have ended", () => {
  const both = [{ run: 0, venue: 0 }, { run: 0, venue: 1 }];
  assert.equal(tailStart(HOURS, { run: 0, venue: ALL }, both), 12);
  assert.equal(tailStart(HOURS, { run: 0, venue: ALL }, both.slice(1)), undefined);
});
