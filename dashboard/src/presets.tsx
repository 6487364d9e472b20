/** Ranges that are chosen by one click. */

import { useMemo } from "preact/hooks";
import { busiest } from "./periods.ts";
import { chooseRange, data, range, scope, span, zone } from "./state.ts";
import { type Range, type Scope, sumBuckets } from "./store.ts";
import { bucketEdges } from "./zone.ts";

const DAY = 24;
const RUSH_HOURS = 3;

/** Return the presets of a span that are shorter than it, with its name. */
function presetsOf(all: Range, of: Scope): [string, Range][] {
  const { from, to } = all;
  const last = (hours: number): Range => ({ from: to - hours, to });
  const presets: [string, Range][] = [["Last 24 hours", last(DAY)], ["7 days", last(7 * DAY)], ["30 days", last(30 * DAY)]];

  const days = bucketEdges(from, to, "day", zone.value);
  const arrivals = (edges: number[]) => sumBuckets(data.venueHours, of, edges, ["visitors_arrived"]).sums.visitors_arrived;
  const dayAt = busiest(arrivals(days), 1);
  presets.push(["Today", { from: days[days.length - 2], to }], ["Busiest day", { from: days[dayAt], to: days[dayAt + 1] }]);

  const hours = bucketEdges(from, to, "hour", zone.value);
  const rush = from + busiest(arrivals(hours), RUSH_HOURS);
  presets.push(["Rush", { from: rush, to: rush + RUSH_HOURS }]);
  return [["All", all], ...presets.filter(([, each]) => each.from >= from && each.to - each.from < to - from)];
}

const TITLES: Record<string, string> = {
  Today: "The last day of these figures",
  "Busiest day": "The day on which most visitors arrived",
  Rush: `The ${RUSH_HOURS} hours in which most visitors arrived`,
};

export function Presets() {
  const [all, of, inZone] = [span.value, scope.value, zone.value];
  const presets = useMemo(() => presetsOf(all, of), [all, of, inZone]);
  return (
    <div class="presets" role="group" aria-label="Ranges">
      {presets.map(([name, { from, to }]) => (
        <button type="button" key={name} title={TITLES[name]} aria-pressed={range.value.from === from && range.value.to === to} onClick={() => chooseRange(from, to)}>
          {name}
        </button>
      ))}
    </div>
  );
}
