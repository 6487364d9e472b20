/** Whose figures these are: the page's title. */

import { data, scope, venuesOfRun } from "./state.ts";
import { ALL } from "./store.ts";

export function Heading() {
  const { run, venue } = scope.value;
  return (
    <>
      <h1>{venue === ALL ? `All ${venuesOfRun.value.length} venues` : data.head.venues[venue]}</h1>
      <p class="muted">{`From the bus to the gate: visitors, waits and receipts of ${run === ALL ? "all runs" : `run ${data.head.runs[run]}`}`}</p>
    </>
  );
}
