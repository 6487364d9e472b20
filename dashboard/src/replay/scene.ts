/** The venue as a picture: bus, seller lines, scanner lines, and a dot for every visitor on the way. */

import { plural } from "../figures.ts";
import type { Day } from "./days.ts";
import type { Journeys } from "./model.ts";

export interface Colours {
  ink: string;
  muted: string;
  line: string;
  /** Of those on the way to the sellers or in line there, of those who come to the scanners, and of those being served. */
  seller: string;
  scanner: string;
  served: string;
}

/** Where people are at a moment. */
export interface Count {
  onTheWay: number;
  sellers: number;
  scanners: number;
  inside: number;
}

const TOP = 26;
const BOTTOM = 10;
const BUS = 34;
const BOOTH = 18;

/** More lines have no room for their lengths. */
const MOST_LENGTHS = 24;

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

/** Where everything is on a picture of some size, in its pixels. */
class Layout {
  readonly width: number;
  readonly height: number;
  readonly sellers: number;
  readonly scanners: number;
  readonly gap: number;
  readonly dot: number;
  private readonly shared: boolean;
  private readonly inner: number;

  constructor(width: number, height: number, shared: boolean) {
    this.width = width;
    this.height = height;
    this.shared = shared;
    this.sellers = width * 0.62;
    this.scanners = width * 0.88;
    this.gap = width < 600 ? 4 : 5;
    this.dot = this.gap - 2;
    this.inner = height - TOP - BOTTOM;
  }

  /** The height of the place `which` of `of` beside one another. */
  lane(which: number, of: number): number {
    return TOP + ((which + 0.5) * this.inner) / of;
  }

  /** Where the line of a server stands: in front of it, or for all in the middle. */
  lineOf(server: number, servers: number): number {
    return this.shared ? TOP + this.inner / 2 : this.lane(server, servers);
  }

  /** Where the visitor in place `place` of a line stands, which fills rows from its head on; undefined beyond its room. */
  placeInLine(place: number, lines: number, head: number, tail: number): [number, number] | undefined {
    const rows = Math.max(1, Math.min(this.shared ? 14 : 5, Math.floor((this.inner / lines - 6) / this.gap)));
    const x = head - BOOTH / 2 - 4 - (Math.floor(place / rows) + 1) * this.gap;
    return x < tail ? undefined : [x, ((place % rows) - (rows - 1) / 2) * this.gap];
  }
}

/** Draws a day's journeys at any moment. */
export class Scene {
  private readonly day: Day;
  private readonly journeys: Journeys;
  private readonly bySeller: Uint32Array;
  private readonly byScanner: Uint32Array;

  constructor(day: Day, journeys: Journeys) {
    this.day = day;
    this.journeys = journeys;
    const groups = Uint32Array.from(day.arrived.keys());
    const { sellerJoined, scannerJoined } = journeys;
    this.bySeller = groups.filter((group) => day.buys[group]).sort((one, other) => sellerJoined[one] - sellerJoined[other] || one - other);
    this.byScanner = groups.slice().sort((one, other) => scannerJoined[one] - scannerJoined[other] || one - other);
  }

  /** Draw the moment `now` and return where people are. */
  draw(context: CanvasRenderingContext2D, width: number, height: number, colours: Colours, now: number): Count {
    const layout = new Layout(width, height, this.journeys.staffing.shared);
    const count: Count = { onTheWay: 0, sellers: 0, scanners: 0, inside: 0 };
    context.clearRect(0, 0, width, height);
    this.furniture(context, layout, colours);
    const dots = (colour: string) => {
      context.fillStyle = colour;
      return (x: number, y: number) => context.fillRect(x - layout.dot / 2, y - layout.dot / 2, layout.dot, layout.dot);
    };
    const sellerTails = this.atSellers(layout, now, count, dots(colours.seller));
    this.walking(layout, now, count, sellerTails, (buying) => dots(buying ? colours.seller : colours.scanner));
    this.atScanners(layout, now, count, dots(colours.scanner));
    this.beingServed(layout, now, count, dots(colours.served));
    this.lengths(context, layout, colours, sellerTails);
    return count;
  }

  private furniture(context: CanvasRenderingContext2D, layout: Layout, colours: Colours): void {
    const { sellers, scanners } = this.journeys.staffing;
    context.font = `12px ${FONT}`;
    context.textAlign = "center";
    context.fillStyle = colours.muted;
    context.fillText("bus", BUS, 14);
    context.fillText(plural(sellers, "seller"), layout.sellers, 14);
    context.fillText(plural(scanners, "scanner"), layout.scanners, 14);
    context.fillStyle = colours.line;
    context.fillRect(BUS - 9, layout.lane(0, 1) - 22, 18, 44);
    for (const [x, servers] of [[layout.sellers, sellers], [layout.scanners, scanners]]) {
      for (let server = 0; server < servers; server++) {
        const size = Math.min(BOOTH, (layout.height - TOP - BOTTOM) / servers - 2);
        context.fillRect(x - BOOTH / 2, layout.lane(server, servers) - size / 2, BOOTH, size);
      }
    }
  }

  /** Draw those who wait at the sellers; return how many stand in each line. */
  private atSellers(layout: Layout, now: number, count: Count, dot: (x: number, y: number) => void): Uint32Array {
    const { staffing, sellerJoined, sellerBegan, seller } = this.journeys;
    const lines = staffing.shared ? 1 : staffing.sellers;
    const places = new Uint32Array(lines);
    for (const group of this.bySeller) {
      if (sellerJoined[group] > now) break;
      if (sellerBegan[group] <= now) continue;
      const line = staffing.shared ? 0 : seller[group];
      const y = layout.lineOf(seller[group], staffing.sellers);
      for (let visitor = 0; visitor < this.day.visitors[group]; visitor++) {
        const place = layout.placeInLine(places[line]++, lines, layout.sellers, BUS + 46);
        if (place) dot(place[0], y + place[1]);
      }
      count.sellers += this.day.visitors[group];
    }
    return places;
  }

  private walking(layout: Layout, now: number, count: Count, tails: Uint32Array, dotsOf: (buying: boolean) => (x: number, y: number) => void): void {
    const { arrived, buys, visitors } = this.day;
    const { staffing, sellerJoined, sellerEnded, seller, scannerJoined, scanner } = this.journeys;
    const firstScanner = (group: number) => scanner[this.day.firstScan[group]];
    for (const buying of [true, false]) {
      const dot = dotsOf(buying);
      for (let group = 0; group < arrived.length && arrived[group] <= now; group++) {
        const bought = buys[group] === 1;
        if (buying !== (bought && sellerJoined[group] > now) || scannerJoined[group] <= now) continue;
        if (!buying && bought && sellerEnded[group] > now) continue;
        const begin = buying || !bought ? arrived[group] : sellerEnded[group];
        const end = buying ? sellerJoined[group] : scannerJoined[group];
        const way = (now - begin) / (end - begin || 1);
        const lines = staffing.shared ? 1 : staffing.sellers;
        const line = staffing.shared ? 0 : seller[group];
        const tail = buying ? layout.placeInLine(tails[line], lines, layout.sellers, BUS + 46)?.[0] ?? BUS + 46 : layout.scanners - 60;
        const from: [number, number] = buying || !bought ? [BUS + 12, layout.lane(0, 1)] : [layout.sellers + 12, layout.lane(seller[group], staffing.sellers)];
        const to: [number, number] = [tail, buying ? layout.lineOf(seller[group], staffing.sellers) : layout.lineOf(firstScanner(group), staffing.scanners)];
        // groups go side by side, those with tickets above or below the sellers' lines
        const aside = ((group * 37) % 17) - 8;
        const around = bought ? 0 : Math.sin(Math.PI * way) * (group % 2 ? 1 : -1) * (layout.height / 2 - TOP - 6);
        const y = from[1] + (to[1] - from[1]) * way + around * 0.9 + aside * (1 - Math.abs(2 * way - 1)) * 0.8;
        for (let visitor = 0; visitor < visitors[group]; visitor++) {
          dot(from[0] + (to[0] - from[0]) * way - visitor * layout.gap, Math.min(layout.height - 4, Math.max(TOP - 4, y)));
        }
        count.onTheWay += visitors[group];
      }
    }
  }

  private atScanners(layout: Layout, now: number, count: Count, dot: (x: number, y: number) => void): void {
    const { firstScan, admits } = this.day;
    const { staffing, scannerJoined, scanBegan, scanEnded, scanner } = this.journeys;
    const lines = staffing.shared ? 1 : staffing.scanners;
    const places = new Uint32Array(lines);
    for (const group of this.byScanner) {
      if (scannerJoined[group] > now) break;
      for (let scan = firstScan[group]; scan < firstScan[group + 1]; scan++) {
        if (scanEnded[scan] <= now) count.inside += admits[scan];
        if (scanBegan[scan] <= now) continue;
        const line = staffing.shared ? 0 : scanner[scan];
        const y = layout.lineOf(scanner[scan], staffing.scanners);
        for (let visitor = 0; visitor < admits[scan]; visitor++) {
          const place = layout.placeInLine(places[line]++, lines, layout.scanners, layout.sellers + 40);
          if (place) dot(place[0], y + place[1]);
        }
        count.scanners += admits[scan];
      }
    }
  }

  private beingServed(layout: Layout, now: number, count: Count, dot: (x: number, y: number) => void): void {
    const { firstScan, admits, visitors } = this.day;
    const { staffing, sellerJoined, sellerBegan, sellerEnded, seller, scannerJoined, scanBegan, scanEnded, scanner } = this.journeys;
    for (const group of this.bySeller) {
      if (sellerJoined[group] > now) break;
      if (sellerBegan[group] > now || sellerEnded[group] <= now) continue;
      const y = layout.lane(seller[group], staffing.sellers);
      for (let visitor = 0; visitor < visitors[group]; visitor++) dot(layout.sellers + (visitor - (visitors[group] - 1) / 2) * layout.gap, y);
      count.onTheWay += visitors[group];
    }
    for (const group of this.byScanner) {
      if (scannerJoined[group] > now) break;
      for (let scan = firstScan[group]; scan < firstScan[group + 1]; scan++) {
        if (scanBegan[scan] > now || scanEnded[scan] <= now) continue;
        dot(layout.scanners, layout.lane(scanner[scan], staffing.scanners));
        count.onTheWay += admits[scan];
      }
    }
  }

  /** Write how many visitors wait in each line of the sellers. */
  private lengths(context: CanvasRenderingContext2D, layout: Layout, colours: Colours, waiting: Uint32Array): void {
    if (waiting.length > MOST_LENGTHS) return;
    context.font = `11px ${FONT}`;
    context.textAlign = "left";
    context.fillStyle = colours.muted;
    waiting.forEach((visitors, line) => context.fillText(String(visitors), layout.sellers + 15, layout.lane(line, waiting.length) + 4));
  }
}
