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
  /** What visitors do between bus and gate, in order; the last is the time between these. */
  steps: string[];
  /** So many days, back from the newest, have every detail hour by hour; before them some of it is by the day. */
  recentDays: number;
  /** So many, back from the newest, have the people between bus and gate every five minutes. */
  occupancyDays: number;
  /** Lower edges of the bins of durations, whole seconds; the last bin is open. */
  edges: number[];
  /** Rules that messages in quarantine break. */
  reasons: string[];
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

/** Columns that belong to rows of another table. */
type Columns = Record<string, Column>;

export interface Data {
  head: Head;
  venueHours: Rows;
  receipts: Rows;
  lines: Rows;
  waits: Rows;
  waitBins: Columns;
  timeInSystem: Rows;
  timeInSystemBins: Columns;
  journeys: Rows;
  occupancy: Rows;
  occupancyHours: Rows;
  quarantine: Columns;
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
  const rows = (name: string): Rows => {
    const { rows: length, columns } = head.tables[name];
    const read = Object.entries(columns).map(([column, { type, at, plus }]) => {
      const stored = new ARRAYS[type](buffer, at, length);
      return [column, plus === 0 ? stored : Float64Array.from(stored, (value) => value + plus)];
    });
    return Object.fromEntries(read) as Rows;
  };
  return { head, ...Object.fromEntries(Object.keys(head.tables).map((name) => [name, rows(name)])) } as Data;
}
