import { useMemo } from "preact/hooks";
import { Figure } from "../figure.tsx";
import type { Listing } from "../listing.ts";
import { count, duration, share } from "../figures.ts";
import { knownOf, type LineRow, lineRows } from "../line-table.ts";
import { type Column, Leaderboard } from "../leaderboard.tsx";
import { binned, quantileOf, where } from "../sql.ts";
import { channel, choose, data, line, range, recent, scope, stage, stages, venuesOfRun, waitFilters, zone } from "../state.ts";
import { ALL } from "../store.ts";
import { dayName } from "../zone.ts";
import { LinesBusy } from "./lines-busy.tsx";

const inUs = (seconds: number | null) => (seconds === null ? null : seconds * 1e6);

const COLUMNS: Column<LineRow>[] = [
  { key: "visitors", name: "Visitors served", value: ({ visitors }) => visitors, said: ({ visitors }) => count(visitors) },
  { key: "p50", name: "Wait, median", value: ({ p50 }) => p50, said: ({ p50, stage }) => duration(inUs(p50), stage ? "s" : "min") },
  { key: "p95", name: "Wait, 95 %", value: ({ p95 }) => p95, said: ({ p95, stage }) => duration(inUs(p95), stage ? "s" : "min") },
  { key: "busy", name: "Busy", value: ({ busy }) => busy, said: ({ busy }) => share(busy) },
];

function listing(rows: LineRow[]): Listing {
  const shown = stages.value.length === 1 && `stage = '${data.head.stages[stages.value[0]]}'`;
  const conditions = where(scope.value, knownOf(range.value), shown);
  const byLine: [string, string][] = [["venue_id", "venue"], ["stage", "stage"], ["line", "line"]];
  const waits = where(scope.value, knownOf(range.value), shown, channel.value !== ALL && waitFilters(0).at(-1)!);
  return {
    columns: [
      { name: "venue" },
      { name: "stage" },
      { name: "line", digits: 0 },
      { name: "visitors", digits: 0 },
      { name: "median, s", digits: 1 },
      { name: "95 %, s", digits: 1 },
      { name: "busy, %", digits: 1 },
    ],
    rows: rows.map(({ venue, stage, line, visitors, p50, p95, busy }) => [
      data.head.venues[venue],
      data.head.stages[stage],
      line,
      visitors,
      p50,
      p95,
      busy === null ? null : 100 * busy,
    ]),
    sql: `${binned("marts.agg_wait_histogram_hourly", byLine, waits)}, waited as (
  select venue, stage, line, ${quantileOf(0.5, "1e6")} as p50, ${quantileOf(0.95, "1e6")} as p95
  from binned
  group by all
), used as (
  select venue_id as venue, stage, line, sum(visitors) as visitors,
    sum(case when servers > 0 then busy_us end) / sum(case when servers > 0 then servers * 3600e6 end) as busy
  from marts.agg_line_hourly
  ${conditions.replaceAll("\n", "\n  ")}
  group by all
)
select venue, stage, line, visitors, p50 as "median, s", p95 as "95 %, s", 100 * busy as "busy, %"
from used
left join waited using (venue, stage, line)
order by venue, stage = 'scanner', line`,
  };
}

/** The lines: how busy each is by hour, and a leaderboard of which a row is a filter. */
export function Lines() {
  const [within, of, at, onLine, byChannel] = [range.value, scope.value, stage.value, line.value, channel.value];
  const every = useMemo(() => lineRows(within), [within, of, at, byChannel]);
  const rows = useMemo(() => every.filter((row) => at === ALL || row.stage === at), [every, at]);
  const several = of.venue === ALL && venuesOfRun.value.length > 1;
  const nameOf = (row: LineRow) => `${several ? `${data.head.venues[row.venue]}, ` : ""}${data.head.stages[row.stage]} ${row.line}`;
  const isChosen = (row: LineRow) => row.stage === at && row.line === onLine && !several;
  const since = within.from < recent ? `, since ${dayName(recent, zone.value)}` : "";
  return (
    <Figure id="lines" mart="marts.agg_line_hourly" title="How busy each line is" hint={`share of the hours in which it was used${since}; click a line to see it alone`} wide empty={!rows.length && "No line was used in these hours."} listing={() => listing(rows)}>
      <LinesBusy rows={rows} nameOf={nameOf} />
      <Leaderboard
        id="lines-board"
        label="Lines and their figures"
        heads={several ? ["Venue", "Line"] : ["Line"]}
        names={(row) => [...(several ? [data.head.venues[row.venue]] : []), `${data.head.stages[row.stage]} ${row.line}`]}
        chosen={isChosen}
        choose={(row) => choose(isChosen(row) ? { stage: ALL, line: ALL } : { venue: row.venue, stage: row.stage, line: row.line })}
        columns={COLUMNS}
        first="p95"
        rows={rows}
      />
    </Figure>
  );
}
