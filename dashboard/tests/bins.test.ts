import assert from "node:assert/strict";
import { test } from "node:test";
import { edgeName, histograms, quantile, shareBelow } from "../src/bins.ts";
import type { Rows } from "../src/layout.ts";

const EDGES = [0, 4, 8, 16];

test("the bins of a group are those from its start to the next group's, of hours in the range", () => {
  const groups = { run: [0, 0, 0], venue: [0, 0, 0], hour: [10, 10, 11], at: [0, 2, 3] } as unknown as Rows;
  const bins = { bin: [0, 3, 1, 2, 3], visitors: [5, 6, 7, 8, 9] };
  const count = (from: number, to: number, groupOf: (i: number) => number) =>
    histograms({ groups, bins }, { from, to }, 4, 2, groupOf).map((counts) => [...counts]);
  assert.deepEqual(count(10, 12, (i) => i % 2), [[5, 0, 8, 15], [0, 7, 0, 0]]);
  assert.deepEqual(count(10, 11, (i) => (i === 1 ? -1 : 0)), [[5, 0, 0, 6], [0, 0, 0, 0]]);
});

test("a percentile lies in the bin that the rank is in, as far as the rank is in the bin", () => {
  const counts = Float64Array.from([0, 10, 10, 0]);
  assert.equal(quantile(counts, EDGES, 0.5), 8);
  assert.equal(quantile(counts, EDGES, 0.25), 6);
  assert.equal(quantile(counts, EDGES, 0.75), 12);
  assert.equal(quantile(Float64Array.from([0, 0, 0, 3]), EDGES, 0.95), 16); // the open bin has no end
  assert.equal(quantile(new Float64Array(4), EDGES, 0.5), null);
});

test("the share below a limit takes its part of the bin that the limit lies in", () => {
  const counts = Float64Array.from([2, 4, 2, 2]);
  assert.equal(shareBelow(counts, EDGES, 4), 0.2);
  assert.equal(shareBelow(counts, EDGES, 6), 0.4);
  assert.equal(shareBelow(counts, EDGES, 100), 0.8);
  assert.equal(shareBelow(new Float64Array(4), EDGES, 6), null);
});

test("edges have names", () => {
  assert.deepEqual([4, 60, 320, 5120].map(edgeName), ["4 s", "1 min", "5.3 min", "1.4 h"]);
});
