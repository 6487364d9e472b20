import assert from "node:assert/strict";
import { test } from "node:test";
import { axisTicks, bucketEdges, fieldValue, hourName, hourOfField, tickName } from "../src/zone.ts";

const hourOf = (text: string) => Date.parse(text) / 3600e3;

// summer time begins on 29 March 2026 at 01:00 UTC
process.env.TZ = "Europe/Berlin";

test("hours are said in English and by 24, in UTC or in the reader's zone", () => {
  const hour = hourOf("2026-07-01T22:00Z");
  assert.equal(hourName(hour, "utc"), "1 Jul 2026, 22:00");
  assert.equal(hourName(hour, "local"), "2 Jul 2026, 00:00");
});

test("a field's value comes back as the hour that it was, in both zones", () => {
  for (const text of ["2026-01-15T12:00Z", "2026-07-01T22:00Z"]) {
    for (const zone of ["utc", "local"] as const) assert.equal(hourOfField(fieldValue(hourOf(text), zone), zone), hourOf(text));
  }
  assert.equal(fieldValue(hourOf("2026-07-01T22:00Z"), "local"), "2026-07-02T00:00");
  assert.ok(Number.isNaN(hourOfField("", "utc")));
});

test("days begin at the zone's midnight, and the day of summer time has 23 hours", () => {
  const [from, to] = ["2026-03-28T12:00Z", "2026-03-30T12:00Z"].map(hourOf);
  const lengths = (zone: "utc" | "local") => bucketEdges(from, to, "day", zone).map((edge, i, edges) => edges[i + 1] - edge).slice(0, -1);
  assert.deepEqual(lengths("utc"), [12, 24, 12]);
  assert.deepEqual(lengths("local"), [11, 23, 14]);
  assert.equal(bucketEdges(from, to, "hour", "utc").length, 49);
});

test("an axis is never finer than its hours, and names a day where one begins", () => {
  const from = hourOf("2026-03-01T00:00Z");
  const names = (hours: number, most: number) => {
    const ticks = axisTicks(from, from + hours, most, "utc");
    return ticks.map((tick) => tickName(tick, ticks, "utc"));
  };
  assert.deepEqual(names(2, 10), ["1 Mar", "01:00", "02:00"]);
  assert.deepEqual(names(24, 5), ["1 Mar", "06:00", "12:00", "18:00", "2 Mar"]);
  assert.deepEqual(names(72, 4), ["1 Mar", "2 Mar", "3 Mar", "4 Mar"]);
  assert.deepEqual(names(365 * 24, 7), ["Mar 2026", "May 2026", "Jul 2026", "Sept 2026", "Nov 2026", "Jan 2027", "Mar 2027"]);
});
