import { effect, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, plural } from "../figures.ts";
import { zone } from "../state.ts";
import { clock, HOUR_MS } from "../zone.ts";
import { type Colours, type Count, Scene } from "./scene.ts";
import { actualWaiting, day, every, msOf, tryout, until } from "./state.ts";

const HEIGHT = 340;
const SPEEDS = [60, 300, 1200];

/** Without motion the picture changes this often. */
const STILL_MS = 1000;

/** The moment that is shown; at first the one at which most people waited. */
export const now = signal(0);

export const isPlaying = signal(false);

export function showBusiest(): void {
  const most = actualWaiting.value.reduce((best, people, at, all) => (people > all[best] ? at : best), 0);
  now.value = day.value.begins + most * every.value;
}

const NAMES: Record<keyof Colours, string> = { ink: "ink", muted: "muted", line: "line", seller: "first", scanner: "scanner", served: "second" };

function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  return Object.fromEntries(Object.entries(NAMES).map(([part, name]) => [part, style.getPropertyValue(`--${name}`).trim()])) as unknown as Colours;
}

const where = ({ onTheWay, sellers, scanners, inside }: Count): string =>
  `${count(sellers)} wait at the sellers, ${count(scanners)} at the scanners; ${count(onTheWay)} walk or are served; ${count(inside)} are in`;

/** The picture, redrawn whenever the moment, the journeys, its width or the colours change. */
function Stage() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const words = useRef<HTMLParagraphElement>(null);
  const scene = useMemo(() => new Scene(day.value, tryout.value), [tryout.value]);
  useLayoutEffect(() => {
    const element = canvas.current!;
    const draw = () => {
      const [width, height, ratio] = [element.clientWidth, element.clientHeight, Math.max(1, devicePixelRatio)];
      if (width === 0) return;
      if (element.width !== Math.round(width * ratio) || element.height !== Math.round(height * ratio)) {
        [element.width, element.height] = [Math.round(width * ratio), Math.round(height * ratio)];
      }
      const context = element.getContext("2d")!;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const found = scene.draw(context, width, height, coloursOf(element), now.value);
      words.current!.textContent = where(found);
      element.setAttribute("aria-label", `The venue at ${clock(msOf(now.value) / HOUR_MS, zone.value)}: ${where(found)}`);
    };
    const stop = effect(draw);
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    const looks = [matchMedia("(prefers-color-scheme: dark)"), matchMedia("print")];
    for (const look of looks) look.addEventListener("change", draw);
    return () => {
      stop();
      observer.disconnect();
      for (const look of looks) look.removeEventListener("change", draw);
    };
  }, [scene]);
  return (
    <>
      <canvas ref={canvas} class="stage" role="img" style={{ height: `${HEIGHT}px` }} />
      <ul class="legend">
        <li><i class="swatch bar first" />to the sellers</li>
        <li><i class="swatch bar scanner" />to the scanners</li>
        <li><i class="swatch bar second" />being served</li>
      </ul>
      <p class="where" id="replay-where" ref={words} />
    </>
  );
}

/** Play, scrub and speed, and the picture under them. */
export function Player({ children }: { children: ComponentChildren }) {
  const playing = isPlaying.value;
  const [speed, setSpeed] = useState(SPEEDS[1]);
  const still = useMemo(() => matchMedia("(prefers-reduced-motion: reduce)"), []);
  const { begins, stepUs } = day.value;
  const end = until.value;
  useEffect(() => {
    if (!playing) return;
    let last = performance.now();
    let frame = requestAnimationFrame(function next(time) {
      frame = requestAnimationFrame(next);
      if (still.matches && time - last < STILL_MS) return;
      const moment = Math.min(end, now.value + ((time - last) * 1000 * speed) / stepUs);
      last = time;
      now.value = moment;
      if (moment >= end) isPlaying.value = false;
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, speed, end, stepUs]);
  const toggle = () => {
    if (!playing && now.value >= end) now.value = begins;
    isPlaying.value = !playing;
  };
  return (
    <>
      <div class="player controls">
        <button type="button" id="replay-play" onClick={toggle}>{playing ? "Pause" : "Play"}</button>
        <Scrub begin={begins} end={end} />
        {children}
        <label>
          Speed{" "}
          <select id="replay-speed" value={speed} onChange={(event) => setSpeed(Number(event.currentTarget.value))}>
            {SPEEDS.map((times) => (
              <option key={times} value={times}>{plural(times / 60, "minute")} a second</option>
            ))}
          </select>
        </label>
      </div>
      <Stage />
    </>
  );
}

/** The time on a slider: a minute by arrow key, an hour by page key. */
function Scrub({ begin, end }: { begin: number; end: number }) {
  const minute = every.value;
  const said = clock(msOf(now.value) / HOUR_MS, zone.value);
  const press = (event: KeyboardEvent) => {
    const hours = { PageUp: 1, PageDown: -1 }[event.key];
    if (hours === undefined) return;
    event.preventDefault();
    now.value = Math.max(begin, Math.min(end, now.value + hours * 60 * minute));
  };
  return (
    <>
      <output id="replay-clock" for="replay-time">{said}</output>
      <input
        type="range"
        id="replay-time"
        aria-label="Time"
        aria-valuetext={said}
        min={0}
        max={Math.ceil((end - begin) / minute)}
        step={1}
        value={Math.round((now.value - begin) / minute)}
        onInput={(event) => (now.value = Math.min(end, begin + Number(event.currentTarget.value) * minute))}
        onKeyDown={press}
      />
    </>
  );
}
