/** What the page's file holds: a head in JSON, and the marts' figures as typed columns in base64. */

export type State = "proved" | "counted" | "unproved" | "wrong";
export const STATES: readonly State[] = ["proved", "counted", "unproved", "wrong"];

export interface Activity {
  key: string;
  label: string;
  kind: "walk" | "wait" | "service";
  stage: "seller" | "scanner";
}

/** A receipt or a figure that is not proved; run and venue are positions, the hour counts from the epoch. */
export interface Problem {
  run: number;
  venue: number;
  hour: number;
  type: string;
  state: State;
  difference: string | null;
}

interface ColumnPlace {
  type: "u1" | "u2" | "u4" | "f8";
  /** Where it begins, in bytes. */
  at: number;
  /** What each of its values is less than the figure. */
  plus: number;
}

export interface Head {
  version: 2;
  hourlyDays: number;
  activities: Activity[];
  measures: string[];
  runs: string[];
  venues: string[];
  latestRun: number;
  stages: ("seller" | "scanner")[];
  channels: ("box_office" | "online")[];
  /** What a visitor does between bus and gate, in order, and what lies between. */
  steps: string[];
  /** So many days, back from the newest, have every detail hour by hour; before them some of it is by the day. */
  recentDays: number;
  /** So many, back from the newest, have the people between bus and gate every five minutes. */
  occupancyDays: number;
  /** Lower edges of the bins of durations, whole seconds; the last bin is open. */
  edges: number[];
  /** The run and venue pairs that send nothing more after a last hour. */
  ended: { run: number; venue: number }[];
  offending: Problem[];
  figures: Record<State, number>;
  problems: Problem[];
  missing: string[];
  tables: Record<string, { rows: number; columns: Record<string, ColumnPlace> }>;
}

export type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Rows in columns, ordered by hour; run, venue and hour as in Problem. */
export interface Rows {
  run: Column;
  venue: Column;
  hour: Column;
  [name: string]: Column;
}

/** The bins of groups of durations, group after group. */
export interface Bins {
  bin: Column;
  visitors: Column;
}

export interface Data {
  head: Head;
  venueHours: Rows;
  receipts: Rows;
  /**
   * Groups of waits: stage and channel are positions, `at` is that of the group's first row in `waitBins`. Of days that are
   * not recent lines are not told apart (line 0, and the channel after the last one).
   */
  waits: Rows;
  waitBins: Bins;
}

const VERSION = 2;

const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f8: Float64Array };

function bytesOf(base64: string): ArrayBuffer {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}

/** Return the figures that `json` and `base64` hold; most columns are views into one buffer. */
export function decode(json: string, base64: string): Data {
  const head = JSON.parse(json) as Head;
  if (head.version !== VERSION) throw new Error(`The page's data is of version ${head.version}; expected ${VERSION}.`);
  const buffer = bytesOf(base64);
  const columnsOf = (name: string): Record<string, Column> => {
    const { rows: length, columns } = head.tables[name];
    const read = Object.entries(columns).map(([column, { type, at, plus }]) => {
      const stored = new ARRAYS[type](buffer, at, length);
      return [column, plus === 0 ? stored : Float64Array.from(stored, (value) => value + plus)];
    });
    return Object.fromEntries(read) as Record<string, Column>;
  };
  return {
    head,
    venueHours: columnsOf("venueHours") as Rows,
    receipts: columnsOf("receipts") as Rows,
    waits: columnsOf("waits") as Rows,
    waitBins: columnsOf("waitBins") as unknown as Bins,
  };
}
