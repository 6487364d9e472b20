import assert from "node:assert/strict";
import { test } from "node:test";
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
  assert.throws(() => decode('{"version": 1}', ""), /version 1; expected 2/);
});
