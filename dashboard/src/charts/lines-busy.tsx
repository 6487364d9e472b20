import { axisY, plot, rect } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { shade } from "../cells.ts";
import { Chart } from "../chart.tsx";
import { share } from "../figures.ts";
import type { LineRow } from "../line-table.ts";
import { data, range, scope, unit, zone } from "../state.ts";
import { chosen, firstAt, mean } from "../store.ts";
import { bucketEdges, bucketName, HOUR_MS } from "../zone.ts";
import { middlesOf, overTime, timeAxis } from "./time.ts";

const ROW = 17;

/** How busy each line is by hour or day: a cell is the stronger the busier. */
export function LinesBusy({ rows, nameOf }: { rows: LineRow[]; nameOf: (row: LineRow) => string }) {
  const [{ from, to }, of, by, inZone] = [range.value, scope.value, unit.value, zone.value];
  const cells = useMemo(() => {
    const edges = bucketEdges(from, to, by, inZone);
    const count = edges.length - 1;
    const rowOf = new Map(rows.map(({ venue, stage, line }, at) => [`${venue} ${stage} ${line}`, at]));
    const [busy, capacity] = [rows.map(() => new Float64Array(count)), rows.map(() => new Float64Array(count))];
    const { lines } = data;
    let bucket = 0;
    for (let i = firstAt(lines.hour, from); i < lines.hour.length && lines.hour[i] < to; i++) {
      const row = rowOf.get(`${lines.venue[i]} ${lines.stage[i]} ${lines.line[i]}`);
      if (row === undefined || lines.servers[i] === 0 || !chosen(lines, i, of)) continue;
      while (lines.hour[i] >= edges[bucket + 1]) bucket++;
      busy[row][bucket] += lines.busy_us[i];
      capacity[row][bucket] += lines.servers[i] * 3600e6;
    }
    const values = rows.map((_, row) => Array.from(edges.slice(1), (_, i) => mean(busy[row][i], capacity[row][i])));
    return { edges, values };
  }, [rows, from, to, of, by, inZone]);
  const draw = useMemo(
    () => (width: number, height: number) => {
      const { edges, values } = cells;
      const marginLeft = Math.min(150, 18 + 6.4 * Math.max(...rows.map((row) => nameOf(row).length)));
      const drawn = values.flatMap((line, row) => line.flatMap((value, i) => (value === null ? [] : [{ row, i, value }])));
      const svg = plot({
        ...overTime(from, to, width, height),
        marginLeft,
        marginTop: 2,
        y: { type: "band", domain: rows.map((_, at) => at), padding: 0.1, label: null },
        color: { type: "identity" },
        marks: [
          axisY({ tickSize: 0, label: null, tickFormat: (row: number) => nameOf(rows[row]) }),
          timeAxis(from, to, width - marginLeft, inZone),
          rect(drawn, {
            x1: ({ i }) => edges[i] * HOUR_MS,
            x2: ({ i }) => edges[i + 1] * HOUR_MS,
            y: "row",
            fill: ({ value }) => shade(value, 1, 0.9),
            inset: 0.5,
            className: "cells",
          }),
        ],
      });
      const scale = svg.scale("x")!;
      const middles = middlesOf(edges);
      const tip = (i: number) => ({ head: bucketName(edges[i], by, inZone), lines: tipLines(rows, nameOf, values.map((line) => line[i])) });
      return { svg, tips: { xs: middles.map((ms) => scale.apply(ms)), times: middles, of: tip } };
    },
    [cells],
  );
  return <Chart id="lines" label={`How busy each of ${rows.length} lines is, by ${by}; their figures are in the table below`} height={rows.length * ROW + 26} draw={draw} />;
}

/** Return the mean and the busiest line of each stage: all lines would be too many to read. */
function tipLines(rows: LineRow[], nameOf: (row: LineRow) => string, values: (number | null)[]): [string, string][] {
  return data.head.stages.flatMap((name, stage): [string, string][] => {
    const found = rows.flatMap((row, i) => (row.stage === stage && values[i] !== null ? [{ row, value: values[i] }] : []));
    if (!found.length) return [];
    const busiest = found.reduce((best, each) => (each.value > best.value ? each : best));
    return [[`Busiest ${name} line`, `${nameOf(busiest.row)}, ${share(busiest.value)}`]];
  });
}
