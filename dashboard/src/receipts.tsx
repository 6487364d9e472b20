import { useMemo } from "preact/hooks";
import { count } from "./figures.ts";
import { type Rows, type State, STATES } from "./layout.ts";
import { notProved } from "./marked.ts";
import { data, range, scope, zone } from "./state.ts";
import { ALL, chosen, inScope, type Range, type Scope } from "./store.ts";
import { hourName, zoneName } from "./zone.ts";

const MOST_ROWS = 500;

/** Return how many receipts of the scope and range are in each state. */
function countStates(receipts: Rows, of: Scope, { from, to }: Range): Record<State, number> {
  const counts = { proved: 0, counted: 0, unproved: 0, wrong: 0 };
  for (let i = 0; i < receipts.hour.length; i++) {
    if (receipts.hour[i] < from || receipts.hour[i] >= to || !chosen(receipts, i, of)) continue;
    counts.proved += receipts.proved[i];
    counts.counted += receipts.counted[i];
  }
  for (const { run, venue, hour, state } of data.head.offending) {
    if (hour >= from && hour < to && inScope(run, venue, of)) counts[state] += 1;
  }
  return counts;
}

const everything = countStates(data.receipts, { run: ALL, venue: ALL }, { from: 0, to: Infinity });

function StateName({ state }: { state: State }) {
  return (
    <span class={`state ${state}`}>
      <svg class="icon" aria-hidden="true">
        <use href={`#icon-${state}`} />
      </svg>
      {state}
    </span>
  );
}

/** How many receipts and figures are in which state. */
export function Receipts() {
  const [of, within] = [scope.value, range.value];
  const here = useMemo(() => countStates(data.receipts, of, within), [of, within]);
  return (
    <section class="card" id="receipts" tabIndex={-1} aria-labelledby="receipts-title">
      <h2 id="receipts-title">
        Receipts <span class="hint">of every run, venue, hour and event type</span>
      </h2>
      <p class="muted">
        The simulation sends a receipt of what truly happened in each hour. Proved: the warehouse equals it, in every field of every
        row. Counted: it has no digest, and is equal in number and duration. Unproved: there is no receipt. Wrong: they differ.
      </p>
      <table class="states">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col" class="number">Chosen range</th>
            <th scope="col" class="number">Everything</th>
            <th scope="col" class="number">Figures shown</th>
          </tr>
        </thead>
        <tbody>
          {STATES.map((state) => (
            <tr key={state} data-state-row={state}>
              <th scope="row"><StateName state={state} /></th>
              <td class="number">{count(here[state])}</td>
              <td class="number">{count(everything[state])}</td>
              <td class="number">{count(data.head.figures[state])}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted">
        Figures shown: the sums of each venue and hour that this page adds up, compared with the sums that the receipts state. Averages
        are quotients of them. Derived, and compared with no receipt: the lengths of waits.
      </p>
    </section>
  );
}

/** Every receipt and figure that is not proved, whatever is chosen: a filter must not be able to hide a difference. */
export function NotProved() {
  if (!notProved.length) return null;
  const more = notProved.length > MOST_ROWS ? `, the first ${MOST_ROWS} of ${count(notProved.length)}; ticketsim reconcile lists all` : "";
  return (
    <section class="card wide" id="offending" tabIndex={-1} aria-labelledby="offending-title">
      <h2 id="offending-title">
        Not proved <span class="hint">in all runs and hours{more}</span>
      </h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Receipts and figures that are not proved">
        <table>
          <thead>
            <tr>
              {["State", "Run", "Venue", `Hour (${zoneName(zone.value)})`, "Event type or figure", "Difference"].map((name) => (
                <th scope="col" key={name}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {notProved.slice(0, MOST_ROWS).map((problem, i) => (
              <tr key={i}>
                <td><StateName state={problem.state} /></td>
                <td class="id">{data.head.runs[problem.run]}</td>
                <td class="id">{data.head.venues[problem.venue]}</td>
                <td class="when">{hourName(problem.hour, zone.value)}</td>
                <td>{problem.type}</td>
                <td>{problem.difference ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
