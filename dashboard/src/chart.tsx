/** The frame of every drawing: draws it as wide as it is, again when that changes, and says the figures under a pointer or key. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { pointed } from "./crosshair.ts";

/** A figure under the pointer: what is there, and lines of name and value. */
export interface Tip {
  head: string;
  lines: [string, string][];
}

export interface Drawing {
  svg: Element;
  tips?: {
    /** Where they are, in pixels from the left, ascending. */
    xs: number[];
    /** The moments that they are of, milliseconds: then all charts over time point at one moment together. */
    times?: number[];
    of: (i: number) => Tip;
  };
}

interface Props {
  id: string;
  label: string;
  height: number;
  /** It has no tips: its label says all. */
  still?: boolean;
  /** A new function when there is something new to draw. */
  draw: (width: number, height: number) => Drawing;
}

const redraws = new Set<() => void>();

/** Draw all charts for the width that they have now: a sheet's, before it is printed. */
export function redrawAll(): void {
  for (const redraw of redraws) redraw();
}

/** Return the position of the value in `xs` that is nearest to `x`. */
export function nearest(xs: number[], x: number): number {
  let best = 0;
  for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - x) < Math.abs(xs[best] - x)) best = i;
  return best;
}

export function Chart({ id, label, height, still, draw }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing>();
  const [own, setOwn] = useState<number>();

  useLayoutEffect(() => {
    const element = host.current!;
    let width = 0;
    const redraw = () => {
      width = element.clientWidth;
      if (width === 0) return;
      drawing.current = draw(width, height);
      drawing.current.svg.setAttribute("aria-hidden", "true");
      element.replaceChildren(drawing.current.svg);
    };
    redraw();
    setOwn(undefined);
    const observer = new ResizeObserver(() => element.clientWidth !== width && redraw());
    observer.observe(element);
    redraws.add(redraw);
    return () => {
      observer.disconnect();
      redraws.delete(redraw);
    };
  }, [draw, height]);

  if (still) {
    return (
      <div class="chart" id={id} role="img" aria-label={label}>
        <div ref={host} style={{ height: `${height}px` }} />
      </div>
    );
  }

  const tips = () => drawing.current?.tips;
  const set = (at: number | undefined) => {
    setOwn(at);
    const times = tips()?.times;
    if (times) pointed.value = at === undefined ? undefined : times[at];
  };
  const point = (event: PointerEvent) => {
    const xs = tips()?.xs ?? [];
    if (xs.length) set(nearest(xs, event.clientX - host.current!.getBoundingClientRect().left));
  };
  const leave = (event: PointerEvent) => event.pointerType === "mouse" && set(undefined);
  const press = (event: KeyboardEvent) => {
    const last = (tips()?.xs.length ?? 0) - 1;
    const moves: Record<string, number> = {
      ArrowLeft: Math.max(0, (own ?? last + 1) - 1),
      ArrowRight: Math.min(last, (own ?? -1) + 1),
      Home: 0,
      End: last,
    };
    if (event.key === "Escape") set(undefined);
    if (!(event.key in moves) || last < 0) return;
    event.preventDefault();
    set(moves[event.key]);
  };

  const shown = tips();
  const others = pointed.value; // read always, so that this follows whatever it is
  const at = own ?? (others !== undefined && shown?.times?.length ? nearest(shown.times, others) : undefined);
  const left = at === undefined ? undefined : shown?.xs[at];
  const tip = own === undefined || left === undefined ? undefined : shown!.of(own);
  const turned = left !== undefined && left > host.current!.clientWidth / 2;
  return (
    <div
      class="chart"
      id={id}
      role="group"
      aria-roledescription="chart"
      aria-label={label}
      tabIndex={0}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={leave}
      onKeyDown={press}
      onBlur={() => set(undefined)}
    >
      <div ref={host} style={{ height: `${height}px` }} />
      {left !== undefined && <div class="crosshair" style={{ left: `${left}px`, height: `${height}px` }} />}
      <div
        class="tip"
        role="status"
        hidden={!tip}
        style={turned ? { left: "auto", right: `calc(100% - ${left - 12}px)` } : { left: `${(left ?? 0) + 12}px`, right: "auto" }}
      >
        {tip && (
          <>
            <b>{tip.head}</b>
            <dl>
              {tip.lines.map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          </>
        )}
      </div>
    </div>
  );
}
