import { axisX, axisY, dot, gridY, line, plot, ruleX, text } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { edgeName, shareBelow, sizeOf } from "../bins.ts";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import { share } from "../figures.ts";
import { where } from "../sql.ts";
import { data, range, scope, stages, target, waitFilters, waits } from "../state.ts";

const NAMED_S = [4, 15, 60, 300, 900, 3600, 7200, 14400];
const FEW_NAMED_S = [4, 60, 900, 7200];
const { edges } = data.head;

/** How long visitors waited: which share of them waited no longer than so long, with the target's share marked. */
export function Cumulative() {
  const [counts, shown, goal] = [waits.value, stages.value, target.value];
  const curves = useMemo(
    () =>
      shown
        .filter((stage) => sizeOf(counts[stage]) > 0)
        .map((stage) => {
          const all = sizeOf(counts[stage]);
          let below = 0;
          const points = Array.from(edges.slice(1), (edge, bin) => ({ edge, part: (below += counts[stage][bin]) / all }));
          const full = points.findIndex(({ part }) => part >= 1);
          return { stage, all, points: full < 0 ? points : points.slice(0, full + 1), within: shareBelow(counts[stage], edges, goal * 60)! };
        }),
    [counts, shown, goal],
  );
  const name = (stage: number) => `at the ${data.head.stages[stage]}s`;
  const words = curves.map(({ stage, within }) => `${share(within)} ${name(stage)}`);
  const draw = useMemo(
    () => (width: number, height: number) => {
      const last = Math.max(goal * 60 * 1.6, ...curves.map(({ points }) => points[points.length - 1].edge));
      const colour = (stage: number) => (stage ? "var(--scanner)" : "var(--first)");
      const toTheRight = (within: number, i: number) => width > 500 && (within > 0.85 || (apart && i === 0));
      const apart = Math.abs((curves[0]?.within ?? 0) - (curves[1]?.within ?? 1)) * (height - 40) < 15;
      const svg = plot({
        width,
        height,
        className: "plot",
        marginLeft: 52,
        marginRight: 16,
        marginTop: 14,
        marginBottom: 22,
        // logarithms of our own: of a logarithmic axis Plot leaves out names
        x: { type: "linear", domain: [Math.log(edges[1]), Math.log(last)] },
        y: { domain: [0, 1], label: null },
        marks: [
          gridY({ ticks: 4, stroke: "var(--line)", strokeOpacity: 1 }),
          axisY({ ticks: 4, tickSize: 0, label: null, tickFormat: (part: number) => `${Math.round(100 * part)} %` }),
          axisX((width > 420 ? NAMED_S : FEW_NAMED_S).filter((s) => s <= last).map(Math.log), { tickFormat: (log: number) => edgeName(Math.round(Math.exp(log))), tickSize: 4, label: null }),
          ruleX([Math.log(goal * 60)], { stroke: "var(--second)", strokeDasharray: "4 3", className: "target-line" }),
          text([Math.log(goal * 60)], { x: (log: number) => log, frameAnchor: "bottom", text: () => `target ${goal} min`, textAnchor: "start", dx: 5, dy: -6, fill: "var(--second)", stroke: "var(--card)", strokeWidth: 4 }),
          ...curves.flatMap(({ stage, points, within }, i) => [
            line(points, { x: ({ edge }) => Math.log(edge), y: "part", stroke: colour(stage), strokeWidth: 2, className: "line" }),
            dot([Math.log(goal * 60)], { x: (log: number) => log, y: () => within, fill: colour(stage), r: 3.5 }),
            text([Math.log(goal * 60)], {
              x: (log: number) => log,
              y: () => within,
              text: () => words[i],
              textAnchor: toTheRight(within, i) ? "start" : "end",
              dx: toTheRight(within, i) ? 8 : -8,
              dy: within > 0.85 ? 12 : -9,
              fill: colour(stage),
              stroke: "var(--card)",
              strokeWidth: 4,
              fontWeight: 600,
              className: "named",
            }),
          ]),
        ],
      });
      const scale = svg.scale("x")!;
      const limits = edges.slice(1).filter((edge) => edge <= last);
      const tip = (i: number) => ({
        head: `No longer than ${edgeName(limits[i])}`,
        lines: curves.map(({ stage, points }): [string, string] => [name(stage), share(points[Math.min(i, points.length - 1)].part)]),
      });
      return { svg, tips: { xs: limits.map((edge) => scale.apply(Math.log(edge))), of: tip } };
    },
    [curves, goal],
  );
  const listing = () => ({
    columns: [{ name: "stage" }, { name: "below, s", digits: 0 }, { name: "visitors", digits: 0 }, { name: "share, %", digits: 1 }],
    rows: curves.flatMap(({ stage, all, points }) =>
      points.flatMap(({ edge, part }, i) => (counts[stage][i] ? [[data.head.stages[stage], edge, Math.round(part * all), 100 * part]] : [])),
    ),
    sql: `with counted as (
  select stage, to_us, sum(visitors) as visitors
  from marts.agg_wait_histogram_hourly
  ${where(scope.value, range.value, shown.length === 1 && `stage = '${data.head.stages[shown[0]]}'`, ...waitFilters(shown[0])).replaceAll("\n", "\n  ")}
  group by stage, to_us
), summed as (
  select *, sum(visitors) over (partition by stage order by to_us nulls last) as until, sum(visitors) over (partition by stage) as everybody
  from counted
)
select stage, to_us / 1e6 as "below, s", until as visitors, 100 * until / everybody as "share, %"
from summed
where to_us is not null
order by stage = 'scanner', to_us`,
  });
  return (
    <Figure id="waits" mart="marts.agg_wait_histogram_hourly" title="How long visitors wait" hint="share who waited no longer than so long" empty={!curves.length && "Nobody waited in these hours."} listing={listing}>
      <p class="words" id="waits-words">{`Within ${goal} min: ${words.join(", ")}`}</p>
      <Chart id="waits" label={`Share of visitors by the length of their wait; within ${goal} minutes: ${words.join("; ")}`} height={240} draw={draw} />
    </Figure>
  );
}
