import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { count } from "../figures.ts";
import { bucketRows } from "../series.ts";
import { LEGEND, marked, markedStates } from "../marked.ts";
import { series, tail, unit, zone } from "../state.ts";
import { drawLines } from "./lines.ts";

const PARTS = [
  { name: "Arrived", measure: "visitors_arrived", colour: "var(--first)", dashed: false },
  { name: "Admitted", measure: "visitors_admitted", colour: "var(--second)", dashed: true },
];

/** Visitors who arrived and who were admitted, by hour or by day. */
export function Visitors() {
  const [of, by, inZone, end, wrong] = [series.value, unit.value, zone.value, tail.value, marked.value];
  const rows = useMemo(() => bucketRows(of, by, inZone, end), [of, by, inZone, end]);
  const lines = PARTS.map((part) => ({ ...part, values: rows.map(({ i, there }) => (there ? of.sums[part.measure][i] : null)) }));
  const most = rows.reduce((best, row) => (lines[0].values[row.i]! > (lines[0].values[best.i] ?? -1) ? row : best), rows[0]);
  const draw = useMemo(
    () => (width: number, height: number) =>
      drawLines(rows, lines, wrong, inZone, width, height, (i) => ({
        head: rows[i].when,
        lines: lines.map(({ name, values }) => [name, values[i] === null ? "not loaded" : count(values[i])]),
      })),
    [rows, wrong],
  );
  const label = `Visitors arrived and admitted by ${by}; most arrivals: ${count(lines[0].values[most.i] ?? 0)} at ${most.when}`;
  return (
    <section class="card wide" aria-labelledby="visitors-title">
      <h2 id="visitors-title">
        Visitors who arrive and who are admitted <span class="hint">by {by}</span>
      </h2>
      <ul class="legend">
        <li><i class="swatch first" />arrived</li>
        <li><i class="swatch second dashed" />admitted</li>
        {markedStates.value.map((state) => (
          <li key={state}><i class={`swatch bar ${state}-hours`} />{LEGEND[state]}</li>
        ))}
      </ul>
      <Chart id="visitors" label={label} height={220} draw={draw} />
    </section>
  );
}
