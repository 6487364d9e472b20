import { areaY, axisY, gridY, line, plot, text } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import type { Listing } from "../listing.ts";
import { count } from "../figures.ts";
import { LEGEND, marked, markedStates } from "../marked.ts";
import { peak, type People as Counted, PARTS, people } from "../people.ts";
import { range, scope, tail, zone } from "../state.ts";
import { inZone, where } from "../sql.ts";
import { fieldValue, HOUR_MS, hourName, zoneName } from "../zone.ts";
import { bands, horizon, overTime, timeAxis } from "./time.ts";

const EMPTY = "Nobody was between bus and gate in these hours.";

const ALL_OF_FIVE = PARTS.map((part) => part.split("_")[1]).slice(0, 3).join(" + ");

/** Return the SQL and the rows of what is drawn. */
function listing(of: Counted): Listing {
  const inHours = of.step === 60;
  const when = `${inHours ? "hour" : "time"} (${zoneName(zone.value)})`;
  const moment = inZone(inHours ? "hour_start" : "slot_start", zone.value);
  const sum = (what: string, stage: string) => `sum(case when stage = '${stage}' then ${what} else 0 end)`;
  const condition = where(scope.value, range.value);
  const sql = inHours
    ? `select strftime(${moment}, '%Y-%m-%d %H:%M') as "${when}", sum(sellers) as "at the sellers", sum(scanners) as "at the scanners", sum(people) as "all"
from (
  select run_id, venue_id, hour_start, max(sellers) as sellers, max(scanners) as scanners, max(people) as people
  from (
    select run_id, venue_id, hour_start, slot_start, max(case when stage = 'seller' then waiting_max end) as sellers,
      max(case when stage = 'scanner' then waiting_max end) as scanners, sum(${ALL_OF_FIVE}) as people
    from marts.agg_occupancy_5min
    ${condition.replaceAll("\n", "\n    ")}
    group by all
  )
  group by all
)
group by hour_start
order by hour_start`
    : `select strftime(${moment}, '%Y-%m-%d %H:%M') as "${when}", ${sum("waiting", "seller")} as "at the sellers", ${sum("waiting", "scanner")} as "at the scanners", sum(${ALL_OF_FIVE}) as "all"
from marts.agg_occupancy_5min
${condition}
group by slot_start
order by slot_start`;
  const rows = Array.from(of.at, (at, i) => [fieldValue(at, zone.value).replace("T", " "), of.sellers[i], of.scanners[i], of.all[i]]);
  return {
    columns: [{ name: when }, { name: "at the sellers", digits: 0 }, { name: "at the scanners", digits: 0 }, { name: "all", digits: 0 }],
    rows: rows.filter((_, i) => of.there[i]),
    sql,
  };
}

/** People between bus and gate: who waits at the sellers, who waits at the scanners, who walks or is served. */
export function People() {
  const [of, { from, to }, inZone, end, wrong] = [people.value, range.value, zone.value, tail.value, marked.value];
  const most = peak(of.all);
  const draw = useMemo(
    () => (width: number, height: number) => {
      const at = Array.from(of.at, (_, i) => i);
      // a step ends where the next one begins, the last one at the end
      const steps = [...at, at.length];
      const x = (i: number) => (of.at[i] ?? to) * HOUR_MS;
      const seen = (value: (i: number) => number) => (i: number) => {
        const slot = Math.min(i, at.length - 1);
        return of.there[slot] ? value(slot) : NaN;
      };
      const area = (colour: string, y1: (i: number) => number, y2: (i: number) => number, className: string) =>
        areaY(steps, { x, y1: seen(y1), y2: seen(y2), fill: colour, curve: "step-after", className });
      const longest = peak(of.sellers);
      const svg = plot({
        ...overTime(from, to, width, height),
        y: { domain: [0, of.all[most] * 1.08 || 1], nice: true, label: null },
        marks: [
          gridY({ ticks: 4, stroke: "var(--line)", strokeOpacity: 1 }),
          axisY({ ticks: 4, tickSize: 0, label: null }),
          timeAxis(from, to, width, inZone),
          ...(of.step === 5
            ? [
                area("var(--first)", () => 0, (i) => of.sellers[i], "sellers"),
                area("var(--scanner)", (i) => of.sellers[i], (i) => of.sellers[i] + of.scanners[i], "scanners"),
                area("var(--faint)", (i) => of.sellers[i] + of.scanners[i], (i) => of.all[i], "others"),
              ]
            : [
                area("var(--faint)", () => 0, (i) => of.all[i], "others"),
                line(steps, { x, y: seen((i) => of.sellers[i]), stroke: "var(--first)", strokeWidth: 1.5, curve: "step-after", className: "sellers" }),
                line(steps, { x, y: seen((i) => of.scanners[i]), stroke: "var(--scanner)", strokeWidth: 1.5, curve: "step-after", className: "scanners" }),
              ]),
          ...bands(wrong),
          ...horizon(end, from, to),
          ...(of.sellers[longest] > 0
            ? [text([longest], { x, y: () => of.all[longest], text: () => `${count(of.sellers[longest])} at the sellers`, dy: -9, fontWeight: 600, fill: "var(--ink)", stroke: "var(--card)", strokeWidth: 4, textAnchor: longest > at.length * 0.9 ? "end" : longest < at.length * 0.1 ? "start" : "middle" })]
            : []),
        ],
      });
      const scale = svg.scale("x")!;
      const middle = (i: number) => (of.at[i] + of.step / 120) * HOUR_MS;
      const tip = (i: number) => ({
        head: hourName(of.at[i], inZone),
        lines: (of.there[i]
          ? [["Waiting at the sellers", count(of.sellers[i])], ["Waiting at the scanners", count(of.scanners[i])], ["All", count(of.all[i])]]
          : [["People", "not loaded"]]) as [string, string][],
      });
      return { svg, tips: { xs: at.map((i) => scale.apply(middle(i))), times: at.map(middle), of: tip } };
    },
    [of, from, to, inZone, end, wrong],
  );
  const step = of.step === 5 ? "every 5 minutes" : "most at once in each hour, added up over venues";
  return (
    <Figure id="people" mart="marts.agg_occupancy_5min" title="People between bus and gate" hint={step} wide empty={of.all[most] === 0 && EMPTY} listing={() => listing(of)}>
      <ul class="legend">
        <li><i class="swatch bar first" />waiting at the sellers</li>
        <li><i class="swatch bar scanner" />waiting at the scanners</li>
        <li><i class="swatch bar faint" />{of.step === 5 ? "walking or being served" : "all"}</li>
        {markedStates.value.map((state) => (
          <li key={state}><i class={`swatch bar ${state}-hours`} />{LEGEND[state]}</li>
        ))}
      </ul>
      <Chart id="people" label={`People between bus and gate, ${step}; most: ${count(of.all[most])} at ${hourName(of.at[most], inZone)}`} height={240} draw={draw} />
    </Figure>
  );
}
