import { useMemo } from "preact/hooks";
import { count, duration, money, plural, share, type Unit } from "./figures.ts";
import { channel, data, inside, line, range, scope, span, stage, totals } from "./state.ts";
import { ALL, loadedHours } from "./store.ts";
import { before, evenEdges } from "./periods.ts";
import { type Figures, figuresOf } from "./totals.ts";

const POINTS = 24;

interface Kind {
  id: string;
  name: string;
  of: keyof Figures;
  said: (value: number | null) => string;
  sub: (figures: Record<keyof Figures, number | null>) => string;
  /** Whether more of it is better (1), worse (-1) or neither. */
  good: 1 | 0 | -1;
  /** Which of the filters for some of the visitors it follows. */
  follows?: ("lines" | "channels")[];
}

const seconds = (unit: Unit) => (value: number | null) => duration(value === null ? null : value * 1e6, unit);

/** Say who has come and is not admitted at the end of the range. */
const onTheirWay = (): string =>
  inside.value === null ? "; how many are on their way is not known: hours are missing" : `, ${count(inside.value)} still on the way`;

const TILES: Kind[] = [
  { id: "arrived", name: "Visitors arrived", of: "arrived", said: (n) => count(n ?? 0), sub: ({ admitted }) => `${count(admitted ?? 0)} admitted${onTheirWay()}`, good: 0 },
  { id: "revenue", name: "Revenue on site", of: "revenue", said: (n) => money(n ?? 0), sub: () => `in ${plural(totals.value.groups_served, "sale")} at the sellers`, good: 1 },
  { id: "seller-p50", name: "Seller wait, median", of: "seller50", said: seconds("min"), sub: () => "half wait less", good: -1, follows: ["lines", "channels"] },
  { id: "seller-p95", name: "Seller wait, 95 %", of: "seller95", said: seconds("min"), sub: () => "one in twenty waits longer", good: -1, follows: ["lines", "channels"] },
  { id: "scanner-p95", name: "Scanner wait, 95 %", of: "scanner95", said: seconds("s"), sub: () => "one in twenty waits longer", good: -1, follows: ["lines", "channels"] },
  { id: "box-office", name: "Bus to gate, buying on site", of: "boxOffice50", said: seconds("min"), sub: ({ boxOffice95 }) => `median; 95 % within ${seconds("min")(boxOffice95)}`, good: -1, follows: ["channels"] },
  { id: "online", name: "Bus to gate, with a ticket", of: "online50", said: seconds("min"), sub: ({ online95 }) => `median; 95 % within ${seconds("min")(online95)}`, good: -1, follows: ["channels"] },
  { id: "busy", name: "Sellers busy", of: "sellersBusy", said: share, sub: ({ scannersBusy }) => `scanners ${share(scannersBusy)}`, good: 0, follows: ["lines"] },
];

/** Return the change from one value to another in words, and whether it is up. */
function change(kind: Kind, now: number | null, then: number | null): { said: string; up: boolean } | undefined {
  if (now === null || then === null) return undefined;
  if (kind.said === share) return { said: `${(100 * (now - then)).toFixed(1).replace("-", "−")} points`, up: now >= then };
  if (then === 0) return undefined;
  return { said: `${Math.abs((100 * (now - then)) / then).toFixed(0)} %`, up: now >= then };
}

function Delta({ kind, now, then, hours }: { kind: Kind; now: number | null; then: number | null | undefined; hours: number }) {
  const found = then === undefined ? undefined : change(kind, now, then);
  if (!found) return <dd class="delta muted" id={`delta-${kind.id}`}>no earlier period</dd>;
  const period = hours === 24 ? "the day before" : `the ${plural(hours, "hour")} before`;
  if (/^[−]?[0.]+ /.test(found.said)) return <dd class="delta muted" id={`delta-${kind.id}`}>{`no change to ${period}`}</dd>;
  const tone = kind.good === 0 ? "muted" : (kind.good > 0) === found.up ? "better" : "worse";
  return <dd class={`delta ${tone}`} id={`delta-${kind.id}`}>{`${found.up ? "▲" : "▼"} ${found.said} to ${period}`}</dd>;
}

/** A line of the values over the range; it breaks where there are none. */
function Sparkline({ values }: { values: (number | null)[] }) {
  const most = Math.max(...values.map((value) => value ?? 0)) || 1;
  const [width, height] = [100, 26];
  const x = (i: number) => (values.length > 1 ? (i / (values.length - 1)) * width : width / 2);
  const path = values
    .map((value, i) => (value === null ? "" : `${i > 0 && values[i - 1] !== null ? "L" : "M"}${x(i).toFixed(1)} ${(height - 2 - (value / most) * (height - 4)).toFixed(1)}h.01`))
    .join("");
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true" data-points={values.length}>
      <path d={path} />
    </svg>
  );
}

/** The key figures of the chosen range, beside those of the period before. */
export function Tiles() {
  const [within, all, of, onStage, onLine, byChannel] = [range.value, span.value, scope.value, stage.value, line.value, channel.value];
  const { now, then, spark } = useMemo(() => {
    const possible = before(within, all);
    const earlier = possible && loadedHours(data.venueHours, of, possible) === possible.to - possible.from ? possible : undefined;
    const one = (from: number, to: number) => {
      const figures = figuresOf([from, to]);
      return Object.fromEntries(Object.entries(figures).map(([name, [value]]) => [name, value])) as Record<keyof Figures, number | null>;
    };
    return { now: one(within.from, within.to), then: earlier && one(earlier.from, earlier.to), spark: figuresOf(evenEdges(within, POINTS)) };
  }, [within, all, of, onStage, onLine, byChannel]);
  const filters = [...(onLine === ALL ? [] : ["lines" as const]), ...(byChannel === ALL ? [] : ["channels" as const])];
  const unfollowed = ({ follows = [] }: Kind) => filters.filter((filter) => !follows.includes(filter)).join(" and ");
  return (
    <dl class="kpis">
      {TILES.map((kind) => (
        <div class="card" key={kind.id}>
          <dt>{kind.name}</dt>
          <dd class="figure" id={`kpi-${kind.id}`}>{kind.said(now[kind.of])}</dd>
          <dd class="muted" id={`sub-${kind.id}`}>{kind.sub(now)}</dd>
          {unfollowed(kind) && <dd class="muted">all {unfollowed(kind)}</dd>}
          <Delta kind={kind} now={now[kind.of]} then={then?.[kind.of]} hours={within.to - within.from} />
          <dd><Sparkline values={spark[kind.of]} /></dd>
        </div>
      ))}
    </dl>
  );
}

