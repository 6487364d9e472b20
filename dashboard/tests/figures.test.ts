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

test("a share below an edge is exact, and within a bin it is the part of the bin", () => {
  const [counts, edges] = [Float64Array.of(10, 20, 70), [0, 4, 8]];
  assert.deepEqual([0, 4, 6, 8].map((seconds) => shareBelow(counts, edges, seconds)), [0, 0.1, 0.2, 0.3]);
  assert.equal(shareBelow(counts, edges, 1000), 0.3);
  assert.equal(shareBelow(Float64Array.of(0, 0, 0), edges, 4), null);
});

test("a bin is called by its edges, the last one by where it begins", () => {
  const edges = [0, 4, 16, 112, 128, 256, 300, 4096, 14336];
  assert.deepEqual(
    edges.map((_, i) => bucketName(edges, i)),
    ["< 4 s", "4–16 s", "16–112 s", "112 s–2:08 min", "2:08–4:16 min", "4:16–5 min", "5 min–1:08 h", "1:08–3:59 h", "3:59 h +"],
  );
  assert.equal(edgeName(300), "5 min");
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
  assert.throws(() => decode('{"version":1}', ""), /version 1; expected 2/);
});
