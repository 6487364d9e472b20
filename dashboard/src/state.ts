/** The data of this page, what is chosen, and what follows from it. */

import { computed, signal } from "@preact/signals";
import { decode } from "./layout.ts";
import { histograms } from "./bins.ts";
import { ALL, type Buckets, chosen, loadedHours, type Range, type Scope, spanOf, sumBuckets, total, venuesOf } from "./store.ts";
import { stillInside, tailStart } from "./inside.ts";
import { replayOf, withReplay } from "./replay/url.ts";
import { type Choice, fromHash, toHash } from "./url.ts";
import { bucketEdges } from "./zone.ts";

const textOf = (id: string): string => document.getElementById(id)?.textContent ?? "";

export const data = decode(textOf("head"), textOf("columns"));

const SCOPED = [data.venueHours, data.receipts];
const MEASURES = data.head.measures;

const choice = signal<Choice>(fromHash(location.hash, data.head));

/** Changes with whatever is chosen. */
export const everythingChosen = computed(() => choice.value);

// Numbers, so that another range leaves alone what follows from run and venue only.
const run = computed(() => choice.value.run);
const venue = computed(() => {
  const venues = venuesOfRun.value;
  if (venues.length === 1) return venues[0];
  return venues.includes(choice.value.venue) ? choice.value.venue : ALL;
});

export const venuesOfRun = computed(() => venuesOf(SCOPED, run.value));

/** The run and venue whose figures are shown. A venue that the run does not have is as good as none. */
export const scope = computed<Scope>(() => ({ run: run.value, venue: venue.value }));

export const stage = computed(() => choice.value.stage);
export const line = computed(() => choice.value.line);
export const channel = computed(() => choice.value.channel);
export const target = computed(() => choice.value.target);
export const calendar = computed(() => choice.value.calendar);

const { hour: HOURS } = data.venueHours;
export const newest = HOURS.length ? HOURS[HOURS.length - 1] + 1 : 0;
/** The first hour whose waits are known by line and channel. */
export const recent = (Math.floor((newest - 1) / 24) - data.head.recentDays + 1) * 24;

/** All hours of the scope; with a line or a channel those of which these are known. */
export const span = computed<Range>(() => {
  const all = spanOf(SCOPED, scope.value) ?? { from: 0, to: 1 };
  const byLine = line.value !== ALL || channel.value !== ALL;
  return byLine ? { from: Math.min(Math.max(all.from, recent), all.to - 1), to: all.to } : all;
});

/** The hours whose figures are shown: what is chosen, as far as there is anything. */
export const range = computed<Range>(() => {
  const { from, to } = choice.value.range ?? span.value;
  const clamped = { from: Math.max(from, span.value.from), to: Math.min(to, span.value.to) };
  return clamped.from < clamped.to ? clamped : span.value;
});

export const isWhole = computed(() => range.value.from === span.value.from && range.value.to === span.value.to);
export const zone = computed(() => choice.value.zone);

const unitOf = ({ from, to }: Range): "hour" | "day" => (to - from <= data.head.hourlyDays * 24 ? "hour" : "day");
export const unit = computed(() => unitOf(range.value));
export const spanUnit = computed(() => unitOf(span.value));

const buckets = (of: Range, by: "hour" | "day", measures: string[]): Buckets =>
  sumBuckets(data.venueHours, scope.value, bucketEdges(of.from, of.to, by, zone.value), measures);

export const series = computed(() => buckets(range.value, unit.value, MEASURES));
export const overview = computed(() => buckets(span.value, spanUnit.value, ["visitors_arrived"]));
export const totals = computed(() => total(series.value));
export const loaded = computed(() => loadedHours(data.venueHours, scope.value, range.value));
export const inside = computed(() => stillInside(data.venueHours, scope.value, range.value.to));
export const tail = computed(() => tailStart(data.venueHours, scope.value, data.head.ended));

/** The positions of the stages that are shown. */
export const stages = computed(() => data.head.stages.map((_, at) => at).filter((at) => stage.value === ALL || at === stage.value));

const WAITS = { groups: data.waits, bins: { bin: data.waitBins.bin, visitors: data.waitBins.visitors } };
const SYSTEM = { groups: data.timeInSystem, bins: { bin: data.timeInSystemBins.bin, visitors: data.timeInSystemBins.visitors } };

/** Count waits of the scope, of the chosen channel and of a line of the chosen stage, in the groups that `groupOf` says. */
export function countWaits(within: Range, count: number, inLine: number, groupOf: (i: number) => number): Float64Array[] {
  const [of, rows, at, by] = [scope.value, data.waits, stage.value, channel.value];
  return histograms(WAITS, within, data.head.edges.length, count, (i) => {
    if (!chosen(rows, i, of) || (by !== ALL && rows.channel[i] !== by)) return -1;
    if (inLine !== ALL && rows.stage[i] === at && rows.line[i] !== inLine) return -1;
    return groupOf(i);
  });
}

/** Return SQL conditions of the line and the channel that waits at a stage are counted of. */
export const waitFilters = (of: number): (string | false)[] => [
  line.value !== ALL && of === stage.value && `line = ${line.value}`,
  channel.value !== ALL && `channel = '${data.head.channels[channel.value]}'`,
];

/** Count the times from bus to gate of the scope, in the groups that `groupOf` says. */
export function countTimes(within: Range, count: number, groupOf: (i: number) => number): Float64Array[] {
  const of = scope.value;
  return histograms(SYSTEM, within, data.head.edges.length, count, (i) => (chosen(data.timeInSystem, i, of) ? groupOf(i) : -1));
}

/** Waits by stage, in the chosen range. */
export const waits = computed(() => countWaits(range.value, data.head.stages.length, line.value, (i) => data.waits.stage[i]));

/** Change what is chosen; the address follows, so that the back button leads to what was chosen before. */
export function choose(changes: Partial<Choice>): void {
  const next = { ...choice.value, ...changes };
  if (next.range && next.range.from <= span.value.from && next.range.to >= span.value.to && !("run" in changes)) {
    next.range = undefined;
  }
  choice.value = next;
  const hash = withReplay(toHash(next, data.head), replayOf(location.hash));
  if (hash !== location.hash.slice(1)) history.pushState(null, "", `#${hash}`);
}

export const chooseRange = (from: number, to: number): void => choose({ range: { from, to } });

addEventListener("popstate", () => {
  choice.value = fromHash(location.hash, data.head);
});
