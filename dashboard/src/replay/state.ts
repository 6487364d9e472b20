/** The day that is played back, the staffing that is tried, and what follows; nothing is read before somebody looks. */

import { computed, signal } from "@preact/signals";
import { data, scope, target } from "../state.ts";
import { HOUR_MS } from "../zone.ts";
import { type Day, type PackedDay, readDay, type ReplayHead, type Staffing } from "./days.ts";
import { run, sameStaffing } from "./model.ts";
import { summarise, waitingOver } from "./summary.ts";
import { type ReplayChoice, replayOf, withReplay } from "./url.ts";

const element = document.getElementById("replay");

/** Whether there is a day to play back. */
export const hasReplay = element !== null;

let known: ReplayHead | undefined;
export const head = (): ReplayHead => (known ??= JSON.parse(element!.textContent!) as ReplayHead);

export const dayKey = ({ venue, day }: PackedDay): string => `${venue}:${new Date(day * 24 * HOUR_MS).toISOString().slice(0, 10)}`;

/** What `ticketsim plan` found for the scenario of this run. */
export const plans = () => head().plans;

/** What the sliders show, and what the figures are of: the same as soon as the sliders rest. */
const chosen = signal<ReplayChoice>(replayOf(location.hash));
const settled = signal<ReplayChoice>(chosen.value);

/** Position of the day: the one that is chosen, else the first of the venue that the page shows. */
export const at = computed(() => {
  const { days } = head();
  const named = days.findIndex((day) => dayKey(day) === settled.value.day);
  if (named >= 0) return named;
  return Math.max(0, days.findIndex(({ venue }) => venue === data.head.venues[scope.value.venue]));
});

export const day = computed<Day>(() => readDay(head().days[at.value], head().stepUs));

const staffingOf = ({ sellers, scanners, shared }: ReplayChoice, { recorded }: Day): Staffing => ({
  sellers: sellers ?? recorded.sellers,
  scanners: scanners ?? recorded.scanners,
  shared: shared ?? recorded.shared,
});
export const wanted = computed(() => staffingOf(chosen.value, day.value));
export const staffing = computed(() => staffingOf(settled.value, day.value));

export const actual = computed(() => run(day.value, day.value.recorded));
export const tryout = computed(() => (sameStaffing(staffing.value, day.value.recorded) ? actual.value : run(day.value, staffing.value)));
export const isActual = computed(() => tryout.value === actual.value);

const targetUs = computed(() => target.value * 60e6);
export const actualSummary = computed(() => summarise(day.value, actual.value, targetUs.value));
export const summary = computed(() => (isActual.value ? actualSummary.value : summarise(day.value, tryout.value, targetUs.value)));

/** Moments from the day's begin to its end, or to the admission of its last visitor. */
export const until = computed(() => actual.value.scanEnded.reduce((last, moment) => Math.max(last, moment), day.value.ends));

/** How far apart the moments are at which people are counted, in minutes. */
const MINUTES = 1;
export const every = computed(() => (MINUTES * 60e6) / day.value.stepUs);
const moments = computed(() => Math.floor((until.value - day.value.begins) / every.value) + 1);
export const actualWaiting = computed(() => waitingOver(day.value, actual.value, day.value.begins, every.value, moments.value));
export const waiting = computed(() =>
  isActual.value ? actualWaiting.value : waitingOver(day.value, tryout.value, day.value.begins, every.value, moments.value),
);

/** Return a moment as milliseconds since the epoch. */
export const msOf = (moment: number): number => day.value.zeroMs + (moment * day.value.stepUs) / 1000;

const REST_MS = 30;
let timer: number | undefined;

/** Change what is chosen; the address follows without a new entry for the back button, as sliders pass many values. */
export function chooseReplay(changes: ReplayChoice): void {
  chosen.value = { ...chosen.value, ...changes };
  clearTimeout(timer);
  timer = setTimeout(() => {
    settled.value = chosen.value;
    history.replaceState(null, "", `#${withReplay(location.hash, chosen.value)}`);
  }, REST_MS);
}

/** Play back another day, as it was. */
export const chooseDay = (key: string): void => chooseReplay({ day: key, sellers: undefined, scanners: undefined, shared: undefined });

addEventListener("popstate", () => {
  settled.value = chosen.value = replayOf(location.hash);
});
