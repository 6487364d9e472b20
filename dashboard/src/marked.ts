/** The hours to mark in the charts: those of which a receipt or a figure is not proved. */

import { computed } from "@preact/signals";
import { inScope } from "./store.ts";
import { data, range, scope } from "./state.ts";

/** Receipts and figures that are not proved, the wrong ones first. */
export const notProved = [...data.head.offending, ...data.head.problems].sort(
  (one, other) => Number(other.state === "wrong") - Number(one.state === "wrong"),
);

/** Hours that do not equal their receipts, and the worst state of each. */
export type Marked = Map<number, string>;

export const marked = computed<Marked>(() => {
  const hours: Marked = new Map();
  for (const problem of notProved) {
    const { hour, state } = problem;
    if (hour < range.value.from || hour >= range.value.to || hours.has(hour)) continue;
    if (inScope(problem.run, problem.venue, scope.value)) hours.set(hour, state);
  }
  return hours;
});

/** Words for the legend of a chart, of the states that are marked in it. */
export const LEGEND: Record<string, string> = { wrong: "differs from its receipts", unproved: "has no receipt" };

/** The states that occur among the marked hours. */
export const markedStates = computed(() => [...new Set(marked.value.values())].sort().reverse());
