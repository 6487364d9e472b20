import { axisY, barX, plot, text } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { count, duration, unitOf } from "../figures.ts";
import { data, totals } from "../state.ts";
import { mean } from "../store.ts";

const ROOM_FOR_NAMES = 150;
const ROOM_FOR_FIGURE = 70;

/** The average duration of each activity over the range, as bars and as a table. */
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
  return (
    <section class="card" aria-labelledby="averages-title">
      <h2 id="averages-title">
        Average durations <span class="hint">of a visitor, in the chosen range</span>
      </h2>
      <ul class="legend">
        <li><i class="swatch bar first" />at the sellers</li>
        <li><i class="swatch bar scanner" />at the scanners</li>
      </ul>
      <Chart id="averages" label={label} height={236} still draw={draw} />
      <details>
        <summary>As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Activity</th>
              <th scope="col" class="number">Visitors</th>
              <th scope="col" class="number">Average</th>
            </tr>
          </thead>
          <tbody id="averages-rows">
            {rows.map((row) => (
              <tr key={row.key} data-activity={row.key}>
                <th scope="row">{row.label}</th>
                <td class="number">{count(row.visitors)}</td>
                <td class="number">{row.said}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}
