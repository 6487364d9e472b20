/** The figures of a chart in rows and columns. */

export interface Listing {
  /** Names as of the columns that the SQL gives; `digits` behind the point for numbers, none for text. */
  columns: { name: string; digits?: number }[];
  rows: (string | number | null)[][];
  sql: string;
}

export const cell = (value: string | number | null, digits: number | undefined): string =>
  value === null ? "" : typeof value === "number" ? value.toFixed(digits ?? 0) : value;

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Return the listing as comma-separated values (RFC 4180), every row of it. */
export function toCsv({ columns, rows }: Listing): string {
  const lines = [columns.map(({ name }) => name), ...rows.map((row) => row.map((value, i) => cell(value, columns[i].digits)))];
  return lines.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
}
