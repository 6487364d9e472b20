import { useMemo } from "preact/hooks";
import { quantile } from "../bins.ts";
import { Figure } from "../figure.tsx";
import type { Listing } from "../listing.ts";
import { count, duration, money, share } from "../figures.ts";
import { type Column, Leaderboard } from "../leaderboard.tsx";
import { binned, quantileOf, where } from "../sql.ts";
import { channel, choose, countWaits, data, range, scope, venuesOfRun, waitFilters } from "../state.ts";
import { ALL, chosen, firstAt, mean } from "../store.ts";

interface VenueRow {
  venue: number;
  arrived: number;
  revenue: number;
  /** Waits that 95 % are no longer than, seconds. */
  seller: number | null;
  scanner: number | null;
  /** Share of the sellers' hours. */
  busy: number | null;
}

const inUs = (seconds: number | null) => (seconds === null ? null : seconds * 1e6);

const COLUMNS: Column<VenueRow>[] = [
  { key: "arrived", name: "Visitors arrived", value: ({ arrived }) => arrived, said: ({ arrived }) => count(arrived) },
  { key: "revenue", name: "Revenue on site", value: ({ revenue }) => revenue, said: ({ revenue }) => money(revenue) },
  { key: "seller", name: "Seller wait, 95 %", value: ({ seller }) => seller, said: ({ seller }) => duration(inUs(seller), "min") },
  { key: "scanner", name: "Scanner wait, 95 %", value: ({ scanner }) => scanner, said: ({ scanner }) => duration(inUs(scanner), "s") },
  { key: "busy", name: "Sellers busy", value: ({ busy }) => busy, said: ({ busy }) => share(busy) },
];

function venueRows(venues: number[]): VenueRow[] {
  const { venueHours, lines, waits, head } = data;
  const { from, to } = range.value;
  const places = new Map(venues.map((venue, place) => [venue, place]));
  const sums = venues.map(() => ({ arrived: 0, revenue: 0, busy: 0, capacity: 0 }));
  for (let i = firstAt(venueHours.hour, from); i < venueHours.hour.length && venueHours.hour[i] < to; i++) {
    if (!chosen(venueHours, i, scope.value)) continue;
    const sum = sums[places.get(venueHours.venue[i])!];
    sum.arrived += venueHours.visitors_arrived[i];
    sum.revenue += venueHours.revenue_cents[i];
  }
  for (let i = firstAt(lines.hour, from); i < lines.hour.length && lines.hour[i] < to; i++) {
    if (lines.stage[i] !== 0 || lines.servers[i] === 0 || !chosen(lines, i, scope.value)) continue;
    const sum = sums[places.get(lines.venue[i])!];
    sum.busy += lines.busy_us[i];
    sum.capacity += lines.servers[i] * 3600e6;
  }
  const counts = countWaits(range.value, 2 * venues.length, ALL, (i) => 2 * places.get(waits.venue[i])! + waits.stage[i]);
  return venues.map((venue, place) => {
    const { arrived, revenue, busy, capacity } = sums[place];
    const of = (stage: number) => quantile(counts[2 * place + stage], head.edges, 0.95);
    return { venue, arrived, revenue, seller: of(0), scanner: of(1), busy: mean(busy, capacity) };
  });
}

function listing(rows: VenueRow[]): Listing {
  const condition = where(scope.value, range.value).replaceAll("\n", "\n  ");
  const waits = where(scope.value, range.value, channel.value !== ALL && waitFilters(0).at(-1)!);
  return {
    columns: [
      { name: "venue" },
      { name: "visitors arrived", digits: 0 },
      { name: "revenue, cents", digits: 0 },
      { name: "seller wait 95 %, s", digits: 1 },
      { name: "scanner wait 95 %, s", digits: 1 },
      { name: "sellers busy, %", digits: 1 },
    ],
    rows: rows.map((row) => [data.head.venues[row.venue], row.arrived, row.revenue, row.seller, row.scanner, row.busy === null ? null : 100 * row.busy]),
    sql: `${binned("marts.agg_wait_histogram_hourly", [["venue_id", "venue"], ["stage", "stage"]], waits)}, waited as (
  select venue, stage, ${quantileOf(0.95, "1e6")} as p95
  from binned
  group by all
), busy as (
  select venue_id as venue, sum(busy_us) / sum(servers * 3600e6) as busy
  from marts.agg_line_hourly
  ${condition}
    and stage = 'seller' and servers > 0
  group by all
), came as (
  select venue_id as venue, sum(visitors_arrived) as arrived, sum(revenue_cents) as revenue
  from marts.agg_venue_hourly
  ${condition}
  group by all
)
select came.venue, came.arrived as "visitors arrived", came.revenue as "revenue, cents", sellers.p95 as "seller wait 95 %, s",
  scanners.p95 as "scanner wait 95 %, s", 100 * busy.busy as "sellers busy, %"
from came
left join waited as sellers on sellers.venue = came.venue and sellers.stage = 'seller'
left join waited as scanners on scanners.venue = came.venue and scanners.stage = 'scanner'
left join busy on busy.venue = came.venue
order by came.venue`,
  };
}

/** The venues side by side, when several are shown: a row is a filter. */
export function Venues() {
  const [within, of, venues, byChannel] = [range.value, scope.value, venuesOfRun.value, channel.value];
  const several = of.venue === ALL && venues.length > 1;
  const rows = useMemo(() => (several ? venueRows(venues).filter(({ arrived, seller, scanner }) => arrived || seller !== null || scanner !== null) : []), [several, venues, within, of, byChannel]);
  if (!several) return null;
  return (
    <Figure id="venues" mart="marts.agg_venue_hourly" title="Venues side by side" hint="click one to see it alone" wide empty={!rows.length && "Nothing happened at any venue in these hours."} listing={() => listing(rows)}>
      <Leaderboard
        id="venues-board"
        label="Venues and their figures"
        heads={["Venue"]}
        names={({ venue }) => [data.head.venues[venue]]}
        chosen={() => false}
        choose={({ venue }) => choose({ venue })}
        columns={COLUMNS}
        first="seller"
        rows={rows}
      />
    </Figure>
  );
}
