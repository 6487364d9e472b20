import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { zone } from "../state.ts";
import { dayName } from "../zone.ts";
import { Curves } from "./curves.tsx";
import { Player, showBusiest } from "./player.tsx";
import { Comparison, Staff } from "./staffing.tsx";
import { at, chooseDay, day, dayKey, hasReplay, head } from "./state.ts";

/** A screen before it is scrolled to. */
const AHEAD = "400px";

function DayChoice() {
  const { days } = head();
  return (
    <label>
      Day{" "}
      <select id="replay-day" value={dayKey(days[at.value])} onChange={(event) => chooseDay(event.currentTarget.value)}>
        {days.map((packed) => (
          <option key={dayKey(packed)} value={dayKey(packed)}>{`${packed.venue}, ${dayName(packed.day * 24, "utc")}`}</option>
        ))}
      </select>
    </label>
  );
}

function Opened() {
  useLayoutEffect(showBusiest, [day.value]);
  return (
    <>
      <Player>
        <DayChoice />
      </Player>
      <Staff />
      <div class="outcome">
        <Comparison />
        <Curves />
      </div>
      <p class="muted">
        The same visitors with the same walks and service times, served by others: nobody leaves because a line is long, and nobody comes because it is short. Who
        joins which of equally short lines is drawn anew.
      </p>
    </>
  );
}

/** The venue's day, played back and under another staffing. Until it is scrolled to, or printed, it costs nothing. */
export function Replay() {
  const section = useRef<HTMLElement>(null);
  const [opened, setOpened] = useState(false);
  useEffect(() => {
    if (!section.current || opened) return;
    const open = () => setOpened(true);
    const observer = new IntersectionObserver((seen) => seen.some(({ isIntersecting }) => isIntersecting) && open(), { rootMargin: AHEAD });
    observer.observe(section.current);
    addEventListener("beforeprint", open);
    return () => {
      observer.disconnect();
      removeEventListener("beforeprint", open);
    };
  }, [opened]);
  if (!hasReplay) return null;
  return (
    <section class="card wide" id="replay-section" aria-labelledby="replay-title" ref={section}>
      <h2 id="replay-title">
        Replay and what-if <span class="hint">every visitor of the day is a dot, as the warehouse has it; times in {zone.value === "utc" ? "UTC" : "your time zone"}</span>
      </h2>
      {opened ? <Opened /> : <div class="unopened" />}
    </section>
  );
}
