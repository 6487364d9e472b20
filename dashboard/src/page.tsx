import { useLayoutEffect } from "preact/hooks";
import { Averages } from "./charts/averages.tsx";
import { Overview } from "./charts/overview.tsx";
import { Processing } from "./charts/processing.tsx";
import { Visitors } from "./charts/visitors.tsx";
import { Waits } from "./charts/waits.tsx";
import { Filters } from "./filters.tsx";
import { NotProved, Receipts } from "./receipts.tsx";
import { Replay } from "./replay/replay.tsx";
import { data, range, scope, totals, zone } from "./state.ts";
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
  const shown = [scope.value, range.value, zone.value];
  // effects of the parts run before that of the whole: now everything is drawn
  useLayoutEffect(() => {
    document.documentElement.dataset.state = "ready";
  }, shown);
  return (
    <>
      <Filters />
      <main>
        <Missing />
        <Tiles />
        <Overview />
        {happened ? (
          <>
            <Visitors />
            <Waits />
            <Processing />
            <Replay />
            <Averages />
          </>
        ) : (
          <section class="card wide nothing" id="nothing">
            <p>Nothing happened in these hours: no bus came, and nobody was at the venue. Choose other hours above.</p>
          </section>
        )}
        <Receipts />
        <NotProved />
      </main>
    </>
  );
}
