import { axisX, axisY, cell, plot, text } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { quantile } from "../bins.ts";
import { onShade, shade } from "../cells.ts";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import type { Listing } from "../listing.ts";
import { count, duration, share } from "../figures.ts";
import { binned, inZone, quantileOf, where } from "../sql.ts";
import { calendar, channel, choose, countWaits, data, line, range, scope, stage, target, waitFilters, zone } from "../state.ts";
import { chosen, firstAt } from "../store.ts";
import { lineFilters, ofLine } from "../totals.ts";
import type { Calendar as Measure } from "../url.ts";
import { WEEKDAYS, weekdayAndHour, zoneName } from "../zone.ts";

const CELLS = 7 * 24;

interface Kind {
  name: string;
  said: (value: number) => string;
  short: (value: number) => string;
  mart: string;
  column: string;
  digits: number;
}

const KINDS: Record<Measure, Kind> = {
  p95: { name: "95 % of waits", mart: "marts.agg_wait_histogram_hourly", said: (min) => duration(min * 60e6, "min"), short: (min) => min.toFixed(0), column: "95 %, min", digits: 1 },
  visitors: { name: "Visitors", mart: "marts.agg_venue_hourly", said: (n) => `${count(n)} visitors`, short: (n) => (n < 1000 ? count(n) : `${(n / 1000).toFixed(1)}k`), column: "visitors arrived", digits: 0 },
  busy: { name: "Busy", mart: "marts.agg_line_hourly", said: share, short: (part) => (100 * part).toFixed(0), column: "busy, %", digits: 1 },
};

/** Return the value of each weekday and hour; null where there is none. */
function valuesOf(measure: Measure, at: number): (number | null)[] {
  const cellOf = (hour: number) => {
    const [weekday, of] = weekdayAndHour(hour, zone.value);
    return weekday * 24 + of;
  };
  if (measure === "p95") {
    const { stage: stages, hour } = data.waits;
    const counts = countWaits(range.value, CELLS, line.value, (i) => (stages[i] === at ? cellOf(hour[i]) : -1));
    return counts.map((each) => quantile(each, data.head.edges, 0.95)).map((s) => (s === null ? null : s / 60));
  }
  const rows = measure === "visitors" ? data.venueHours : data.lines;
  const [sums, weights] = [new Float64Array(CELLS), new Float64Array(CELLS)];
  for (let i = firstAt(rows.hour, range.value.from); i < rows.hour.length && rows.hour[i] < range.value.to; i++) {
    if (!chosen(rows, i, scope.value)) continue;
    if (measure === "busy" && (rows.stage[i] !== at || rows.servers[i] === 0 || !ofLine(i))) continue;
    sums[cellOf(rows.hour[i])] += measure === "visitors" ? rows.visitors_arrived[i] : rows.busy_us[i];
    weights[cellOf(rows.hour[i])] += measure === "visitors" ? 1 : rows.servers[i] * 3600e6;
  }
  return Array.from(sums, (sum, i) => (weights[i] === 0 ? null : measure === "visitors" ? sum : sum / weights[i]));
}

function listing(measure: Measure, at: number, values: (number | null)[]): Listing {
  const { column, digits } = KINDS[measure];
  const local = inZone("hour_start", zone.value);
  const keys: [string, string][] = [[`isodow(${local})`, "weekday"], [`hour(${local})`, "hour"]];
  const listed = keys.map(([expression, name]) => `${expression} as ${name}`).join(", ");
  const name = data.head.stages[at];
  const sql = {
    p95: () => `${binned("marts.agg_wait_histogram_hourly", keys, where(scope.value, range.value, `stage = '${name}'`, ...waitFilters(at)))}
select weekday, hour, ${quantileOf(0.95, "60e6")} as "${column}"
from binned`,
    visitors: () => `select ${listed}, sum(visitors_arrived) as "${column}"
from marts.agg_venue_hourly
${where(scope.value, range.value)}`,
    busy: () => `select ${listed}, 100 * sum(busy_us) / sum(servers * 3600e6) as "${column}"
from marts.agg_line_hourly
${where(scope.value, range.value, `stage = '${name}'`, "servers > 0", ...lineFilters())}`,
  }[measure]();
  const factor = measure === "busy" ? 100 : 1;
  return {
    columns: [{ name: "weekday", digits: 0 }, { name: "hour", digits: 0 }, { name: column, digits }],
    rows: values.flatMap((value, i) => (value === null ? [] : [[Math.floor(i / 24) + 1, i % 24, value * factor]])),
    sql: `${sql}\ngroup by all\norder by all`,
  };
}

/** When it is full: a cell for each weekday and hour of the day. */
export function Calendar() {
  const [measure, of, within, inThat, goal] = [calendar.value, scope.value, range.value, zone.value, target.value];
  const at = Math.max(0, stage.value);
  const values = useMemo(() => valuesOf(measure, at), [measure, at, of, within, inThat, line.value, channel.value]);
  const kind = KINDS[measure];
  const days = WEEKDAYS.map((_, day) => day).filter((day) => values.slice(day * 24, day * 24 + 24).some((value) => value !== null));
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  const draw = useMemo(
    () => (width: number, height: number) => {
      const limit = measure === "p95" ? goal : measure === "busy" ? 0.9 : Infinity;
      const strongest = measure === "busy" ? 1 : most;
      const cells = values.flatMap((value, i) => (value === null ? [] : [{ value, day: Math.floor(i / 24), hour: i % 24 }]));
      const hours = Array.from({ length: 24 }, (_, hour) => hour);
      const room = (width - 50) / 24 > 22;
      const svg = plot({
        width,
        height,
        className: "plot",
        marginLeft: 38,
        marginRight: 4,
        marginTop: 4,
        marginBottom: 22,
        x: { type: "band", domain: hours, padding: 0.06 },
        y: { type: "band", domain: days, padding: 0.08, label: null },
        color: { type: "identity" },
        marks: [
          axisY({ tickSize: 0, label: null, tickFormat: (day: number) => WEEKDAYS[day] }),
          axisX(hours.filter((hour) => hour % 3 === 0), { tickSize: 0, label: null, tickFormat: (hour: number) => `${hour}`.padStart(2, "0") }),
          cell(cells, { x: "hour", y: "day", fill: ({ value }) => shade(value, strongest, limit), rx: 3 }),
          ...(room
            ? [text(cells.filter(({ value }) => value > 0.4 * strongest), { x: "hour", y: "day", text: ({ value }) => kind.short(value), fontSize: 10, fill: ({ value }) => onShade(value, strongest) })]
            : []),
        ],
      });
      const scale = svg.scale("x")!;
      const tip = (hour: number) => ({
        head: `${`${hour}`.padStart(2, "0")}:00 to ${`${hour + 1}`.padStart(2, "0")}:00 ${zoneName(inThat)}`,
        lines: days.map((day): [string, string] => {
          const value = values[day * 24 + hour];
          return [WEEKDAYS[day], value === null ? "nobody" : kind.said(value)];
        }),
      });
      return { svg, tips: { xs: hours.map((hour) => scale.apply(hour) + scale.bandwidth! / 2), of: tip } };
    },
    [values, goal],
  );
  const whose = measure === "visitors" ? "who arrive" : `at the ${data.head.stages[at]}s`;
  const unit = measure === "p95" ? "minutes" : measure === "busy" ? "share of the hours in which a line was used, %" : "all added up";
  const best = values.reduce<number>((top, value, i) => ((value ?? -1) > (values[top] ?? -1) ? i : top), 0);
  const peakWords = days.length ? `; most: ${kind.said(values[best]!)} on ${WEEKDAYS[Math.floor(best / 24)]} at ${best % 24}:00` : "";
  return (
    <Figure
      id="calendar"
      mart={KINDS[measure].mart}
      title="When it is full"
      hint={`${kind.name} ${whose} by weekday and hour, ${unit}`}
      empty={!days.length && "There is nothing of this in these hours."}
      listing={() => listing(measure, at, values)}
      controls={
        <div class="presets small controls" role="group" aria-label="What the cells show">
          {(Object.keys(KINDS) as Measure[]).map((each) => (
            <button type="button" key={each} aria-pressed={each === measure} onClick={() => choose({ calendar: each })}>
              {KINDS[each].name}
            </button>
          ))}
        </div>
      }
    >
      <Chart id="calendar" label={`${kind.name} ${whose} by weekday and hour${peakWords}`} height={Math.max(96, days.length * 30 + 30)} draw={draw} />
    </Figure>
  );
}
