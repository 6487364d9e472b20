/** The card of a chart: its title, and the same figures as a table, as a file of comma-separated values and as SQL. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { data } from "./state.ts";
import { cell, type Listing, toCsv } from "./listing.ts";

const MOST_ROWS = 1000;

function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function Table({ id, title, listing: { columns, rows } }: { id: string; title: string; listing: Listing }) {
  const more = rows.length > MOST_ROWS ? `The first ${MOST_ROWS} of ${rows.length} rows; the CSV has all.` : "";
  return (
    <div class="scroll" id={`${id}-table`} tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <table>
        <thead>
          <tr>
            {columns.map(({ name, digits }) => (
              <th scope="col" key={name} class={digits === undefined ? "" : "number"}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, at) => (
            <tr key={at}>
              {row.map((value, i) => (
                <td key={i} class={columns[i].digits === undefined ? "" : "number"}>{cell(value, columns[i].digits)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {more && <p class="muted">{more}</p>}
    </div>
  );
}

interface Props {
  id: string;
  title: string;
  /** What is counted, its unit, and of whom where a filter is not followed. */
  hint: string;
  wide?: boolean;
  /** The mart that it is drawn from: said instead of the chart while the warehouse does not have it. */
  mart: string;
  /** Said instead of the chart where there is nothing to show. */
  empty?: string | false;
  /** Made when it is asked for. */
  listing?: () => Listing;
  /** Beside the title. */
  controls?: ComponentChildren;
  children: ComponentChildren;
}

/** A card with a chart in it. The title's id is the figure's with "-title", so that it names the card. */
export function Figure({ id, title, hint, wide, mart, empty: nobody, listing, controls, children }: Props) {
  const [table, setTable] = useState(false);
  const [sql, setSql] = useState(false);
  const empty = data.head.missing.includes(mart) ? `The warehouse has no ${mart} yet: the next hourly run builds it.` : nobody;
  return (
    <section class={wide ? "card wide" : "card"} data-figure={id} aria-labelledby={`${id}-title`}>
      <div class="title">
        <h2 id={`${id}-title`}>
          {title} <span class="hint">{hint}</span>
        </h2>
        {controls}
      </div>
      {empty ? <p class="nothing" id={id}>{empty}</p> : children}
      {listing && !empty && (
        <div class="exports controls">
          <button type="button" aria-expanded={table} aria-label={`Table: ${title}`} onClick={() => setTable(!table)}>Table</button>
          <button type="button" aria-label={`CSV: ${title}`} onClick={() => save(`${id}.csv`, toCsv(listing()))}>CSV</button>
          <button type="button" aria-expanded={sql} aria-label={`SQL: ${title}`} onClick={() => setSql(!sql)}>SQL</button>
          {table && <Table id={id} title={title} listing={listing()} />}
          {sql && <pre id={`${id}-sql`} tabIndex={0} role="region" aria-label={`${title}: SQL for DuckDB`}>{listing().sql}</pre>}
        </div>
      )}
    </section>
  );
}
