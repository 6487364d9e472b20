import { axisY, gridY, plot, rect } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import { count } from "../figures.ts";
import { LEGEND, marked, markedStates } from "../marked.ts";
import { bucketRows } from "../series.ts";
import { timeOf, whenName, whenOf, where } from "../sql.ts";
import { range, scope, series, tail, unit, zone } from "../state.ts";
import { HOUR_MS } from "../zone.ts";
import { bands, horizon, overTime, timeAxis } from "./time.ts";

/** Who arrives, as a thin row of bars; its tooltip tells who is admitted as well. */
export function Arrivals() {
  const [of, by, inZone, end, wrong] = [series.value, unit.value, zone.value, tail.value, marked.value];
  const rows = useMemo(() => bucketRows(of, by, inZone, end), [of, by, inZone, end]);
  const { visitors_arrived: arrived, visitors_admitted: admitted } = of.sums;
  const most = arrived.reduce((best, value, i) => (value > arrived[best] ? i : best), 0);
  const draw = useMemo(
    () => (width: number, height: number) => {
      const [from, to] = [rows[0].from, rows[rows.length - 1].to];
      const svg = plot({
        ...overTime(from, to, width, height),
        y: { domain: [0, arrived[most] || 1], nice: true, label: null },
        marks: [
          gridY({ ticks: 3, stroke: "var(--line)", strokeOpacity: 1 }),
          axisY({ ticks: 3, tickSize: 0, label: null }),
          timeAxis(from, to, width, inZone),
          rect(
            rows.filter(({ there }) => there),
            { x1: ({ from }) => from * HOUR_MS, x2: ({ to }) => to * HOUR_MS, y1: 0, y2: ({ i }) => arrived[i], fill: "var(--field)", insetLeft: 0.5, className: "bars" },
          ),
          ...bands(wrong),
          ...horizon(end, from, to),
        ],
      });
      const scale = svg.scale("x")!;
      const tip = (i: number) => ({
        head: rows[i].when,
        lines: (["Arrived", "Admitted"] as const).map((name, at): [string, string] => [name, rows[i].there ? count([arrived, admitted][at][i]) : "not loaded"]),
      });
      return { svg, tips: { xs: rows.map(({ mid }) => scale.apply(mid)), times: rows.map(({ mid }) => mid), of: tip } };
    },
    [rows, wrong],
  );
  const listing = () => {
    const when = whenName(by, inZone);
    return {
      columns: [{ name: when }, { name: "arrived", digits: 0 }, { name: "admitted", digits: 0 }],
      rows: rows.filter(({ there }) => there).map(({ i, from }) => [whenOf(from, by, inZone), arrived[i], admitted[i]]),
      sql: `select ${timeOf("hour_start", by, inZone)} as "${when}", sum(visitors_arrived) as arrived, sum(visitors_admitted) as admitted
from marts.agg_venue_hourly
${where(scope.value, range.value)}
group by all
order by all`,
    };
  };
  return (
    <Figure id="arrivals" title="Visitors who arrive" hint={`by ${by}`} wide mart="marts.agg_venue_hourly" listing={listing}>
      {markedStates.value.length > 0 && (
        <ul class="legend">
          {markedStates.value.map((state) => (
            <li key={state}><i class={`swatch ${state}-hours`} />{LEGEND[state]}</li>
          ))}
        </ul>
      )}
      <Chart id="arrivals" label={`Visitors who arrive by ${by}; most: ${count(arrived[most])} at ${rows[most].when}`} height={130} draw={draw} />
    </Figure>
  );
}
