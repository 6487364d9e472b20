import { axisY, barX, plot, text } from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { quantile } from "../bins.ts";
import { Chart } from "../chart.tsx";
import { Figure } from "../figure.tsx";
import type { Listing } from "../listing.ts";
import { count, duration, NOTHING } from "../figures.ts";
import { where } from "../sql.ts";
import { channel, countTimes, data, range, recent, scope, zone } from "../state.ts";
import { ALL, chosen, firstAt, mean } from "../store.ts";
import { byWholeDays } from "../totals.ts";
import { dayName } from "../zone.ts";

const { channels, steps } = data.head;
const NAMES: Record<string, string> = { box_office: "buying on site", online: "with a ticket" };
const COLOURS: Record<string, string> = {
  wait_in_seller_line: "var(--first)",
  wait_in_scanner_line: "var(--scanner)",
};
const stepName = (step: string) => step.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());

interface Way {
  channel: number;
  visitors: Float64Array;
  us: Float64Array;
  /** Mean of the whole way, microseconds. */
  mean: number;
  /** What 95 % are no longer than, seconds. */
  p95: number | null;
}

function ways(): Way[] {
  const { journeys, timeInSystem } = data;
  const found = channels.map((_, at) => ({ channel: at, visitors: new Float64Array(steps.length), us: new Float64Array(steps.length) }));
  for (let i = firstAt(journeys.hour, range.value.from); i < journeys.hour.length && journeys.hour[i] < range.value.to; i++) {
    if (!chosen(journeys, i, scope.value)) continue;
    const way = found[journeys.channel[i]];
    way.visitors[journeys.step[i]] += journeys.visitors[i];
    way.us[journeys.step[i]] += journeys.visitor_us[i];
  }
  const times = countTimes(range.value, channels.length, (i) => timeInSystem.channel[i]);
  return found.flatMap((way, at) => {
    const all = way.us.reduce((sum, us) => sum + us, 0);
    const whole = mean(all, Math.max(...way.visitors));
    return whole === null || (channel.value !== ALL && channel.value !== at) ? [] : [{ ...way, mean: whole, p95: quantile(times[at], data.head.edges, 0.95) }];
  });
}

function listing(found: Way[]): Listing {
  return {
    columns: [{ name: "channel" }, { name: "step" }, { name: "visitors", digits: 0 }, { name: "mean, s", digits: 2 }],
    rows: found.flatMap(({ channel: at, visitors, us }) =>
      steps.flatMap((step, i) => (visitors[i] ? [[channels[at], step, visitors[i], us[i] / visitors[i] / 1e6] as (string | number)[]] : [])),
    ),
    sql: `select channel, step, sum(visitors) as visitors, sum(visitor_us) / sum(visitors) / 1e6 as "mean, s"
from marts.agg_journey_hourly
${where(scope.value, range.value, channel.value !== ALL && `channel = '${channels[channel.value]}'`)}
group by channel, step
having sum(visitors) > 0
order by channel, list_position([${steps.map((step) => `'${step}'`).join(", ")}], step)`,
  };
}

/** Where the time between bus and gate goes, for those who buy on site and those who have a ticket. */
export function Journey() {
  const [within, of, by] = [range.value, scope.value, channel.value];
  const known = byWholeDays(within);
  const found = useMemo(() => (known ? ways() : []), [within, of, by]);
  const words = found.map(({ channel: at, mean: us, p95 }) => `${NAMES[channels[at]]}: mean ${duration(us, "min")}, 95 % within ${duration(p95 === null ? null : p95 * 1e6, "min")}`);
  const draw = useMemo(
    () => (width: number, height: number) => {
      const parts = found.flatMap(({ channel: at, us, visitors }) => {
        let until = 0;
        const everybody = Math.max(...visitors);
        return steps.map((step, i) => ({ at, step, from: until, to: (until += us[i] / everybody / 60e6) }));
      });
      const svg = plot({
        width,
        height,
        className: "plot",
        marginLeft: 96,
        marginRight: 12,
        marginTop: 4,
        marginBottom: 4,
        x: { axis: null, domain: [0, Math.max(...found.map(({ mean: us }) => us / 60e6)) * 1.02] },
        y: { type: "band", domain: found.map(({ channel: at }) => at), padding: 0.55, label: null },
        color: { type: "identity" },
        marks: [
          axisY({ tickSize: 0, label: null, fontSize: 12, tickFormat: (at: number) => NAMES[channels[at]] }),
          barX(parts, { y: "at", x1: "from", x2: "to", fill: ({ step }) => COLOURS[step] ?? "var(--faint)", className: "parts" }),
          text(found, { y: "channel", x: 0, text: (_: Way, i: number) => words[i].split(": ")[1], textAnchor: "start", dy: -21, fill: "var(--ink)", fontWeight: 600 }),
        ],
      });
      return { svg };
    },
    [found],
  );
  const empty = known ? !found.length && "Nobody was admitted in these hours." : `Before ${dayName(recent, zone.value)} journeys are counted by the UTC day: choose whole days.`;
  return (
    <Figure id="journey" mart="marts.agg_journey_hourly" title="Where the time goes" hint="from bus to gate, mean of a visitor, by channel" empty={empty} listing={() => listing(found)}>
      <ul class="legend">
        <li><i class="swatch bar first" />waiting at the sellers</li>
        <li><i class="swatch bar scanner" />waiting at the scanners</li>
        <li><i class="swatch bar faint" />walking or being served</li>
      </ul>
      <Chart id="journey" label={`Where the time from bus to gate goes; ${words.join("; ")}`} height={found.length * 60 + 8} still draw={draw} />
      <table class="steps" id="journey-steps">
        <thead>
          <tr>
            <th scope="col">Step</th>
            {found.map(({ channel: at }) => (
              <th scope="col" class="number" key={at}>{`${NAMES[channels[at]]}: visitors, mean`}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map((step, i) => (
            <tr key={step} data-step={step}>
              <th scope="row">{stepName(step)}</th>
              {found.map(({ channel: at, visitors, us }) => (
                <td class="number" key={at}>{visitors[i] ? `${count(visitors[i])}, ${duration(us[i] / visitors[i], step === "wait_in_seller_line" ? "min" : "s")}` : NOTHING}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Figure>
  );
}
