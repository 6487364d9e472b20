/** What charts over time have in common: the axis, the bands of hours that are not proved, the end of arrivals. */

import { axisX, rect, ruleX, text } from "@observablehq/plot";
import type { Marked } from "../marked.ts";
import { axisTicks, HOUR_MS, tickName, type Zone } from "../zone.ts";

export const MARGINS = { marginTop: 12, marginRight: 16, marginBottom: 22, marginLeft: 52 };

/** Return the options of a plot between two hours: its size, margins and scale of time. */
export function overTime(from: number, to: number, width: number, height: number) {
  return { ...MARGINS, width, height, className: "plot", x: { type: "linear" as const, domain: [from * HOUR_MS, to * HOUR_MS] } };
}

/** Return the milliseconds in the middle between each two edges, which are hours. */
export const middlesOf = (edges: ArrayLike<number>): number[] => Array.from({ length: edges.length - 1 }, (_, i) => ((edges[i] + edges[i + 1]) / 2) * HOUR_MS);

/** Return the marks of a time axis between two hours. */
export function timeAxis(from: number, to: number, width: number, zone: Zone) {
  const ticks = axisTicks(from, to, Math.max(2, Math.floor(width / 80)), zone);
  return axisX(
    ticks.map((tick) => tick * HOUR_MS),
    { tickFormat: (_: number, i: number) => tickName(ticks[i], ticks, zone), tickSize: 4, label: null },
  );
}

/** Return hatched bands over the hours whose figures do not equal their receipts; hours side by side are one band. */
export function bands(marked: Marked) {
  const spans: { from: number; to: number; state: string }[] = [];
  for (const [hour, state] of [...marked].sort(([one], [other]) => one - other)) {
    const last = spans.at(-1);
    if (last?.to === hour && last.state === state) last.to = hour + 1;
    else spans.push({ from: hour, to: hour + 1, state });
  }
  return spans.map(({ from, to, state }) =>
    rect([from], { x1: from * HOUR_MS, x2: to * HOUR_MS, fill: `url(#hatch-${state})`, className: "band" }),
  );
}

/** Return the marks of the hour after the last bus; none if it is outside of [from, to). */
export function horizon(tail: number | undefined, from: number, to: number) {
  if (tail === undefined || tail <= from || tail >= to) return [];
  return [
    ruleX([tail * HOUR_MS], { stroke: "var(--field)", strokeDasharray: "2 3" }),
    text([tail * HOUR_MS], { x: (t: number) => t, text: () => "last bus", frameAnchor: "top", textAnchor: "end", dx: -5, dy: -2, fill: "var(--muted)", stroke: "var(--card)", strokeWidth: 5 }),
  ];
}
