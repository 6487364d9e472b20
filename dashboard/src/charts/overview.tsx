import { plot, rect } from "@observablehq/plot";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { chooseRange, isWhole, overview, range, span, spanUnit, zone } from "../state.ts";
import type { Range } from "../store.ts";
import { HOUR_MS, hourName } from "../zone.ts";
import { Chart } from "../chart.tsx";
import { timeAxis } from "./time.ts";

const MARGIN = 10;
const HEIGHT = 92;
const GRIP = 9; // pixels beside an end of the brush that take hold of it
const STILL = 4; // pixels that a finger may move in a tap

/** The arrivals of the whole span, brushed by mouse, touch or keys to choose a range. */
export function Overview() {
  const [of, by, inZone] = [overview.value, spanUnit.value, zone.value];
  const draw = useMemo(
    () => (width: number, height: number) => {
      const { edges } = of;
      const at = Array.from(of.there, (_, i) => i);
      const svg = plot({
        width,
        height,
        className: "plot",
        marginLeft: MARGIN,
        marginRight: MARGIN,
        marginTop: 6,
        marginBottom: 20,
        x: { type: "linear", domain: [edges[0] * HOUR_MS, edges[edges.length - 1] * HOUR_MS] },
        y: { axis: null, zero: true },
        marks: [
          rect(at, {
            x1: (i: number) => edges[i] * HOUR_MS,
            x2: (i: number) => edges[i + 1] * HOUR_MS,
            y1: 0,
            y2: (i: number) => of.sums.visitors_arrived[i],
            fill: "var(--first)",
            insetLeft: width / at.length > 3 ? 0.5 : 0,
            className: "bars",
          }),
          timeAxis(edges[0], edges[edges.length - 1], width, inZone),
        ],
      });
      return { svg };
    },
    [of, inZone],
  );
  return (
    <section class="card wide controls" aria-labelledby="overview-title">
      <h2 id="overview-title">
        Whole span <span class="hint">visitors who arrive, by {by}. Drag to choose a range, click for all</span>
      </h2>
      <div class="strip">
        <Chart id="overview" label={`Visitors who arrive by ${by}, over the whole span`} height={HEIGHT} still draw={draw} />
        <Brush />
      </div>
    </section>
  );
}

/** Return the range between two hours, rounded to what the bars show. */
function rounded(one: number, other: number): Range {
  const step = spanUnit.value === "hour" ? 1 : 24;
  const [first, last] = [Math.min(one, other), Math.max(one, other)].map((hour) => Math.round(hour / step) * step);
  const from = Math.max(span.value.from, Math.min(first, span.value.to - 1));
  return { from, to: Math.min(span.value.to, Math.max(last, from + step)) };
}

function Brush() {
  const host = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [draft, setDraft] = useState<Range>();
  const drag = useRef<{ x: number; anchor: number; grip: boolean; moved: boolean }>();
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => setWidth(host.current!.clientWidth));
    observer.observe(host.current!);
    setWidth(host.current!.clientWidth);
    return () => observer.disconnect();
  }, []);

  const { from, to } = span.value;
  const inner = Math.max(1, width - 2 * MARGIN);
  const pixelOf = (hour: number) => MARGIN + ((hour - from) / (to - from)) * inner;
  const hourOf = (x: number) => from + (Math.min(Math.max(x - MARGIN, 0), inner) / inner) * (to - from);
  const shown = draft ?? (isWhole.value ? undefined : range.value);
  const xOf = (event: PointerEvent) => event.clientX - host.current!.getBoundingClientRect().left;

  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    host.current!.setPointerCapture(event.pointerId);
    const x = xOf(event);
    const ends = shown && [shown.from, shown.to];
    const held = ends?.findIndex((end) => Math.abs(pixelOf(end) - x) <= GRIP) ?? -1;
    drag.current = { x, anchor: held < 0 ? hourOf(x) : ends![1 - held], grip: held >= 0, moved: false };
  };
  const move = (event: PointerEvent) => {
    if (!drag.current) return;
    drag.current.moved ||= Math.abs(xOf(event) - drag.current.x) > STILL;
    if (drag.current.moved) setDraft(rounded(drag.current.anchor, hourOf(xOf(event))));
  };
  const end = (event: PointerEvent) => {
    if (!drag.current) return;
    const { moved, anchor, grip } = drag.current;
    drag.current = undefined;
    setDraft(undefined);
    if (event.type === "pointercancel") return;
    if (moved) {
      const next = rounded(anchor, hourOf(xOf(event)));
      chooseRange(next.from, next.to);
    } else if (!grip) chooseRange(from, to);
  };
  const press = (which: "from" | "to") => (event: KeyboardEvent) => {
    const by = event.shiftKey ? 24 : 1;
    const moves: Record<string, number> = { ArrowLeft: -by, ArrowDown: -by, ArrowRight: by, ArrowUp: by, PageDown: -24, PageUp: 24, Home: -Infinity, End: Infinity };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const now = range.value;
    if (which === "from") chooseRange(Math.max(from, Math.min(now.from + moves[event.key], now.to - 1)), now.to);
    else chooseRange(now.from, Math.min(to, Math.max(now.to + moves[event.key], now.from + 1)));
  };
  const handle = (which: "from" | "to", name: string) => (
    <div
      class="handle"
      role="slider"
      tabIndex={0}
      aria-label={name}
      aria-valuemin={from}
      aria-valuemax={to}
      aria-valuenow={range.value[which]}
      aria-valuetext={hourName(range.value[which], zone.value)}
      style={{ left: `${pixelOf((draft ?? range.value)[which])}px` }}
      onKeyDown={press(which)}
    />
  );
  return (
    <div class="brush" ref={host} onPointerDown={down} onPointerMove={move} onPointerUp={end} onPointerCancel={end}>
      {shown && <div class="chosen" style={{ left: `${pixelOf(shown.from)}px`, width: `${pixelOf(shown.to) - pixelOf(shown.from)}px` }} />}
      {handle("from", "Start of the range")}
      {handle("to", "End of the range")}
    </div>
  );
}
