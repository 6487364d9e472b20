import { count, duration, money, NOTHING, plural, type Unit } from "./figures.ts";
import { inside, totals } from "./state.ts";
import { mean } from "./store.ts";

function Tile({ id, name, figure, sub }: { id: string; name: string; figure: string; sub: string }) {
  return (
    <div class="card">
      <dt>{name}</dt>
      <dd class="figure" id={`kpi-${id}`}>{figure}</dd>
      <dd class="muted" id={`sub-${id}`}>{sub}</dd>
    </div>
  );
}

/** The key figures of the chosen range. */
export function Tiles() {
  const all = totals.value;
  const meanOf = (key: string, unit: Unit) => duration(mean(all[`${key}_visitor_us`], all[`${key}_visitors`]), unit);
  const visitors = (key: string) => plural(all[`${key}_visitors`], "visitor");
  const waiting = inside.value === null ? "how many are on their way is not known: hours are missing" : `${count(inside.value)} still on their way at the end`;
  const system = mean(all.time_in_system_us, all.visitors_admitted);
  return (
    <dl class="kpis">
      <Tile id="arrived" name="Visitors arrived" figure={count(all.visitors_arrived)} sub={`in ${plural(all.buses, "bus", "buses")}`} />
      <Tile id="admitted" name="Visitors admitted" figure={count(all.visitors_admitted)} sub={waiting} />
      <Tile id="revenue" name="Revenue on site" figure={money(all.revenue_cents)} sub={`in ${plural(all.groups_served, "sale")} at the sellers`} />
      <Tile id="seller" name="Mean seller wait" figure={meanOf("wait_in_seller_line", "min")} sub={`${visitors("wait_in_seller_line")} who buy on site`} />
      <Tile id="scanner" name="Mean scanner wait" figure={meanOf("wait_in_scanner_line", "s")} sub={visitors("wait_in_scanner_line")} />
      <Tile id="system" name="Mean time in system" figure={duration(system, "min")} sub={system === null ? NOTHING : "from the bus to the gate, all visitors"} />
    </dl>
  );
}
