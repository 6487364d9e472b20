import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import type { Listing } from "../listing.ts";
import { duration, inUnit, type Unit, unitOf } from "../figures.ts";
import type { Activity } from "../layout.ts";
import { marked } from "../marked.ts";
import { bucketRows } from "../series.ts";
import { timeOf, whenName, whenOf, where } from "../sql.ts";
import { data, range, scope, series, tail, unit, zone } from "../state.ts";
import { mean } from "../store.ts";
import { drawLines } from "./lines.ts";

interface Panel {
  id: string;
  title: string;
  keep: (activity: Activity) => boolean;
}

const PANELS: Panel[] = [
  { id: "mean-wait-seller", title: "Waits at the sellers", keep: ({ kind, stage }) => kind === "wait" && stage === "seller" },
  { id: "mean-wait-scanner", title: "Waits at the scanners", keep: ({ kind, stage }) => kind === "wait" && stage === "scanner" },
  { id: "walk", title: "Walks", keep: ({ kind }) => kind === "walk" },
  { id: "service", title: "Service", keep: ({ kind }) => kind === "service" },
];

const NAMES: Record<Unit, string> = { min: "minutes", s: "seconds" };

function ProcessingPanel({ id, title, keep }: Panel) {
  const [of, by, inZone, end, wrong] = [series.value, unit.value, zone.value, tail.value, marked.value];
  const shown = data.head.activities.filter(keep);
  const measuredIn = unitOf(shown[0]);
  const draw = useMemo(() => {
    const rows = bucketRows(of, by, inZone, end);
    const means = shown.map(({ key }) => rows.map(({ i }) => mean(of.sums[`${key}_visitor_us`][i], of.sums[`${key}_visitors`][i])));
    if (means.every((of) => of.every((us) => us === null))) return undefined;
    const lines = shown.map(({ stage }, at) => ({
      name: shown.length > 1 ? `${stage}s` : "",
      colour: stage === "seller" ? "var(--first)" : "var(--scanner)",
      dashed: stage === "scanner",
      values: means[at].map((us) => inUnit(us, measuredIn)),
    }));
    return (width: number, height: number) =>
      drawLines(rows, lines, wrong, inZone, width, height, (i) => ({
        head: rows[i].when,
        lines: shown.map(({ label }, at) => [label, duration(means[at][i], measuredIn)]),
      }));
  }, [of, by, inZone, end, wrong]);
  const names = shown.map(({ label }) => label).join(" and ");
  return (
    <div>
      <h3>
        {title} <span class="hint">{NAMES[measuredIn]}</span>
      </h3>
      {draw ? (
        <Chart id={id} label={`Average ${NAMES[measuredIn]} by ${by}: ${names}; the averages of the range are in the table below`} height={170} draw={draw} />
      ) : (
        <p class="nothing" id={id}>Nobody did this in these hours.</p>
      )}
    </div>
  );
}

/** Return the SQL and the rows of all panels. */
function listing(): Listing {
  const { activities } = data.head;
  const [of, by, inZone] = [series.value, unit.value, zone.value];
  const when = whenName(by, inZone);
  const rows = bucketRows(of, by, inZone, undefined).filter(({ there }) => there);
  const meanOf = (key: string, i: number) => mean(of.sums[`${key}_visitor_us`][i], of.sums[`${key}_visitors`][i]);
  return {
    columns: [{ name: when }, ...activities.map(({ label }) => ({ name: `${label}, s`, digits: 2 }))],
    rows: rows.map(({ i, from }) => [whenOf(from, by, inZone), ...activities.map(({ key }) => inUnit(meanOf(key, i), "s"))]),
    sql: `select ${timeOf("hour_start", by, inZone)} as "${when}",
  ${activities.map(({ key, label }) => `sum(${key}_visitor_us) / nullif(sum(${key}_visitors), 0) / 1e6 as "${label}, s"`).join(",\n  ")}
from marts.agg_venue_hourly
${where(scope.value, range.value)}
group by all
order by all`,
  };
}

/** The average duration of each activity, by hour or by day: folded, since most of it hardly changes. */
export function Processing() {
  return (
    <Figure id="processing" mart="marts.agg_venue_hourly" title="Processing time" hint={`average of a visitor, by ${unit.value}`} listing={listing}>
      <details class="fold">
        <summary>Show the averages of each activity over time</summary>
        <div class="panels">
          {PANELS.map((panel) => (
            <ProcessingPanel key={panel.id} {...panel} />
          ))}
        </div>
      </details>
    </Figure>
  );
}
