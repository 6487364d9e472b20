import assert from "node:assert/strict";
import { test } from "node:test";
import { type Day, type Staffing, unpack } from "../src/replay/days.ts";
import { run } from "../src/replay/model.ts";
import { nearestRank, summarise, waitingAt, waitingOver } from "../src/replay/summary.ts";
import { replayOf, withReplay } from "../src/replay/url.ts";

interface Visit {
  arrived: number;
  sale?: number;
  sellerLine?: number;
  scans: number[];
  scannerLine?: number;
}

/** A day from moment 100 on, in seconds; walks take ten of them. */
function dayOf(visits: Visit[], recorded: Staffing, listed: Partial<Pick<Day, "sellerBegins" | "scannerBegins">> = {}): Day {
  const firstScan = [0];
  for (const { scans } of visits) firstScan.push(firstScan.at(-1)! + scans.length);
  const scan = visits.flatMap(({ scans }) => scans);
  return {
    venue: "v",
    stepUs: 1e6,
    zeroMs: 0,
    begins: 100,
    ends: 100 + 86400,
    recorded,
    arrived: Float64Array.from(visits, ({ arrived }) => arrived),
    buys: Uint8Array.from(visits, ({ sale }) => Number(sale !== undefined)),
    visitors: Uint32Array.from(visits, ({ scans }) => scans.length),
    walkToSeller: Float64Array.from(visits, ({ sale }) => (sale === undefined ? 0 : 10)),
    sale: Float64Array.from(visits, ({ sale }) => sale ?? 0),
    sellerLine: Uint16Array.from(visits, ({ sellerLine }) => sellerLine ?? 1),
    walkToScanner: new Float64Array(visits.length).fill(10),
    scannerLine: Uint16Array.from(visits, ({ scannerLine }) => scannerLine ?? 1),
    firstScan: Uint32Array.from(firstScan),
    scan: Float64Array.from(scan),
    admits: new Uint16Array(scan.length).fill(1),
    sellerBegins: new Map(),
    scannerBegins: new Map(),
    ...listed,
  };
}

const one = { sellers: 1, scanners: 1, shared: false };
const waits = (began: Float64Array, joined: Float64Array) => Array.from(began, (moment, at) => moment - joined[at]);

test("who joins a line is served when those before are gone, and the members of a group one after the other", () => {
  const day = dayOf([{ arrived: 100, sale: 60, scans: [5, 5] }, { arrived: 100, sale: 30, scans: [5] }, { arrived: 165, scans: [4] }], one);
  const found = run(day, one);
  assert.deepEqual(waits(found.sellerBegan, found.sellerJoined).slice(0, 2), [0, 60]);
  assert.deepEqual([...found.scannerJoined], [180, 210, 175]);
  assert.deepEqual([...found.scanBegan], [180, 185, 210, 175]);
});

test("as recorded, everybody stands where he stood; under another staffing in the shortest line", () => {
  const day = dayOf([100, 101, 102].map((arrived) => ({ arrived, sale: 60, sellerLine: 2, scans: [1] })), { ...one, sellers: 2 });
  assert.deepEqual([...run(day, day.recorded).seller], [1, 1, 1]);
  const other = run(day, { ...one, sellers: 3 });
  assert.deepEqual([...other.seller].sort(), [0, 1, 2]);
  assert.deepEqual(waits(other.sellerBegan, other.sellerJoined), [0, 0, 0]);
});

test("lines are compared by those who stand there or are served, not by those who have gone", () => {
  const short = [101, 140, 170, 200, 230, 260].map((arrived) => ({ arrived, sale: 20, scans: [1] }));
  const day = dayOf([{ arrived: 100, sale: 500, scans: [1] }, ...short], one);
  const [first, ...others] = run(day, { ...one, sellers: 2 }).seller;
  assert.deepEqual(others, Array(short.length).fill(1 - first));
});

test("of a shared line the first goes to whoever is free first, also members of one group", () => {
  const day = dayOf([{ arrived: 100, sale: 60, scans: [9, 9, 9] }, { arrived: 100, sale: 30, scans: [1] }, { arrived: 100, sale: 30, scans: [1] }], one);
  const found = run(day, { sellers: 2, scanners: 2, shared: true });
  assert.deepEqual(waits(found.sellerBegan, found.sellerJoined), [0, 0, 30]);
  assert.deepEqual([...found.scanBegan.subarray(0, 3)], [180, 180, 189]);
});

test("what began before the day stays as it was, and who still waited is served from its beginning on", () => {
  const visits = [{ arrived: 50, sale: 70, scans: [1] }, { arrived: 51, sale: 10, scans: [1] }, { arrived: 120, sale: 10, scans: [1] }];
  const day = dayOf(visits, one, { sellerBegins: new Map([[0, 80]]) });
  assert.deepEqual([...run(day, one).sellerBegan], [80, 150, 160]);
  const other = run(day, { ...one, sellers: 2 });
  assert.deepEqual([...other.sellerBegan.subarray(0, 2)], [80, 100]);
});

test("a summary counts each visitor who came on the day, at the sellers as often as the group has visitors", () => {
  const visits = [{ arrived: 50, sale: 60, scans: [1] }, { arrived: 100, sale: 60, scans: [1, 1, 1] }, { arrived: 110, sale: 60, scans: [1] }];
  const day = dayOf(visits, one);
  const { sellers, scanners } = summarise(day, run(day, one), 60e6);
  assert.deepEqual(sellers, { median: 10, p95: 60, within: 1 });
  assert.deepEqual(scanners, { median: 0, p95: 2, within: 1 });
  assert.equal(summarise(day, run(day, one), 59e6).sellers.within, 0.75);
});

test("a percentile is the smallest wait that so many do not exceed", () => {
  assert.equal(nearestRank(Float64Array.from([1, 2, 3, 4]), 0.5), 2);
  assert.equal(nearestRank(Float64Array.from([1, 2, 3, 4]), 0.51), 3);
  assert.equal(nearestRank(new Float64Array(), 0.5), null);
});

test("people waiting are counted from joining on until served, over the day as at each moment", () => {
  const day = dayOf([{ arrived: 100, sale: 60, scans: [5, 5] }, { arrived: 105, sale: 30, scans: [5, 5] }], one);
  const found = run(day, one);
  const over = waitingOver(day, found, day.begins, 7, 30);
  assert.deepEqual([...over], Array.from(over, (_, at) => {
    const { sellers, scanners } = waitingAt(day, found, day.begins + at * 7);
    return sellers + scanners;
  }));
  assert.deepEqual(waitingAt(day, found, 120), { sellers: 2, scanners: 0 });
});

test("packed columns are read bit by bit, the lowest first, upon their least value", () => {
  const packed = btoa(String.fromCharCode(0b10_001_000, 0b0_0000011));
  assert.deepEqual([...unpack({ count: 4, bits: 3, least: -5, packed })], [-5, -4, 1, -4]);
  assert.deepEqual([...unpack({ count: 2, bits: 0, least: 7, packed: "" })], [7, 7]);
});

test("the staffing that is tried comes back from the address, beside what else is in it", () => {
  const choice = { day: "main gate:2026-11-27", sellers: 8, scanners: 4, shared: true };
  const hash = withReplay("venue=north&s=3", choice);
  assert.equal(hash, "venue=north&day=main+gate:2026-11-27&s=8&x=4&shared=1");
  assert.deepEqual(replayOf(`#${hash}`), choice);
  assert.equal(withReplay(hash, {}), "venue=north");
});

test("a staffing that makes no sense is none", () => {
  for (const hash of ["#s=0&x=-1", "#s=many&x=1e9", "#s=1000", "#shared=yes"]) {
    assert.deepEqual(replayOf(hash), { day: undefined, sellers: undefined, scanners: undefined, shared: undefined });
  }
});
