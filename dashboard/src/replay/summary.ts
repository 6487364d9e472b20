/** Figures of journeys: how long the visitors of the day waited, and how many were where at a moment. */

import type { Day } from "./days.ts";
import type { Journeys } from "./model.ts";

/** Waits of the visitors of one stage, in steps of the day; null if nobody was there. */
export interface StageSummary {
  median: number | null;
  p95: number | null;
  /** Of the visitors who waited no longer than the target. */
  within: number | null;
}

export interface Summary {
  sellers: StageSummary;
  scanners: StageSummary;
}

/** Return the nearest rank: the smallest of sorted `waits` that at least this share does not exceed. */
export function nearestRank(waits: Float64Array, share: number): number | null {
  return waits.length === 0 ? null : waits[Math.max(0, Math.ceil(share * waits.length) - 1)];
}

/** Return how many of sorted `waits` are at most `most`. */
function countUpTo(waits: Float64Array, most: number): number {
  let [low, high] = [0, waits.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (waits[middle] <= most) low = middle + 1;
    else high = middle;
  }
  return low;
}

function stageSummary(waits: number[], target: number): StageSummary {
  const sorted = Float64Array.from(waits).sort();
  const within = sorted.length === 0 ? null : countUpTo(sorted, target) / sorted.length;
  return { median: nearestRank(sorted, 0.5), p95: nearestRank(sorted, 0.95), within };
}

/** Sum up the waits of all who came on the day, each visitor counted once: a group waits at the sellers as a whole. */
export function summarise(day: Day, journeys: Journeys, targetUs: number): Summary {
  const [sellers, scanners]: [number[], number[]] = [[], []];
  for (let group = 0; group < day.buys.length; group++) {
    if (day.arrived[group] < day.begins) continue;
    if (day.buys[group]) {
      const wait = journeys.sellerBegan[group] - journeys.sellerJoined[group];
      for (let visitor = 0; visitor < day.visitors[group]; visitor++) sellers.push(wait);
    }
    for (let scan = day.firstScan[group]; scan < day.firstScan[group + 1]; scan++) {
      const wait = journeys.scanBegan[scan] - journeys.scannerJoined[group];
      for (let visitor = 0; visitor < day.admits[scan]; visitor++) scanners.push(wait);
    }
  }
  const target = targetUs / day.stepUs;
  return { sellers: stageSummary(sellers, target), scanners: stageSummary(scanners, target) };
}

/** Return how many visitors wait at each stage at a moment. */
export function waitingAt(day: Day, journeys: Journeys, moment: number): { sellers: number; scanners: number } {
  let [sellers, scanners] = [0, 0];
  for (let group = 0; group < day.buys.length && day.arrived[group] <= moment; group++) {
    if (day.buys[group] && journeys.sellerJoined[group] <= moment && moment < journeys.sellerBegan[group]) {
      sellers += day.visitors[group];
    }
    if (journeys.scannerJoined[group] > moment) continue;
    for (let scan = day.firstScan[group]; scan < day.firstScan[group + 1]; scan++) {
      if (moment < journeys.scanBegan[scan]) scanners += day.admits[scan];
    }
  }
  return { sellers, scanners };
}

/** Return how many visitors wait, at both stages together, at each of `count` moments from `from` on, `every` apart. */
export function waitingOver(day: Day, journeys: Journeys, from: number, every: number, count: number): Float64Array {
  const change = new Float64Array(count + 1);
  const add = (moment: number, visitors: number) => {
    change[Math.min(count, Math.max(0, Math.ceil((moment - from) / every)))] += visitors;
  };
  for (let group = 0; group < day.buys.length; group++) {
    if (day.buys[group]) {
      add(journeys.sellerJoined[group], day.visitors[group]);
      add(journeys.sellerBegan[group], -day.visitors[group]);
    }
    add(journeys.scannerJoined[group], day.visitors[group]);
    for (let scan = day.firstScan[group]; scan < day.firstScan[group + 1]; scan++) {
      add(journeys.scanBegan[scan], -day.admits[scan]);
    }
  }
  for (let at = 1; at < count; at++) change[at] += change[at - 1];
  return change.subarray(0, count);
}
