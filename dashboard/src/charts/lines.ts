/** Two lines over time, the second dashed. */

import { axisX, axisY, dot, gridY, line, plot, rect, ruleX, text } from "@observablehq/plot";
import type { Drawing, Tip } from "../chart.tsx";
import { alone, type Bucket } from "../series.ts";
import { axisTicks, HOUR_MS, tickName, type Zone } from "../zone.ts";

export interface Line {
  colour: string;
  dashed: boolean;
  values: (number | null)[];
}

/** Hours that do not equal their receipts, and the worst state of each. */
export type Marked = Map<number, string>;

const MARGINS = { marginTop: 8, marginRight: 16, marginBottom: 22, marginLeft: 52 };

/** Return the marks of a time axis between two hours. */
export function timeAxis(from: number, to: number, width: number, zone: Zone) {
  const ticks = axisTicks(from, to, Math.max(2, Math.floor(width / 80)), zone);
  return axisX(
    ticks.map((tick) => tick * HOUR_MS),
    { tickFormat: (_: number, i: number) => tickName(ticks[i], ticks, zone), tickSize: 4, label: null },
  );
}

/** Return bands behind the hours whose figures do not equal their receipts; hours side by side are one band. */
function bands(marked: Marked) {
  const spans: { from: number; to: number; state: string }[] = [];
  for (const [hour, state] of [...marked].sort(([one], [other]) => one - other)) {
    const last = spans.at(-1);
    if (last?.to === hour && last.state === state) last.to = hour + 1;
    else spans.push({ from: hour, to: hour + 1, state });
  }
  return spans.map(({ from, to, state }) =>
    rect([from], { x1: from * HOUR_MS, x2: to * HOUR_MS, fill: `var(--${state})`, fillOpacity: 0.16, className: "band" }),
  );
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
  const tail = rows.find((row) => row.tail);
  const parts = lines.flatMap(({ colour, dashed, values }) => {
    const before = values.map((value, i) => (rows[i].tail ? null : value));
    const after = values.map((value, i) => (rows[i].tail ? value : null));
    return [
      { colour, dashed, values: before, class: "line" },
      { colour: "var(--field)", dashed, values: after, class: "line tail" },
    ];
  });
  const figure = plot({
    ...MARGINS,
    width,
    height,
    className: "plot",
    x: { type: "linear", domain: [from * HOUR_MS, to * HOUR_MS] },
    y: { domain: [0, Math.max(...lines.flatMap(({ values }) => values.map((value) => value ?? 0))) || 1], nice: true, label: null },
    marks: [
      ...bands(marked),
      gridY({ ticks: 4, stroke: "var(--line)", strokeOpacity: 1 }),
      axisY({ ticks: 4, tickSize: 0, label: null }),
      timeAxis(from, to, width, zone),
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
      ...(tail
        ? [
            ruleX([tail.from * HOUR_MS], { stroke: "var(--field)", strokeDasharray: "2 3" }),
            text([tail.from * HOUR_MS], { x: (t: number) => t, text: () => "last bus", frameAnchor: "top", textAnchor: "end", dx: -5, dy: 2, fill: "var(--muted)", stroke: "var(--card)", strokeWidth: 5 }),
          ]
        : []),
    ],
  });
  const scale = figure.scale("x")!;
  return { svg: figure, tips: { xs: rows.map((row) => scale.apply(row.mid)), of: tip } };
}
