import { axisY, barX, plot, text } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import type { Listing } from "../listing.ts";
import { count, plural } from "../figures.ts";
import { where } from "../sql.ts";
import { data, range } from "../state.ts";
import { ALL, firstAt } from "../store.ts";

/** Messages that were put aside, by the rule that they break: of all runs, since such a message may name none. */
export function Quarantine() {
  const { from, to } = range.value;
  const rows = useMemo(() => {
    const { hour, reason, messages } = data.quarantine;
    const sums = new Map<number, number>();
    for (let i = firstAt(hour, from); i < hour.length && hour[i] < to; i++) sums.set(reason[i], (sums.get(reason[i]) ?? 0) + messages[i]);
    return [...sums].map(([at, sum]) => ({ reason: data.head.reasons[at], messages: sum })).sort((one, other) => other.messages - one.messages || (one.reason < other.reason ? -1 : 1));
  }, [from, to]);
  const draw = useMemo(
    () => (width: number, height: number) => {
      const svg = plot({
        width,
        height,
        className: "plot",
        marginLeft: Math.min(width / 2, 20 + 6.6 * Math.max(...rows.map(({ reason }) => reason.length))),
        marginRight: 60,
        marginTop: 2,
        marginBottom: 2,
        x: { axis: null, domain: [0, rows[0].messages] },
        y: { type: "band", domain: rows.map(({ reason }) => reason), padding: 0.35, label: null },
        marks: [
          axisY({ tickSize: 0, label: null, fontSize: 12 }),
          barX(rows, { y: "reason", x: "messages", fill: "var(--field)", rx2: 3 }),
          text(rows, { y: "reason", x: "messages", text: ({ messages }) => count(messages), textAnchor: "start", dx: 6, fontSize: 12, fill: "var(--ink)" }),
        ],
      });
      return { svg };
    },
    [rows],
  );
  const sum = rows.reduce((all, { messages }) => all + messages, 0);
  const listing = (): Listing => ({
    columns: [{ name: "reason" }, { name: "messages", digits: 0 }],
    rows: rows.map(({ reason, messages }) => [reason, messages]),
    sql: `select reason, sum(messages) as messages
from marts.agg_quarantine_hourly
${where({ run: ALL, venue: ALL }, { from, to })}
group by reason
order by messages desc, reason`,
  });
  return (
    <Figure id="quarantine" mart="marts.agg_quarantine_hourly" title="Messages in quarantine" hint="by the rule that they break, of all runs, by the hour in which they came" empty={!rows.length && "No message that came in these hours breaks the contract."} listing={listing}>
      <Chart id="quarantine" label={`${plural(sum, "message")} in quarantine: ${rows.map(({ reason, messages }) => `${reason} ${count(messages)}`).join(", ")}`} height={rows.length * 26 + 6} still draw={draw} />
    </Figure>
  );
}
