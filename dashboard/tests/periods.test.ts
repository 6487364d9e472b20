import assert from "node:assert/strict";
import { test } from "node:test";
import { toCsv } from "../src/listing.ts";
import { before, busiest, evenEdges } from "../src/periods.ts";

test("the period before is of equal length, ends where the range begins, and is all there or not at all", () => {
  const span = { from: 100, to: 200 };
  for (const [from, to] of [[150, 200], [190, 191], [124, 148]]) {
    const earlier = before({ from, to }, span)!;
    assert.equal(earlier.to, from);
    assert.equal(earlier.to - earlier.from, to - from);
  }
  assert.equal(before({ from: 149, to: 199 }, span), undefined);
  assert.equal(before(span, span), undefined);
});

test("edges are whole hours, cover the range, and are no more than asked", () => {
  assert.deepEqual(evenEdges({ from: 5, to: 8 }, 24), [5, 6, 7, 8]);
  const edges = evenEdges({ from: 0, to: 72 }, 24);
  assert.equal(edges.length, 25);
  assert.deepEqual([edges[0], edges[1], edges[24]], [0, 3, 72]);
});

test("the busiest neighbours are the first of those whose sum is the largest", () => {
  assert.equal(busiest([1, 5, 1, 1, 4, 4], 1), 1);
  assert.equal(busiest([1, 5, 1, 1, 4, 4], 2), 4);
  assert.equal(busiest([3, 3, 3], 3), 0);
  assert.equal(busiest([0, 0], 1), 0);
});

test("comma-separated values quote what would end a field, and leave out what is not known", () => {
  const columns = [{ name: 'a "name", with a comma' }, { name: "n", digits: 1 }];
  assert.equal(toCsv({ columns, rows: [["x\ny", 2], ["z", null]], sql: "" }), '"a ""name"", with a comma",n\r\n"x\ny",2.0\r\nz,\r\n');
});
