import { computed } from "@preact/signals";
import { count, duration, NOTHING, share, type Unit } from "../figures.ts";
import { edgeName } from "../bins.ts";
import { target } from "../state.ts";
import type { Plan } from "./days.ts";
import { sameStaffing } from "./model.ts";
import { now } from "./player.tsx";
import { actual, actualSummary, chooseReplay, day, plans, isActual, summary, tryout, wanted } from "./state.ts";
import { waitingAt } from "./summary.ts";

/** Browsers keep half of the thumb's width free at either end of a slider. */
const THUMB = 16;

interface SliderProps {
  id: string;
  name: string;
  value: number;
  recorded: number;
  marks: { at: number; name: string }[];
  onInput: (value: number) => void;
}

/** Of a slider's end: twice what there was, and whatever a plan says. */
function Slider({ id, name, value, recorded, marks, onInput }: SliderProps) {
  const most = Math.max(2 * recorded, recorded + 4, value, ...marks.map(({ at }) => at));
  const left = (at: number) => `calc(${THUMB / 2}px + (100% - ${THUMB}px) * ${(at - 1) / (most - 1)})`;
  return (
    <div class="staff">
      <label for={id}>
        {name} <output for={id}>{value}</output>
      </label>
      <div class="slider">
        <input type="range" id={id} min={1} max={most} step={1} value={value} aria-describedby={`${id}-marks`} onInput={(event) => onInput(Number(event.currentTarget.value))} />
        <ul class="marks" id={`${id}-marks`}>
          {[{ at: recorded, name: "was" }, ...marks].map(({ at, name: said }) => (
            <li key={`${at}${said}`} style={{ left: left(at) }}>{`${said} ${at}`}</li>
          ))}
        </ul>
      </div>
    </div>
  );
}

const marksOf = (stage: "sellers" | "scanners", found: Plan[]) => {
  const marks = new Map<number, string>();
  for (const plan of found) for (const at of plan[stage]) marks.set(at, plan.name);
  return [...marks].map(([at, name]) => ({ at, name }));
};

/** Sliders for the staff and a switch for the lines. */
export function Staff() {
  const { recorded } = day.value;
  const { sellers, scanners, shared } = wanted.value;
  const chosen = (key: "sellers" | "scanners", value: number) => chooseReplay({ [key]: value === recorded[key] ? undefined : value });
  return (
    <div class="staffing controls">
      <Slider id="what-if-sellers" name="Sellers" value={sellers} recorded={recorded.sellers} marks={marksOf("sellers", plans())} onInput={(value) => chosen("sellers", value)} />
      <Slider id="what-if-scanners" name="Scanners" value={scanners} recorded={recorded.scanners} marks={marksOf("scanners", plans())} onInput={(value) => chosen("scanners", value)} />
      <label class="switch">
        <input
          type="checkbox"
          id="what-if-shared"
          checked={shared}
          onChange={(event) => chooseReplay({ shared: event.currentTarget.checked === recorded.shared ? undefined : event.currentTarget.checked })}
        />
        one shared line
      </label>
      <button type="button" id="what-if-reset" disabled={sameStaffing(wanted.value, recorded)} onClick={() => chooseReplay({ sellers: undefined, scanners: undefined, shared: undefined })}>
        As it was
      </button>
    </div>
  );
}

const waitingNow = computed(() => ({
  actual: waitingAt(day.value, actual.value, now.value),
  other: isActual.value ? undefined : waitingAt(day.value, tryout.value, now.value),
}));

interface Row {
  id: string;
  name: string;
  was: string;
  would: string;
}

/** What was and what would be, side by side. */
export function Comparison() {
  const { stepUs } = day.value;
  const rows = (["sellers", "scanners"] as const).flatMap((stage): Row[] => {
    const unit: Unit = stage === "sellers" ? "min" : "s";
    const [was, would] = [actualSummary.value[stage], summary.value[stage]];
    const waits = (steps: number | null) => duration(steps === null ? null : steps * stepUs, unit);
    const people = waitingNow.value;
    return [
      { id: `${stage}-now`, name: `Waiting at the ${stage} now`, was: count(people.actual[stage]), would: count((people.other ?? people.actual)[stage]) },
      { id: `${stage}-median`, name: `Half wait at the ${stage} up to`, was: waits(was.median), would: waits(would.median) },
      { id: `${stage}-p95`, name: `95 % wait at the ${stage} up to`, was: waits(was.p95), would: waits(would.p95) },
      { id: `${stage}-within`, name: `Wait at most ${edgeName(target.value * 60)} at the ${stage}`, was: share(was.within), would: share(would.within) },
    ];
  });
  return (
    <table class="comparison" id="what-if">
      <thead>
        <tr>
          <th scope="col">The visitors of the day</th>
          <th scope="col" class="number">As it was</th>
          <th scope="col" class="number">What if</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ id, name, was, would }) => (
          <tr key={id} id={`what-if-${id}`}>
            <th scope="row">{name}</th>
            <td class="number">{was}</td>
            <td class="number">{isActual.value ? NOTHING : would}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
