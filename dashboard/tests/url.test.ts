import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL } from "../src/store.ts";
import { type Choice, fromHash, toHash } from "../src/url.ts";

const NAMES = { runs: ["spring & summer", "all", "späť"], venues: ["north/1", "south=#2"], latestRun: 2, stages: ["seller", "scanner"], channels: ["box_office", "online"] };
const FIRST: Choice = { run: 2, venue: ALL, range: undefined, zone: "utc", stage: ALL, line: ALL, channel: ALL, target: 5, calendar: "p95" };

test("every choice comes back from the address as it was", () => {
  for (const run of [ALL, 0, 1, 2]) {
    for (const venue of [ALL, 0, 1]) {
      for (const range of [undefined, { from: 492000, to: 492025 }]) {
        for (const zone of ["utc", "local"] as const) {
          const choice = { ...FIRST, run, venue, range, zone };
          assert.deepEqual(fromHash(`#${toHash(choice, NAMES)}`, NAMES), choice);
        }
      }
    }
  }
});

test("stations, lines, visitors, target and what the calendar shows come back as well", () => {
  for (const part of [{ stage: 1 }, { stage: 0, line: 3 }, { channel: 1 }, { target: 2.5 }, { calendar: "busy" as const }]) {
    const choice = { ...FIRST, ...part };
    assert.deepEqual(fromHash(`#${toHash(choice, NAMES)}`, NAMES), choice);
  }
  assert.equal(toHash({ ...FIRST, stage: 0, line: 3, channel: 1, target: 10, calendar: "visitors" }, NAMES), "channel=online&stage=seller&line=3&target=10&by=visitors");
});

test("what is chosen at first leaves the address empty", () => {
  assert.equal(toHash(FIRST, NAMES), "");
  assert.deepEqual(fromHash("", NAMES), FIRST);
});

test("hours are said in UTC", () => {
  assert.equal(toHash({ ...FIRST, range: { from: 492000, to: 492025 } }, NAMES), "from=2026-02-16T00&to=2026-02-17T01");
});

test("names that the page does not know and times that are none are as good as nothing", () => {
  for (const hash of ["#run=gone&venue=gone", "#from=yesterday&to=2026", "#from=2026-02-16T01&to=2026-02-15T00", "#receipts", "#line=2", "#line=2&stage=gate", "#target=0", "#target=1000", "#by=weight", "#channel=bus"]) {
    assert.deepEqual(fromHash(hash, NAMES), FIRST);
  }
});
