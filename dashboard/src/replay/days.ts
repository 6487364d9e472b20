/** The days that can be played back, as the page's file holds them: packed columns, read when somebody looks. */

/** Whole numbers in `bits` bits each, the lowest first, in base64; each is `least` less than its value. */
interface Packed {
  count: number;
  bits: number;
  least: number;
  packed: string;
}

export interface PackedDay {
  venue: string;
  /** Days since the epoch. */
  day: number;
  sellers: number;
  scanners: number;
  zero_us: number;
  begins: number;
  shared: boolean;
  columns: Record<string, Packed>;
}

export interface ReplayHead {
  stepUs: number;
  days: PackedDay[];
  plans: Plan[];
}

/** What `ticketsim plan` found for one kind of venue: the numbers between which its precision does not decide. */
export interface Plan {
  name: string;
  sellers: number[];
  scanners: number[];
}

/** How many serve, and whether visitors wait for them in one shared line or in a line for each. */
export interface Staffing {
  sellers: number;
  scanners: number;
  shared: boolean;
}

/**
 * All that was settled about the groups of a venue's day when their bus came, and what was recorded there.
 *
 * Moments and durations are in steps of `stepUs`; moments count from `zeroMs`. A group's scans are those from
 * `firstScan[group]` to `firstScan[group + 1]`.
 */
export interface Day {
  venue: string;
  stepUs: number;
  zeroMs: number;
  /** The moments between which it lies: groups that came before were still there. */
  begins: number;
  ends: number;
  recorded: Staffing;
  arrived: Float64Array;
  buys: Uint8Array;
  visitors: Uint32Array;
  walkToSeller: Float64Array;
  sale: Float64Array;
  sellerLine: Uint16Array;
  walkToScanner: Float64Array;
  scannerLine: Uint16Array;
  firstScan: Uint32Array;
  scan: Float64Array;
  admits: Uint16Array;
  /** Services, by group and by scan, that did not begin by the rule or began before the day: when. */
  sellerBegins: Map<number, number>;
  scannerBegins: Map<number, number>;
}

/** Return the values of a packed column. */
export function unpack({ count, bits, least, packed }: Packed): Float64Array {
  const bytes = atob(packed);
  const values = new Float64Array(count).fill(least);
  let at = 0;
  for (let i = 0; i < count; i++) {
    for (let bit = 0, worth = 1; bit < bits; bit++, at++, worth *= 2) {
      if ((bytes.charCodeAt(at >> 3) >> (at & 7)) & 1) values[i] += worth;
    }
  }
  return values;
}

const DAY_US = 86400e6;

/** Return a day's groups in the order of arrival. */
export function readDay(packed: PackedDay, stepUs: number): Day {
  const column = (name: string) => unpack(packed.columns[name]);
  const [size, buys] = [Uint32Array.from(column("size")), Uint8Array.from(column("buys"))];
  const groups = size.length;
  const firstScan = new Uint32Array(groups + 1);
  for (let group = 0; group < groups; group++) firstScan[group + 1] = firstScan[group] + size[group];

  const arrived = new Float64Array(groups);
  const busGroups = column("busGroups");
  let [now, group] = [0, 0];
  column("busGap").forEach((gap, bus) => {
    now += gap;
    for (const end = group + busGroups[bus]; group < end; group++) arrived[group] = now;
  });

  const buyers = Uint32Array.from(buys.keys()).filter((at) => buys[at]);
  const ofBuyers = (name: string): Float64Array => {
    const values = new Float64Array(groups);
    column(name).forEach((value, at) => (values[buyers[at]] = value));
    return values;
  };
  const listed = (stage: string, which: (at: number) => number): Map<number, number> => {
    const begins = column(`${stage}Begins`);
    return new Map(Array.from(column(`${stage}Listed`), (at, i) => [which(at), begins[i]]));
  };
  const admits = Uint16Array.from(column("admits"));
  const visitors = new Uint32Array(groups);
  for (let at = 0; at < groups; at++) {
    for (let scan = firstScan[at]; scan < firstScan[at + 1]; scan++) visitors[at] += admits[scan];
  }
  const { sellers, scanners, shared } = packed;
  return {
    venue: packed.venue,
    stepUs,
    zeroMs: packed.zero_us / 1000,
    begins: packed.begins,
    ends: packed.begins + DAY_US / stepUs,
    recorded: { sellers, scanners, shared },
    arrived,
    buys,
    visitors,
    walkToSeller: ofBuyers("walkToSeller"),
    sale: ofBuyers("sale"),
    sellerLine: Uint16Array.from(ofBuyers("sellerLine")),
    walkToScanner: column("walkToScanner"),
    scannerLine: Uint16Array.from(column("scannerLine")),
    firstScan,
    scan: column("scan"),
    admits,
    sellerBegins: listed("seller", (at) => buyers[at]),
    scannerBegins: listed("scanner", (at) => at),
  };
}
