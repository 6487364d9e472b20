import { useLayoutEffect } from "preact/hooks";
import { Arrivals } from "./charts/arrivals.tsx";
import { Averages } from "./charts/averages.tsx";
import { Calendar } from "./charts/calendar.tsx";
import { Cumulative } from "./charts/cumulative.tsx";
import { Journey } from "./charts/journey.tsx";
import { Lines } from "./charts/lines-board.tsx";
import { Overview } from "./charts/overview.tsx";
import { People } from "./charts/people.tsx";
import { Processing } from "./charts/processing.tsx";
import { Quarantine } from "./charts/quarantine.tsx";
import { ReceiptMatrix } from "./charts/receipt-matrix.tsx";
import { Venues } from "./charts/venues-board.tsx";
import { WaitByHour } from "./charts/wait-by-hour.tsx";
import { Filters } from "./filters.tsx";
import { Headline } from "./headline.tsx";
import { NotProved, Receipts } from "./receipts.tsx";
import { Replay } from "./replay/replay.tsx";
import { data, everythingChosen, stages, totals } from "./state.ts";
import { Tiles } from "./tiles.tsx";

function Missing() {
  const { missing } = data.head;
  if (!missing.length) return null;
  return (
    <section class="card wide notice" aria-label="What is missing">
      <p>
        The warehouse has no{" "}
        {missing.map((table, i) => (
          <span key={table}>
            {i > 0 && " and no "}
            <code>{table}</code>
          </span>
        ))}
        : <code>ticketsim demo</code> or the next hourly run builds it.
      </p>
    </section>
  );
}

export function Page() {
  const happened = Object.values(totals.value).some((sum) => sum > 0);
  const shown = [everythingChosen.value];
  // effects of the parts run before that of the whole: now everything is drawn
  useLayoutEffect(() => {
    document.documentElement.dataset.state = "ready";
  }, shown);
  return (
    <>
      <Filters />
      <main>
        <Missing />
        {happened && <Headline />}
        <Tiles />
        <Overview />
        {happened ? (
          <>
            <People />
            <Arrivals />
            {stages.value.map((stage) => (
              <WaitByHour key={stage} stage={stage} />
            ))}
            <Cumulative />
            <Calendar />
            <Lines />
            <Venues />
            <Journey />
            <div class="column">
              <Averages />
              <Processing />
            </div>
            <Replay />
          </>
        ) : (
          <section class="card wide nothing" id="nothing">
            <p>Nothing happened in these hours: no bus came, and nobody was at the venue. Choose other hours above.</p>
          </section>
        )}
        <ReceiptMatrix />
        <Receipts />
        <Quarantine />
        <NotProved />
      </main>
    </>
  );
}
