/** The tiles' figures of any range, and of many ranges side by side. */

import { quantile } from "./bins.ts";
import { countTimes, countWaits, data, line, recent, scope, stage } from "./state.ts";
import { ALL, type Buckets, chosen, firstAt, mean, type Range, sumBuckets } from "./store.ts";

/** A value for each of some ranges; null where it is of nobody or not known. */
export type Values = (number | null)[];

export interface Figures {
  arrived: Values;
  admitted: Values;
  revenue: Values;
  /** Seconds. */
  seller50: Values;
  seller95: Values;
  scanner95: Values;
  boxOffice50: Values;
  boxOffice95: Values;
  online50: Values;
  online95: Values;
  /** Shares. */
  sellersBusy: Values;
  scannersBusy: Values;
}

/** Return whether row `i` of the lines is of the chosen line, if one is chosen. */
export const ofLine = (i: number): boolean =>
  line.value === ALL || data.lines.stage[i] !== stage.value || data.lines.line[i] === line.value;

/** Return the SQL condition of the chosen line. */
export const lineFilters = (): (string | false)[] => [line.value !== ALL && `line = ${line.value}`];

/** Return busy time and capacity by stage and bucket, microseconds; hours of a server that nobody used count for neither. */
export function busyOf(edges: number[], keep: (i: number) => boolean = ofLine): { busy: Float64Array[]; capacity: Float64Array[] } {
  const { lines } = data;
  const count = edges.length - 1;
  const make = () => data.head.stages.map(() => new Float64Array(count));
  const [busy, capacity] = [make(), make()];
  let bucket = 0;
  for (let i = firstAt(lines.hour, edges[0]); i < lines.hour.length && lines.hour[i] < edges[count]; i++) {
    while (lines.hour[i] >= edges[bucket + 1]) bucket++;
    if (lines.servers[i] === 0 || !chosen(lines, i, scope.value) || !keep(i)) continue;
    busy[lines.stage[i]][bucket] += lines.busy_us[i];
    capacity[lines.stage[i]][bucket] += lines.servers[i] * 3600e6;
  }
  return { busy, capacity };
}

/** Return whether durations from bus to gate are known in the range: older ones are counted by the UTC day. */
export function byWholeDays({ from, to }: Range): boolean {
  const cut = (hour: number) => hour < recent && hour % 24 !== 0;
  return !cut(from) && !cut(to);
}

/** Return every figure for each of the buckets between `edges`. */
export function figuresOf(edges: number[], sums: Buckets = sumBuckets(data.venueHours, scope.value, edges, ["visitors_arrived", "visitors_admitted", "revenue_cents"])): Figures {
  const count = edges.length - 1;
  const range = { from: edges[0], to: edges[count] };
  const bucketOf = new Uint32Array(range.to - range.from);
  for (let bucket = 0; bucket < count; bucket++) bucketOf.fill(bucket, edges[bucket] - range.from, edges[bucket + 1] - range.from);
  const at = (hour: number) => bucketOf[hour - range.from];
  const each = <T,>(of: (bucket: number) => T): T[] => Array.from({ length: count }, (_, bucket) => of(bucket));

  const waits = countWaits(range, 2 * count, line.value, (i) => data.waits.stage[i] * count + at(data.waits.hour[i]));
  const times = byWholeDays(range) ? countTimes(range, 2 * count, (i) => data.timeInSystem.channel[i] * count + at(data.timeInSystem.hour[i])) : undefined;
  const wait = (stage: number, part: number) => each((bucket) => quantile(waits[stage * count + bucket], data.head.edges, part));
  const time = (channel: number, part: number) => each((bucket) => (times ? quantile(times[channel * count + bucket], data.head.edges, part) : null));
  const there = (measure: string) => each((bucket) => (sums.there[bucket] ? sums.sums[measure][bucket] : null));
  const { busy, capacity } = busyOf(edges);
  const used = (stage: number) => each((bucket) => mean(busy[stage][bucket], capacity[stage][bucket]));
  return {
    arrived: there("visitors_arrived"),
    admitted: there("visitors_admitted"),
    revenue: there("revenue_cents"),
    seller50: wait(0, 0.5),
    seller95: wait(0, 0.95),
    scanner95: wait(1, 0.95),
    boxOffice50: time(0, 0.5),
    boxOffice95: time(0, 0.95),
    online50: time(1, 0.5),
    online95: time(1, 0.95),
    sellersBusy: used(0),
    scannersBusy: used(1),
  };
}
