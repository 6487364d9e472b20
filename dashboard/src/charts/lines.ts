/** Lines over time, named where they end. */

import { axisY, dot, gridY, line, plot, text } from "@observablehq/plot";
import type { Drawing, Tip } from "../chart.tsx";
import type { Marked } from "../marked.ts";
import { alone, type Bucket } from "../series.ts";
import type { Zone } from "../zone.ts";
import { bands, horizon, MARGINS, overTime, timeAxis } from "./time.ts";

export interface Line {
  /** Said at its end; empty if it is the only one. */
  name: string;
  colour: string;
  dashed: boolean;
  values: (number | null)[];
}

/** Least distance between two names, pixels. */
const APART = 13;

/** Return how far each name must be moved from its line's end, so that no two names overlap. */
function moves(ends: number[]): number[] {
  const order = ends.map((_, i) => i).sort((one, other) => ends[one] - ends[other]);
  const at = [...ends];
  order.forEach((i, rank) => {
    if (rank > 0) at[i] = Math.max(at[i], at[order[rank - 1]] + APART);
  });
  return at.map((y, i) => y - ends[i]);
}

/** Draw lines over `rows`. After the last bus they are grey and not connected: that visitors get fewer there is no trend. */
export function drawLines(
  rows: Bucket[],
  lines: Line[],
  marked: Marked,
  zone: Zone,
  width: number,
  height: number,
  tip: (i: number) => Tip,
): Drawing {
  const [from, to] = [rows[0].from, rows[rows.length - 1].to];
  const x = (i: number) => rows[i].mid;
  const tail = rows.find((row) => row.tail)?.from;
  const marginRight = lines.some(({ name }) => name) ? 84 : MARGINS.marginRight;
  const most = Math.max(...lines.flatMap(({ values }) => values.map((value) => value ?? 0))) || 1;
  const named = lines.flatMap(({ name, values, colour }) => {
    const end = values.findLastIndex((value) => value !== null);
    return name && end >= 0 ? [{ name, colour, end, value: values[end]! }] : [];
  });
  const inner = height - MARGINS.marginTop - MARGINS.marginBottom;
  const moved = moves(named.map(({ value }) => inner * (1 - value / most)));
  const parts = lines.flatMap(({ colour, dashed, values }) => {
    const before = values.map((value, i) => (rows[i].tail ? null : value));
    const after = values.map((value, i) => (rows[i].tail ? value : null));
    return [
      { colour, dashed, values: before, class: "line" },
      { colour: "var(--field)", dashed, values: after, class: "line tail" },
    ];
  });
  const figure = plot({
    ...overTime(from, to, width, height),
    marginRight,
    y: { domain: [0, most], nice: true, label: null },
    marks: [
      ...bands(marked),
      gridY({ ticks: 4, stroke: "var(--line)", strokeOpacity: 1 }),
      axisY({ ticks: 4, tickSize: 0, label: null }),
      timeAxis(from, to, width - marginRight, zone),
      ...parts.flatMap((part) => {
        const at = part.values.map((_, i) => i);
        const channels = { x, y: (i: number) => part.values[i] };
        const points = alone(part.values);
        return [
          ...(part.values.some((value) => value !== null)
            ? [line(at, { ...channels, stroke: part.colour, strokeWidth: 2, strokeDasharray: part.dashed ? "5 3" : undefined, className: part.class })]
            : []),
          ...(points.length ? [dot(points, { ...channels, fill: part.colour, r: 3 })] : []),
        ];
      }),
      ...horizon(tail, from, to),
      ...named.map(({ name, colour, end, value }, i) =>
        text([end], { x, y: () => value, text: () => name, textAnchor: "start", dx: 6, dy: moved[i], fill: colour, className: "named" }),
      ),
    ],
  });
  const scale = figure.scale("x")!;
  return { svg: figure, tips: { xs: rows.map((row) => scale.apply(row.mid)), times: rows.map((row) => row.mid), of: tip } };
}
