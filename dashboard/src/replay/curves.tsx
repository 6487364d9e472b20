import { areaY, axisY, gridY, line, plot } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { timeAxis } from "../charts/time.ts";
import { count } from "../figures.ts";
import { zone } from "../state.ts";
import { clock, HOUR_MS } from "../zone.ts";
import { now } from "./player.tsx";
import { actualWaiting, day, every, isActual, msOf, waiting } from "./state.ts";

const HEIGHT = 230;
const MARGIN = { left: 52, right: 16 };

/** The moment that the picture shows. */
function Now() {
  const share = (now.value - day.value.begins) / (every.value * (actualWaiting.value.length - 1));
  return <div class="now" style={{ left: `calc(${MARGIN.left}px + (100% - ${MARGIN.left + MARGIN.right}px) * ${share})` }} />;
}

/** People waiting over the day, as it was and under the staffing that is tried. */
export function Curves() {
  const [was, would, tried, inZone] = [actualWaiting.value, waiting.value, !isActual.value, zone.value];
  const [begins, step] = [day.value.begins, every.value];
  const draw = useMemo(() => {
    const times = Array.from(was, (_, at) => msOf(begins + at * step));
    const at = times.map((_, i) => i);
    const x = (i: number) => times[i];
    const [from, to] = [times[0] / HOUR_MS, times[times.length - 1] / HOUR_MS];
    return (width: number, height: number) => {
      const svg = plot({
        width,
        height,
        className: "plot",
        marginTop: 8,
        marginRight: MARGIN.right,
        marginBottom: 22,
        marginLeft: MARGIN.left,
        x: { type: "linear", domain: [times[0], times[times.length - 1]] },
        y: { domain: [0, Math.max(1, ...was, ...would)], nice: true, label: null },
        marks: [
          gridY({ ticks: 4, stroke: "var(--line)", strokeOpacity: 1 }),
          axisY({ ticks: 4, tickSize: 0, label: null }),
          timeAxis(from, to, width, inZone),
          areaY(at, { x, y: (i: number) => was[i], fill: "var(--faint)", className: "was" }),
          ...(tried ? [line(at, { x, y: (i: number) => would[i], stroke: "var(--second)", strokeWidth: 2, className: "would" })] : []),
        ],
      });
      const scale = svg.scale("x")!;
      return {
        svg,
        tips: {
          xs: times.map((time) => scale.apply(time)),
          of: (i: number) => ({
            head: clock(times[i] / HOUR_MS, inZone),
            lines: [["As it was", count(was[i])], ...(tried ? [["What if", count(would[i])]] : [])] as [string, string][],
          }),
        },
      };
    };
  }, [was, would, tried, inZone, begins, step]);
  const most = (people: Float64Array) => count(people.reduce((best, number) => Math.max(best, number), 0));
  return (
    <div>
      <h3>
        People waiting <span class="hint">at sellers and scanners, every minute</span>
      </h3>
      <ul class="legend">
        <li><i class="swatch bar faint" />as it was</li>
        {tried && <li><i class="swatch second" />what if</li>}
      </ul>
      <div class="waiting">
        <Chart
          id="replay-waiting"
          label={`People waiting every minute: at most ${most(was)} as it was${tried ? `, ${most(would)} under the staffing that is tried` : ""}`}
          height={HEIGHT}
          draw={draw}
        />
        <Now />
      </div>
    </div>
  );
}
