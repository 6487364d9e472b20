/** How many people are between bus and gate, of the chosen run and venue. */

import { computed } from "@preact/signals";
import type { Rows } from "./layout.ts";
import { data, newest, range, scope } from "./state.ts";
import { chosen, firstAt } from "./store.ts";

export const SLOTS = 12;
export const PARTS = ["seller_walking", "seller_waiting", "seller_serving", "scanner_walking", "scanner_waiting", "scanner_serving"] as const;

export interface People {
  /** Minutes between two points. */
  step: 5 | 60;
  /** Hours since the epoch where each point begins. */
  at: Float64Array;
  there: Uint8Array;
  sellers: Float64Array;
  scanners: Float64Array;
  /** All of them: with those who walk and who are served. */
  all: Float64Array;
}

/** People every five minutes as far as they are known, and as long as that many points can be seen; else the hours' maxima. */
export const people = computed<People>(() => {
  const { from, to } = range.value;
  const fine = from >= (Math.floor((newest - 1) / 24) - data.head.occupancyDays + 1) * 24 && to - from <= data.head.hourlyDays * 24;
  return fine ? add(data.occupancy, SLOTS, 5) : add(data.occupancyHours, 1, 60);
});

function add(rows: Rows, slots: number, step: 5 | 60): People {
  const { from, to } = range.value;
  const count = (to - from) * slots;
  const make = () => new Float64Array(count);
  const [sellers, scanners, all, there] = [make(), make(), make(), new Uint8Array(count)];
  for (let i = firstAt(rows.hour, from); i < rows.hour.length && rows.hour[i] < to; i++) {
    if (!chosen(rows, i, scope.value)) continue;
    const at = (rows.hour[i] - from) * slots + (step === 5 ? rows.slot[i] : 0);
    there[at] = 1;
    sellers[at] += rows.seller_waiting[i];
    scanners[at] += rows.scanner_waiting[i];
    all[at] += step === 5 ? PARTS.reduce((sum, part) => sum + rows[part][i], 0) : rows.people[i];
  }
  return { step, at: Float64Array.from(there, (_, i) => from + i / slots), there, sellers, scanners, all };
}

/** Return the position of the largest value. */
export const peak = (values: Float64Array): number => values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
