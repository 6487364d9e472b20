import { axisY, plot, rect } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import type { Listing } from "../listing.ts";
import { count } from "../figures.ts";
import { type State, STATES } from "../layout.ts";
import { timeOf, whenName, whenOf, where } from "../sql.ts";
import { data, range, scope, unit, zone } from "../state.ts";
import { ALL, chosen, firstAt, inScope } from "../store.ts";
import { bucketEdges, bucketName, HOUR_MS } from "../zone.ts";
import { middlesOf, overTime, timeAxis } from "./time.ts";

const ROW = 20;

// what is as it should be steps back
const FILLS: Record<State, string> = {
  proved: "color-mix(in oklab, var(--proved) 60%, var(--card))",
  counted: "color-mix(in oklab, var(--counted) 60%, var(--card))",
  unproved: "var(--unproved)",
  wrong: "var(--wrong)",
};

interface Cell {
  venue: number;
  i: number;
  counts: Record<State, number>;
}

/** Count the receipts of each venue and bucket by state. */
function cellsOf(edges: number[]): Cell[] {
  const { receipts, head } = data;
  const { from, to } = range.value;
  const bucketOf = new Uint32Array(to - from);
  for (let i = 0; i + 1 < edges.length; i++) bucketOf.fill(i, edges[i] - from, edges[i + 1] - from);
  const found = new Map<string, Cell>();
  const cell = (venue: number, hour: number): Cell => {
    const i = bucketOf[hour - from];
    const key = `${venue} ${i}`;
    if (!found.has(key)) found.set(key, { venue, i, counts: { proved: 0, counted: 0, unproved: 0, wrong: 0 } });
    return found.get(key)!;
  };
  for (let i = firstAt(receipts.hour, from); i < receipts.hour.length && receipts.hour[i] < to; i++) {
    if (!chosen(receipts, i, scope.value)) continue;
    const { counts } = cell(receipts.venue[i], receipts.hour[i]);
    counts.proved += receipts.proved[i];
    counts.counted += receipts.counted[i];
  }
  for (const { run, venue, hour, state } of head.offending) {
    if (hour >= from && hour < to && inScope(run, venue, scope.value)) cell(venue, hour).counts[state] += 1;
  }
  return [...found.values()];
}

const worst = ({ counts }: Cell): State => [...STATES].reverse().find((state) => counts[state] > 0) ?? "proved";

function listing(cells: Cell[], edges: number[]): Listing {
  const [by, inThat] = [unit.value, zone.value];
  const when = whenName(by, inThat);
  return {
    columns: [{ name: "venue" }, { name: when }, ...STATES.map((name) => ({ name, digits: 0 }))],
    rows: cells
      .map(({ venue, i, counts }): (string | number)[] => [data.head.venues[venue], whenOf(edges[i], by, inThat), ...STATES.map((state) => counts[state])])
      .sort((one, other) => (`${one[0]}\n${one[1]}` < `${other[0]}\n${other[1]}` ? -1 : 1)),
    sql: `select venue_id as venue, ${timeOf("hour_start", by, inThat)} as "${when}",
  ${STATES.map((state) => `count(*) filter (where state = '${state}') as ${state}`).join(",\n  ")}
from marts.reconciliation_hourly
${where(scope.value, range.value)}
group by all
order by all`,
  };
}

/** Whether every hour of every venue equals its receipts: a cell each, coloured by its worst receipt. */
export function ReceiptMatrix() {
  const [{ from, to }, of, by, inThat] = [range.value, scope.value, unit.value, zone.value];
  const edges = useMemo(() => bucketEdges(from, to, by, inThat), [from, to, by, inThat]);
  const cells = useMemo(() => cellsOf(edges), [edges, of]);
  const venues = [...new Set(cells.map(({ venue }) => venue))].sort((one, other) => one - other);
  const found = STATES.filter((state) => cells.some(({ counts }) => counts[state] > 0));
  const draw = useMemo(
    () => (width: number, height: number) => {
      const name = (venue: number) => (data.head.venues[venue].length > 22 ? `${data.head.venues[venue].slice(0, 21)}…` : data.head.venues[venue]);
      const marginLeft = 20 + 6.4 * Math.max(...venues.map((venue) => name(venue).length));
      const svg = plot({
        ...overTime(from, to, width, height),
        marginLeft,
        marginTop: 2,
        y: { type: "band", domain: venues, padding: 0.12, label: null },
        color: { type: "identity" },
        marks: [
          axisY({ tickSize: 0, label: null, tickFormat: name }),
          timeAxis(from, to, width - marginLeft, inThat),
          rect(cells, { x1: ({ i }) => edges[i] * HOUR_MS, x2: ({ i }) => edges[i + 1] * HOUR_MS, y: "venue", fill: (cell) => FILLS[worst(cell)], inset: 0.5, className: "cells" }),
        ],
      });
      const scale = svg.scale("x")!;
      const middles = middlesOf(edges);
      const tip = (i: number) => ({
        head: bucketName(edges[i], by, inThat),
        lines: venues.map((venue): [string, string] => {
          const cell = cells.find((each) => each.venue === venue && each.i === i);
          return [data.head.venues[venue], cell ? STATES.filter((state) => cell.counts[state]).map((state) => `${count(cell.counts[state])} ${state}`).join(", ") : "no receipt, no row"];
        }),
      });
      return { svg, tips: { xs: middles.map((ms) => scale.apply(ms)), times: middles, of: tip } };
    },
    [cells, edges],
  );
  const whole = of.run === ALL ? "all runs together, " : "";
  return (
    <Figure id="matrix" mart="marts.reconciliation_hourly" title="Receipts by venue and hour" hint={`${whole}a cell for each ${by}, coloured by its worst receipt`} wide empty={!cells.length && "There are no receipts in these hours."} listing={() => listing(cells, edges)}>
      <ul class="legend">
        {found.map((state) => (
          <li key={state}><i class={`swatch bar of-${state}`} />{state}</li>
        ))}
      </ul>
      <Chart id="matrix" label={`Receipts by venue and ${by}: ${found.join(", ")}`} height={venues.length * ROW + 28} draw={draw} />
    </Figure>
  );
}
