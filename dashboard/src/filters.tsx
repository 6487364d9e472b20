import { useMemo } from "preact/hooks";
import { count, plural } from "./figures.ts";
import { Presets } from "./presets.tsx";
import { channel, choose, chooseRange, data, line, loaded, range, recent, scope, span, stage, venuesOfRun, zone } from "./state.ts";
import { ALL, inScope } from "./store.ts";
import { dayName, fieldValue, hourName, hourOfField, zoneName } from "./zone.ts";

const DAY = 24;

/** What visitors who came by a channel have in common. */
export const CHANNELS = { box_office: "buying on site", online: "with a ticket" };

/** The runs, the one with the newest hour first, with that hour. */
const RUNS: [number, number][] = (() => {
  const last = new Map<number, number>();
  for (const { run, hour } of [data.receipts, data.venueHours]) {
    for (let i = 0; i < run.length; i++) last.set(run[i], Math.max(last.get(run[i]) ?? 0, hour[i]));
  }
  return [...last].sort(([a, lastOfA], [b, lastOfB]) => lastOfB - lastOfA || b - a);
})();

export function RunAndVenue() {
  const venues = venuesOfRun.value;
  return (
    <>
      <label>
        Run{" "}
        <select id="run" value={scope.value.run} onChange={(event) => choose({ run: Number(event.currentTarget.value) })}>
          {RUNS.map(([run, last]) => (
            <option key={run} value={run}>{`${data.head.runs[run]} (until ${dayName(last, zone.value)})`}</option>
          ))}
          {RUNS.length > 1 && <option value={ALL}>{`all ${RUNS.length} runs`}</option>}
        </select>
      </label>
      <label>
        Venue{" "}
        <select id="venue" value={scope.value.venue} onChange={(event) => choose({ venue: Number(event.currentTarget.value) })}>
          {venues.length > 1 && <option value={ALL}>{`all ${venues.length} venues`}</option>}
          {venues.map((venue) => (
            <option key={venue} value={venue}>{data.head.venues[venue]}</option>
          ))}
        </select>
      </label>
    </>
  );
}

/** A field for one end of the range. What is typed counts when it is an hour within the span; else the field is put back. */
function Hour({ which, name }: { which: "from" | "to"; name: string }) {
  const value = fieldValue(range.value[which], zone.value);
  const changed = (input: HTMLInputElement) => {
    const hour = hourOfField(input.value, zone.value);
    // a year that is being typed is out of range at first: wait until the field is left
    if (!input.value || !input.validity.valid) return;
    const { from, to } = range.value;
    if (which === "from") chooseRange(hour, hour < to ? to : hour + DAY);
    else chooseRange(hour > from ? from : hour - DAY, hour);
  };
  return (
    <label>
      {name}{" "}
      <input
        type="datetime-local"
        id={which}
        step={3600}
        min={fieldValue(span.value.from + (which === "to" ? 1 : 0), zone.value)}
        max={fieldValue(span.value.to - (which === "from" ? 1 : 0), zone.value)}
        value={value}
        onChange={(event) => changed(event.currentTarget)}
        onBlur={(event) => (event.currentTarget.value = fieldValue(range.value[which], zone.value))}
      />
    </label>
  );
}

/** What only some charts can follow: which visitors, which station, which of its lines. */
function Parts() {
  const lines = useMemo(() => {
    const { run, venue, hour, stage: stages, line: numbers } = data.lines;
    const found = new Set<number>();
    for (let i = 0; i < hour.length; i++) if (stages[i] === stage.value && numbers[i] > 0 && inScope(run[i], venue[i], scope.value)) found.add(numbers[i]);
    return [...found].sort((one, other) => one - other);
  }, [stage.value, scope.value]);
  return (
    <>
      <label>
        Visitors{" "}
        <select id="channel" value={channel.value} onChange={(event) => choose({ channel: Number(event.currentTarget.value) })}>
          <option value={ALL}>all</option>
          {data.head.channels.map((name, at) => (
            <option key={name} value={at}>{CHANNELS[name]}</option>
          ))}
        </select>
      </label>
      <label>
        Station{" "}
        <select id="stage" value={stage.value} onChange={(event) => choose({ stage: Number(event.currentTarget.value), line: ALL })}>
          <option value={ALL}>all</option>
          {data.head.stages.map((name, at) => (
            <option key={name} value={at}>{`${name}s`}</option>
          ))}
        </select>
      </label>
      {stage.value !== ALL && (
        <label>
          Line{" "}
          <select id="line" value={line.value} onChange={(event) => choose({ line: Number(event.currentTarget.value) })}>
            <option value={ALL}>all</option>
            {lines.map((each) => (
              <option key={each} value={each}>{each}</option>
            ))}
          </select>
        </label>
      )}
    </>
  );
}

export function Filters() {
  const { from, to } = range.value;
  const [run, venue] = [scope.value.run, scope.value.venue];
  const gaps = loaded.value < to - from ? `, ${count(loaded.value)} of them loaded` : "";
  const shown = `${hourName(from, zone.value)} to ${hourName(to, zone.value)} ${zoneName(zone.value)}`;
  const whose = [
    venue === ALL ? `all ${venuesOfRun.value.length} venues` : data.head.venues[venue],
    run === ALL ? `all ${RUNS.length} runs` : data.head.runs[run],
    ...(channel.value === ALL ? [] : [`waits of visitors ${CHANNELS[data.head.channels[channel.value]]}`]),
    ...(stage.value === ALL ? [] : [`at the ${data.head.stages[stage.value]}s${line.value === ALL ? "" : `, line ${line.value}`}`]),
    ...((channel.value !== ALL || line.value !== ALL) && from === recent ? ["lines and channels are known since then"] : []),
  ];
  document.title = `Ticketsim: ${whose.join(", ")}, ${shown}`;
  return (
    <nav class="filters" aria-label="Filters">
      <div class="fields controls">
        <RunAndVenue />
        <Parts />
        <Hour which="from" name="From" />
        <Hour which="to" name="To" />
        <label>
          Times in{" "}
          <select id="zone" value={zone.value} onChange={(event) => choose({ zone: event.currentTarget.value === "local" ? "local" : "utc" })}>
            <option value="utc">UTC</option>
            <option value="local">{`my time zone, ${zoneName("local")}`}</option>
          </select>
        </label>
      </div>
      <div class="controls">
        <Presets />
      </div>
      <p class="range" role="status">
        <span id="range">{`${shown}: ${plural(to - from, "hour")}${gaps}`}</span>
        <span class="of">{whose.join(", ")}</span>
      </p>
    </nav>
  );
}
