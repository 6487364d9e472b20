import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { duration, inUnit, type Unit, unitOf } from "../figures.ts";
import type { Activity } from "../layout.ts";
import { marked } from "../marked.ts";
import { bucketRows } from "../series.ts";
import { data, series, tail, unit, zone } from "../state.ts";
import { mean } from "../store.ts";
import { drawLines } from "./lines.ts";

interface Panel {
  id: string;
  title: string;
  keep: (activity: Activity) => boolean;
}

const PANELS: Panel[] = [
  { id: "wait-seller", title: "Waits at the sellers", keep: ({ kind, stage }) => kind === "wait" && stage === "seller" },
  { id: "wait-scanner", title: "Waits at the scanners", keep: ({ kind, stage }) => kind === "wait" && stage === "scanner" },
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

/** The average duration of each activity, by hour or by day. */
export function Processing() {
  return (
    <section class="card wide" aria-labelledby="processing-title">
      <h2 id="processing-title">
        Processing time <span class="hint">average of a visitor, by {unit.value}</span>
      </h2>
      <ul class="legend">
        <li><i class="swatch first" />at the sellers</li>
        <li><i class="swatch scanner dashed" />at the scanners</li>
      </ul>
      <div class="panels">
        {PANELS.map((panel) => (
          <ProcessingPanel key={panel.id} {...panel} />
        ))}
      </div>
    </section>
  );
}
