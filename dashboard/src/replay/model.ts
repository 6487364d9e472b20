/**
 * The venue as a pure function of who came and how many served: the rules of simulator/queues.py and simulator/venue.py.
 *
 * Everything about a group was settled when its bus came, so another staffing meets the same visitors: only their waits
 * differ. The sellers' lines do not depend on the scanners, so the stages follow one another.
 */

import type { Day, Staffing } from "./days.ts";

/** When each group and each of its scans was where; moments as in Day, by group or by scan. */
export interface Journeys {
  staffing: Staffing;
  /** The sellers' three are of groups that buy at the venue. */
  sellerJoined: Float64Array;
  sellerBegan: Float64Array;
  sellerEnded: Float64Array;
  /** Who serves, from 0; with a line for each, that is the line. */
  seller: Uint16Array;
  scannerJoined: Float64Array;
  scanBegan: Float64Array;
  scanEnded: Float64Array;
  scanner: Uint16Array;
}

export const sameStaffing = (one: Staffing, other: Staffing): boolean =>
  one.sellers === other.sellers && one.scanners === other.scanners && one.shared === other.shared;

/** Draws from [0, 1), the same ones in each run: mulberry32. */
function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Servers, first come, first served. Who is served is known on joining: nobody changes lines. */
interface Servers {
  /** Return the server whose line a party joins, or who is free next. */
  choose(now: number): number;
  /** Return when `server` can begin. */
  freeAt(server: number): number;
  serve(server: number, end: number): void;
}

function sharedLine(servers: number): Servers {
  const free = new Float64Array(servers);
  return {
    choose: () => {
      let first = 0;
      for (let server = 1; server < servers; server++) if (free[server] < free[first]) first = server;
      return first;
    },
    freeAt: (server) => free[server],
    serve: (server, end) => (free[server] = Math.max(free[server], end)),
  };
}

/** A line for each; the shortest is joined, those being served counted, with ties at random. */
function separateLines(servers: number, seed: number): Servers {
  const lines = Array.from({ length: servers }, () => ({ ends: [] as number[], gone: 0, free: 0 }));
  const uniform = uniforms(seed);
  return {
    choose: (now) => {
      let least = Infinity;
      let ties: number[] = [];
      lines.forEach((line, server) => {
        while (line.gone < line.ends.length && line.ends[line.gone] <= now) line.gone++;
        const length = line.ends.length - line.gone;
        if (length > least) return;
        if (length < least) ties = [];
        least = length;
        ties.push(server);
      });
      return ties.length === 1 ? ties[0] : ties[Math.floor(uniform() * ties.length)];
    },
    freeAt: (server) => lines[server].free,
    serve: (server, end) => {
      const line = lines[server];
      line.free = Math.max(line.free, end);
      line.ends.push(end);
    },
  };
}

interface Stage {
  servers: number;
  seed: number;
  /** The parties in the order of joining: who came first with the same moment is the one that the bus let out first. */
  parties: Uint32Array;
  joined: Float64Array;
  /** The services of a party: a range of positions. */
  first: (party: number) => number;
  end: (party: number) => number;
  duration: Float64Array;
  /** The line that was recorded, by party, from 1. */
  line: Uint16Array;
  listed: Map<number, number>;
}

interface Served {
  began: Float64Array;
  ended: Float64Array;
  server: Uint16Array;
}

/**
 * Serve all parties of a stage.
 *
 * At the recorded staffing they join the lines that they joined, and what is listed begins when it did. Under another
 * one only what began before the day is settled, and who still waited when it began is served from then on.
 */
function serve(stage: Stage, day: Day, shared: boolean, asRecorded: boolean): Served {
  const servers = shared ? sharedLine(stage.servers) : separateLines(stage.servers, stage.seed);
  const services = stage.duration.length;
  const [began, ended, server] = [new Float64Array(services), new Float64Array(services), new Uint16Array(services)];
  for (const party of stage.parties) {
    const now = stage.joined[party];
    let at = asRecorded && !shared ? stage.line[party] - 1 : servers.choose(now);
    for (let service = stage.first(party); service < stage.end(party); service++) {
      if (shared) at = servers.choose(now);
      const listed = stage.listed.get(service);
      const settled = listed !== undefined && (asRecorded || listed < day.begins);
      const earliest = asRecorded ? now : Math.max(now, day.begins);
      const begin = settled ? listed : Math.max(earliest, servers.freeAt(at));
      servers.serve(at, begin + stage.duration[service]);
      [began[service], ended[service], server[service]] = [begin, begin + stage.duration[service], at];
    }
  }
  return { began, ended, server };
}

function inOrder(parties: Uint32Array, joined: Float64Array): Uint32Array {
  return parties.sort((one, other) => joined[one] - joined[other] || one - other);
}

/** Return what a day would have been under a staffing; at the recorded one, what it was. */
export function run(day: Day, staffing: Staffing): Journeys {
  const { arrived, buys } = day;
  const asRecorded = sameStaffing(staffing, day.recorded);
  const groups = Uint32Array.from(arrived.keys());
  const sellerJoined = arrived.map((moment, group) => moment + day.walkToSeller[group]);
  const sales = serve(
    {
      servers: staffing.sellers,
      seed: 1,
      parties: inOrder(groups.filter((group) => buys[group]), sellerJoined),
      joined: sellerJoined,
      first: (group) => group,
      end: (group) => group + 1,
      duration: day.sale,
      line: day.sellerLine,
      listed: day.sellerBegins,
    },
    day,
    staffing.shared,
    asRecorded,
  );
  const setOff = (group: number) => (buys[group] ? sales.ended[group] : arrived[group]);
  const scannerJoined = day.walkToScanner.map((walk, group) => setOff(group) + walk);
  const scans = serve(
    {
      servers: staffing.scanners,
      seed: 2,
      parties: inOrder(groups, scannerJoined),
      joined: scannerJoined,
      first: (group) => day.firstScan[group],
      end: (group) => day.firstScan[group + 1],
      duration: day.scan,
      line: day.scannerLine,
      listed: day.scannerBegins,
    },
    day,
    staffing.shared,
    asRecorded,
  );
  return {
    staffing,
    sellerJoined,
    sellerBegan: sales.began,
    sellerEnded: sales.ended,
    seller: sales.server,
    scannerJoined,
    scanBegan: scans.began,
    scanEnded: scans.ended,
    scanner: scans.server,
  };
}
