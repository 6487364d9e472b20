/** The data of this page, what is chosen, and what follows from it. */

import { computed, signal } from "@preact/signals";
import { decode } from "./layout.ts";
import { ALL, type Buckets, countWaits, loadedHours, type Range, type Scope, spanOf, sumBuckets, total, venuesOf } from "./store.ts";
import { stillInside, tailStart } from "./inside.ts";
import { replayOf, withReplay } from "./replay/url.ts";
import { type Choice, fromHash, toHash } from "./url.ts";
import { bucketEdges } from "./zone.ts";

const textOf = (id: string): string => document.getElementById(id)?.textContent ?? "";

export const data = decode(textOf("head"), textOf("columns"));

const SCOPED = [data.venueHours, data.receipts];
const MEASURES = data.head.measures;

const choice = signal<Choice>(fromHash(location.hash, data.head));

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

export const span = computed<Range>(() => spanOf(SCOPED, scope.value) ?? { from: 0, to: 1 });

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
export const waits = computed(() =>
  countWaits(data.waits, data.waitBins, scope.value, range.value, [data.head.stages.length, data.head.edges.length]),
);

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
