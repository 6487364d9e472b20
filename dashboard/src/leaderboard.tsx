/** A table that is sorted by a click on a column's head, and of which a row is chosen by a click on its name. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface Column<Row> {
  key: string;
  name: string;
  /** What it is sorted by; the highest first, null last. */
  value: (row: Row) => number | null;
  said: (row: Row) => string;
}

interface Props<Row> {
  id: string;
  label: string;
  /** Heads of what names a row. */
  heads: string[];
  /** The names of a row, one for each of `heads`; a click on the row chooses it. */
  names: (row: Row) => string[];
  chosen: (row: Row) => boolean;
  choose: (row: Row) => void;
  columns: Column<Row>[];
  first: string;
  rows: Row[];
  children?: ComponentChildren;
}

export function Leaderboard<Row>({ id, label, heads, names, chosen, choose, columns, first, rows }: Props<Row>) {
  const [by, setBy] = useState(first);
  const column = columns.find(({ key }) => key === by)!;
  const sorted = [...rows].sort((one, other) => (column.value(other) ?? -1) - (column.value(one) ?? -1));
  return (
    <div class="scroll board" tabIndex={0} role="region" aria-label={label}>
      <table id={id}>
        <thead>
          <tr>
            {heads.map((head) => (
              <th scope="col" key={head}>{head}</th>
            ))}
            {columns.map(({ key, name }) => (
              <th scope="col" key={key} class="number" aria-sort={key === by ? "descending" : "none"}>
                <button type="button" class="plain" onClick={() => setBy(key)}>{`${name}${key === by ? " ▾" : ""}`}</button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={names(row).join("\n")} class={chosen(row) ? "is-chosen" : ""} onClick={() => choose(row)}>
              {names(row).map((name, i) => (
                <th scope="row" key={i} class="id">
                  {i === heads.length - 1 ? (
                    <button type="button" class="plain" aria-pressed={chosen(row)} onClick={(event) => (event.stopPropagation(), choose(row))}>{name}</button>
                  ) : (
                    name
                  )}
                </th>
              ))}
              {columns.map(({ key, said }) => (
                <td key={key} class="number">{said(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
