import { axisY, barX, plot, text } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import { duration, unitOf } from "../figures.ts";
import { where } from "../sql.ts";
import { data, range, scope, totals } from "../state.ts";
import { mean } from "../store.ts";

const ROOM_FOR_NAMES = 150;
const ROOM_FOR_FIGURE = 70;

/** The average duration of each activity over the range, as bars. */
export function Averages() {
  const all = totals.value;
  const rows = useMemo(
    () =>
      data.head.activities.map((activity) => {
        const us = mean(all[`${activity.key}_visitor_us`], all[`${activity.key}_visitors`]);
        return { ...activity, us, visitors: all[`${activity.key}_visitors`], said: duration(us, unitOf(activity)) };
      }),
    [all],
  );
  const draw = useMemo(
    () => (width: number, height: number) => {
      const svg = plot({
        width,
        height,
        className: "plot",
        marginLeft: ROOM_FOR_NAMES,
        marginRight: ROOM_FOR_FIGURE,
        marginTop: 4,
        marginBottom: 4,
        x: { axis: null, domain: [0, Math.max(1, ...rows.map(({ us }) => us ?? 0))] },
        y: { domain: rows.map(({ label }) => label), padding: 0.4, label: null },
        marks: [
          axisY({ tickSize: 0, label: null, fontSize: 12 }),
          barX(rows, { y: "label", x: "us", fill: ({ stage }) => (stage === "seller" ? "var(--first)" : "var(--scanner)"), rx2: 3 }),
          text(rows, { y: "label", x: ({ us }) => us ?? 0, text: "said", textAnchor: "start", dx: 6, fontSize: 12, fill: "var(--ink)" }),
        ],
      });
      return { svg };
    },
    [rows],
  );
  const label = `Average durations of a visitor: ${rows.map((row) => `${row.label} ${row.said}`).join(", ")}`;
  const listing = () => ({
    columns: [{ name: "activity" }, { name: "visitors", digits: 0 }, { name: "mean, s", digits: 2 }],
    rows: rows.map((row) => [row.key, row.visitors, row.us === null ? null : row.us / 1e6]),
    sql: data.head.activities
      .map(
        ({ key }) => `select '${key}' as activity, sum(${key}_visitors) as visitors, sum(${key}_visitor_us) / nullif(sum(${key}_visitors), 0) / 1e6 as "mean, s"
from marts.agg_venue_hourly
${where(scope.value, range.value)}`,
      )
      .join("\nunion all\n"),
  });
  return (
    <Figure id="averages" mart="marts.agg_venue_hourly" title="Average durations" hint="of a visitor, in the chosen range" listing={listing}>
      <Chart id="averages" label={label} height={236} still draw={draw} />
    </Figure>
  );
}
