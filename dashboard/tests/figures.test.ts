import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketName, edgeName, shareBelow } from "../src/buckets.ts";
import { decode } from "../src/layout.ts";
import { count, duration, money, plural, share } from "../src/figures.ts";
import { alone, bucketRows } from "../src/series.ts";

test("a quantity has one form, whatever its size", () => {
  assert.deepEqual([1230e6, 66 * 60e6, 200 * 60e6].map((us) => duration(us, "min")), ["20.5 min", "66.0 min", "200.0 min"]);
  assert.deepEqual([3.1e6, 59.96e6, 3725e6].map((us) => duration(us, "s")), ["3.1 s", "60.0 s", "3,725.0 s"]);
  assert.deepEqual([135000049, 99].map(money), ["$1,350,000", "$1"]);
  assert.equal(count(1234567), "1,234,567");
  assert.equal(share(0.4855), "48.6 %");
});

test("nothing is a dash", () => {
  assert.equal(duration(null, "min"), "–");
  assert.equal(share(null), "–");
});

test("a noun follows its number", () => {
  assert.deepEqual([plural(1, "sale"), plural(2, "sale"), plural(2, "bus", "buses")], ["1 sale", "2 sales", "2 buses"]);
});

test("buckets of waits are called by their edges", () => {
  const edges = [0, 15, 30, 120, 7200];
  assert.deepEqual(edges.map((_, i) => bucketName(edges, i)), ["< 15 s", "15–30 s", "30 s–2 min", "2 min–2 h", "2 h +"]);
  assert.equal(edgeName(300), "5 min");
});

test("the share below a target counts the buckets that end there, and is nothing for nobody", () => {
  const edges = [0, 120, 300, 600];
  assert.equal(shareBelow(Float64Array.from([1, 2, 3, 4]), edges, 300), 0.3);
  assert.equal(shareBelow(new Float64Array(4), edges, 300), null);
});

test("values that have none beside them are found", () => {
  assert.deepEqual(alone([1, null, 2, 3, null, 4]), [0, 5]);
});

test("buckets after the last bus are the tail", () => {
  const buckets = { edges: [10, 11, 12], there: Uint8Array.of(1, 0), sums: {} };
  const rows = bucketRows(buckets, "hour", "utc", 11);
  assert.deepEqual(rows.map(({ there, tail }) => [there, tail]), [[true, false], [false, true]]);
  assert.equal(rows[0].when, "1 Jan 1970, 10:00");
});

test("data of another version is refused", () => {
  assert.throws(() => decode('{"version": 2}', ""), /version 2; expected 1/);
});
