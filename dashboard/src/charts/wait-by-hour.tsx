import { axisY, gridY, link, plot, rect, ruleY, text } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { quantile, sizeOf } from "../bins.ts";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import { count, duration, type Unit } from "../figures.ts";
import { marked } from "../marked.ts";
import { bucketRows } from "../series.ts";
import { binned, quantileOf, timeOf, whenName, whenOf, where } from "../sql.ts";
import { channel, choose, countWaits, data, line, range, scope, series, stage as chosenStage, tail, target, unit, waitFilters, zone } from "../state.ts";
import { MOST_TARGET } from "../url.ts";
import { HOUR_MS } from "../zone.ts";
import { bands, horizon, overTime, timeAxis } from "./time.ts";

const UNITS: Record<Unit, { seconds: number; name: string }> = { min: { seconds: 60, name: "minutes" }, s: { seconds: 1, name: "seconds" } };

/** The target that all charts of waits mark, in minutes. */
function Target() {
  return (
    <label class="controls target">
      Target, minutes{" "}
      <input
        id="target"
        type="number"
        min={0.5}
        max={MOST_TARGET}
        step={0.5}
        value={target.value}
        onChange={({ currentTarget: input }) => (input.value && input.validity.valid ? choose({ target: Number(input.value) }) : (input.value = String(target.value)))}
      />
    </label>
  );
}

/** Waits at one stage by hour or day: the median as a line, from there to 95 % a bar. */
export function WaitByHour({ stage }: { stage: number }) {
  const [of, by, inZone, end, wrong, goal] = [series.value, unit.value, zone.value, tail.value, marked.value, target.value];
  const name = data.head.stages[stage];
  const measuredIn: Unit = name === "seller" ? "min" : "s";
  const { seconds, name: unitName } = UNITS[measuredIn];
  const [within, onLine, byChannel] = [range.value, line.value, channel.value];
  const rows = useMemo(() => bucketRows(of, by, inZone, end), [of, by, inZone, end]);
  const found = useMemo(() => {
    const bucketOf = new Uint32Array(within.to - within.from);
    rows.forEach(({ i, from, to }) => bucketOf.fill(i, from - within.from, to - within.from));
    const { stage: stages, hour } = data.waits;
    const counts = countWaits(within, rows.length, line.value, (i) => (stages[i] === stage ? bucketOf[hour[i] - within.from] : -1));
    return counts.map((each, i) => ({
      ...rows[i],
      visitors: sizeOf(each),
      p50: quantile(each, data.head.edges, 0.5),
      p95: quantile(each, data.head.edges, 0.95),
    }));
  }, [rows, within, stage, onLine, byChannel, chosenStage.value]);
  const waited = found.filter(({ visitors }) => visitors > 0);
  const longest = waited.reduce<(typeof waited)[0] | undefined>((best, row) => (row.p95! > (best?.p95 ?? -1) ? row : best), undefined);
  const colour = name === "seller" ? "var(--first)" : "var(--scanner)";
  const draw = useMemo(
    () => (width: number, height: number) => {
      const [from, to] = [found[0].from, found[found.length - 1].to];
      const most = (longest?.p95 ?? 1) / seconds;
      const limit = (goal * 60) / seconds;
      const seen = limit <= 1.6 * most; // else the waits would be a line on zero
      const inset = (width / found.length) * 0.08;
      const svg = plot({
        ...overTime(from, to, width, height),
        y: { domain: [0, Math.max(most, seen ? limit : 0) * 1.05], nice: true, label: null },
        marks: [
          gridY({ ticks: 4, stroke: "var(--line)", strokeOpacity: 1 }),
          axisY({ ticks: 4, tickSize: 0, label: null }),
          timeAxis(from, to, width, inZone),
          rect(waited, {
            x1: (row) => row.from * HOUR_MS,
            x2: (row) => row.to * HOUR_MS,
            y1: (row) => row.p50! / seconds,
            y2: (row) => row.p95! / seconds,
            insetLeft: inset,
            insetRight: inset,
            fill: colour,
            fillOpacity: 0.3,
            className: "to-p95",
          }),
          link(waited, {
            x1: (row) => row.from * HOUR_MS,
            x2: (row) => row.to * HOUR_MS,
            y1: (row) => row.p50! / seconds,
            y2: (row) => row.p50! / seconds,
            stroke: colour,
            strokeWidth: 2.5,
            className: "p50",
          }),
          ...bands(wrong),
          ...horizon(end, from, to),
          ...(seen ? [ruleY([limit], { stroke: "var(--second)", strokeDasharray: "4 3", className: "target-line" })] : []),
          text([0], {
            frameAnchor: seen ? "right" : "top-left",
            ...(seen ? { y: () => limit, dy: limit > 0.8 * most ? 9 : -8 } : { dx: 4, dy: -6 }),
            text: () => (seen ? `target ${goal} min` : `target ${goal} min, above this axis`),
            textAnchor: seen ? "end" : "start",
            fill: "var(--second)",
            stroke: "var(--card)",
            strokeWidth: 4,
          }),
        ],
      });
      const scale = svg.scale("x")!;
      const tip = (i: number) => ({
        head: found[i].when,
        lines: [
          ["Median", duration(inUs(found[i].p50), measuredIn)],
          ["95 %", duration(inUs(found[i].p95), measuredIn)],
          ["Visitors who waited", count(found[i].visitors)],
        ] as [string, string][],
      });
      return { svg, tips: { xs: found.map(({ mid }) => scale.apply(mid)), times: found.map(({ mid }) => mid), of: tip } };
    },
    [found, goal, wrong],
  );
  const listing = () => {
    const [median, most] = [`median, ${measuredIn}`, `95 %, ${measuredIn}`];
    const when = whenName(by, inZone);
    const condition = where(scope.value, within, `stage = '${name}'`, ...waitFilters(stage));
    return {
      columns: [{ name: when }, { name: "visitors", digits: 0 }, { name: median, digits: 1 }, { name: most, digits: 1 }],
      rows: waited.map((row) => [whenOf(row.from, by, inZone), row.visitors, row.p50! / seconds, row.p95! / seconds]),
      sql: `${binned("marts.agg_wait_histogram_hourly", [[timeOf("hour_start", by, inZone), when]], condition)}
select "${when}", max(everybody) as visitors, ${quantileOf(0.5, `${seconds}e6`)} as "${median}",
  ${quantileOf(0.95, `${seconds}e6`)} as "${most}"
from binned
group by all
order by all`,
    };
  };
  const id = `wait-${name}`;
  const words = longest ? `; longest: 95 % within ${duration(inUs(longest.p95), measuredIn)} at ${longest.when}` : "";
  return (
    <Figure
      id={id}
      mart="marts.agg_wait_histogram_hourly"
      title={`Wait at the ${name}s`}
      hint={`${unitName} by ${by}: median (line) to 95 % (bar)`}
      wide={chosenStage.value !== -1}
      empty={!waited.length && `Nobody waited at the ${name}s in these hours.`}
      listing={listing}
      controls={stage === 0 || chosenStage.value === stage ? <Target /> : undefined}
    >
      <Chart id={id} label={`Wait at the ${name}s by ${by}, ${unitName}: median and 95 %${words}`} height={200} draw={draw} />
    </Figure>
  );
}

/** Return seconds as microseconds. */
const inUs = (s: number | null): number | null => (s === null ? null : s * 1e6);
