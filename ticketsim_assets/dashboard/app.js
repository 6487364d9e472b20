// Filters the embedded figures by run, venue and range, and pushes what is left into tiles, charts and tables.
// Times are whole hours since the epoch; ranges are [from, to).
(() => {
  "use strict";

  const data = JSON.parse(document.getElementById("data").textContent);
  const specs = JSON.parse(document.getElementById("specs").textContent);
  /** @type {(id: string) => any} */ // inputs, selects and links, by what the template has
  const $ = (id) => document.getElementById(id);
  const ALL = -1;
  const HOUR_MS = 3600e3;
  const MOST_ROWS_IN_TABLE = 500;
  const MEASURES = Object.keys(data.venueHours).filter((name) => !["run", "venue", "hour"].includes(name));

  const view = { run: data.latestRun, venue: ALL, from: 0, to: 0, span: [0, 0] };
  const charts = {};

  // ---- words and figures -------------------------------------------------------------------------------------------

  const utc = (options) => {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
    return (hour) => format.format(new Date(hour * HOUR_MS));
  };
  const dayName = utc({ day: "numeric", month: "short", year: "numeric" });
  const hourName = utc({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const isoDay = (hour) => new Date(hour * HOUR_MS).toISOString().slice(0, 10);

  const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const compact = new Intl.NumberFormat("en-US", { notation: "compact", minimumFractionDigits: 1, maximumFractionDigits: 2 });
  const large = (number) => (number < 1e6 ? whole.format(number) : compact.format(number));
  const plural = (count, word) => `${whole.format(count)} ${word}${count === 1 ? "" : "s"}`;
  const money = (cents) => (cents < 1e8 ? `$${whole.format(cents / 100)}` : `$${compact.format(cents / 100)}`);

  function duration(us) {
    if (us === null) return "–";
    const seconds = us / 1e6;
    // below the minute that it would be rounded to
    if (seconds < 59.95) return `${tenths.format(seconds)} s`;
    if (seconds < 3600) return `${tenths.format(seconds / 60)} min`;
    return `${tenths.format(seconds / 3600)} h`;
  }

  // ---- sums --------------------------------------------------------------------------------------------------------

  const chosen = (rows, i) =>
    (view.run === ALL || rows.run[i] === view.run) && (view.venue === ALL || rows.venue[i] === view.venue);
  const within = (hour) => hour >= view.from && hour < view.to;

  const nothing = () => Object.fromEntries(MEASURES.map((name) => [name, 0]));

  /** Sums of all measures in buckets of `step` hours, by the bucket's first hour; buckets without rows are left out. */
  function sums(from, to, step) {
    const rows = data.venueHours;
    const buckets = new Map();
    for (let i = 0; i < rows.hour.length; i++) {
      const hour = rows.hour[i];
      if (hour < from || hour >= to || !chosen(rows, i)) continue;
      const start = Math.floor(hour / step) * step;
      if (!buckets.has(start)) buckets.set(start, nothing());
      const bucket = buckets.get(start);
      for (const name of MEASURES) bucket[name] += rows[name][i];
    }
    return buckets;
  }

  function total(buckets) {
    const all = nothing();
    for (const bucket of buckets.values()) for (const name of MEASURES) all[name] += bucket[name];
    return all;
  }

  const mean = (sum, weight) => (weight > 0 ? sum / weight : null);
  const meanOf = (bucket, key) => mean(bucket[`${key}_visitor_us`], bucket[`${key}_visitors`]);
  const stepFor = (hours) => (hours <= data.hourlyDays * 24 ? 1 : 24);

  /** A row per bucket of the range; those without data hold nulls, so that lines break where hours are missing. */
  function series(buckets, step, values) {
    const rows = [];
    for (let start = Math.floor(view.from / step) * step; start < view.to; start += step) {
      const bucket = buckets.get(start);
      const when = step === 1 ? hourName(start) : dayName(start);
      const [t, end] = [Math.max(start, view.from) * HOUR_MS, Math.min(start + step, view.to) * HOUR_MS];
      rows.push({ t, end, mid: (t + end) / 2, when, there: Boolean(bucket), ...values(bucket) });
    }
    rows.forEach((row, i) => {
      row.alone = row.there && !rows[i - 1]?.there && !rows[i + 1]?.there;
    });
    return rows;
  }

  // ---- charts ------------------------------------------------------------------------------------------------------

  function painted(spec) {
    const style = getComputedStyle(document.documentElement);
    const colour = (_, name) => JSON.stringify(style.getPropertyValue(`--${name}`).trim());
    return JSON.parse(JSON.stringify(spec).replace(/"@([a-z]+)"/g, colour));
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");

  async function drawn(name, rows) {
    const options = {
      renderer: "svg",
      actions: false,
      mode: "vega-lite",
      logLevel: 1, // errors only: a range without a single sale is no reason to warn of an infinite extent
    };
    const chart = await vegaEmbed(`#${name}`, { ...painted(specs[name]), datasets: { src: rows } }, options);
    // the element around it has a label in words; Vega's roles on every mark would only be noise
    $(name).querySelector("svg").setAttribute("aria-hidden", "true");
    if (name === "overview") chart.view.addSignalListener("range", (_, value) => brushed(value));
    return chart;
  }

  /** Draw a chart, or give the one that stands its new rows. */
  async function push(name, rows) {
    if (!charts[name]) {
      charts[name] = drawn(name, rows);
      await charts[name];
    } else {
      const chart = await charts[name];
      // without resize() the labels of new figures are cut off
      await chart.view.data("src", rows).resize().runAsync();
    }
  }

  async function redraw() {
    for (const name of Object.keys(charts)) {
      const chart = await charts[name];
      delete charts[name];
      chart.finalize();
    }
    await update();
  }

  // ---- the brush ---------------------------------------------------------------------------------------------------

  let brushMuted = false;
  let brushTimer = 0;

  function brushed(value) {
    if (brushMuted) return;
    clearTimeout(brushTimer);
    brushTimer = setTimeout(() => {
      const step = stepFor(view.span[1] - view.span[0]);
      const extent = value.t;
      if (!extent) return setRange(...view.span);
      const [from, to] = extent.map((ms) => Math.round(Number(ms) / HOUR_MS / step) * step);
      setRange(from, Math.max(to, from + step));
    }, 80);
  }

  async function showBrush() {
    const chart = (await charts.overview).view;
    const x = chart.scale("x");
    // half a pixel less, because a brush that touches the next bar's edge colours that bar
    const pixels = [x(view.from * HOUR_MS), x(view.to * HOUR_MS) - 0.5];
    brushMuted = true;
    await chart.signal("range_x", isWhole() ? [] : pixels).runAsync();
    brushMuted = false;
  }

  // ---- what is chosen ----------------------------------------------------------------------------------------------

  const isWhole = () => view.from === view.span[0] && view.to === view.span[1];

  function setRange(from, to) {
    const [first, end] = view.span;
    const clamped = [Math.max(from, first), Math.min(to, end)];
    [view.from, view.to] = clamped[0] < clamped[1] ? clamped : view.span;
    update();
  }

  /** After another run or venue: its span; the range is kept where it still says something. */
  function setScope(run, venue) {
    const wasWhole = isWhole();
    Object.assign(view, { run, venue });
    let first = Infinity;
    let last = -Infinity;
    for (const rows of [data.venueHours, data.receipts]) {
      for (let i = 0; i < rows.hour.length; i++) {
        if (!chosen(rows, i)) continue;
        first = Math.min(first, rows.hour[i]);
        last = Math.max(last, rows.hour[i]);
      }
    }
    view.span = [first, last + 1];
    fillVenues();
    fillPresets();
    for (const input of [$("from"), $("to")]) {
      input.min = isoDay(first);
      input.max = isoDay(last);
    }
    setRange(...(wasWhole ? view.span : [view.from, view.to]));
  }

  function option(value, text) {
    const element = document.createElement("option");
    element.value = String(value);
    element.textContent = text;
    return element;
  }

  function venuesOf(run) {
    const found = new Set();
    for (const rows of [data.venueHours, data.receipts]) {
      rows.venue.forEach((venue, i) => (run === ALL || rows.run[i] === run) && found.add(venue));
    }
    return [...found].sort((a, b) => a - b);
  }

  function fillRuns() {
    const last = new Map();
    for (const rows of [data.receipts, data.venueHours]) {
      rows.run.forEach((run, i) => last.set(run, Math.max(last.get(run) ?? 0, rows.hour[i])));
    }
    const newestFirst = [...last.keys()].sort((a, b) => last.get(b) - last.get(a) || b - a);
    const options = newestFirst.map((run) => option(run, `${data.runs[run]} (until ${dayName(last.get(run))})`));
    if (options.length > 1) options.push(option(ALL, `all ${options.length} runs`));
    $("run").replaceChildren(...options);
    $("run").value = String(view.run);
  }

  function fillVenues() {
    const venues = venuesOf(view.run);
    const options = venues.map((venue) => option(venue, data.venues[venue]));
    if (venues.length > 1) options.unshift(option(ALL, `all ${venues.length} venues`));
    $("venue").replaceChildren(...options);
    if (venues.length === 1) view.venue = venues[0];
    $("venue").value = String(view.venue);
  }

  function fillPresets() {
    const length = view.span[1] - view.span[0];
    /** @type {[string, number][]} */
    const presets = [["All", length], ["Last 24 hours", 24], ["Last 7 days", 7 * 24], ["Last 30 days", 30 * 24]];
    const buttons = presets
      .filter(([name, hours]) => name === "All" || hours < length)
      .map(([name, hours]) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name;
        button.dataset.hours = String(hours);
        button.addEventListener("click", () => setRange(view.span[1] - hours, view.span[1]));
        return button;
      });
    $("presets").replaceChildren(...buttons);
  }

  // ---- what is shown -----------------------------------------------------------------------------------------------

  function showControls(buckets) {
    $("from").value = isoDay(view.from);
    $("to").value = isoDay(view.to - 1);
    for (const button of $("presets").children) {
      const hours = Number(button.dataset.hours);
      button.setAttribute("aria-pressed", String(view.to === view.span[1] && view.from === view.span[1] - hours));
    }
    const hours = view.to - view.from;
    const loaded = [...buckets.keys()].length;
    const gaps = loaded < hours ? `, ${whole.format(loaded)} of them loaded` : "";
    $("range").textContent = `${hourName(view.from)} to ${hourName(view.to)} UTC: ${plural(hours, "hour")}${gaps}`;
  }

  function showTiles(all) {
    $("kpi-arrived").textContent = large(all.visitors_arrived);
    $("sub-arrived").textContent = `in ${plural(all.buses, "bus").replace("buss", "buses")}`;
    $("kpi-admitted").textContent = large(all.visitors_admitted);
    const share = mean(100 * all.visitors_admitted, all.visitors_arrived);
    $("sub-admitted").textContent = share === null ? "" : `${tenths.format(share)} % of those arrived`;
    $("kpi-revenue").textContent = money(all.revenue_cents);
    $("sub-revenue").textContent = `in ${plural(all.groups_served, "sale")} on site`;
    $("kpi-seller").textContent = duration(meanOf(all, "wait_in_seller_line"));
    $("sub-seller").textContent = plural(all.wait_in_seller_line_visitors, "visitor");
    $("kpi-scanner").textContent = duration(meanOf(all, "wait_in_scanner_line"));
    $("sub-scanner").textContent = plural(all.wait_in_scanner_line_visitors, "visitor");
    $("kpi-system").textContent = duration(mean(all.time_in_system_us, all.visitors_admitted));
  }

  function showAverages(all) {
    const rows = data.activities.map(({ key, label, stage }) => {
      const us = meanOf(all, key);
      const cells = document.querySelectorAll(`#averages-rows [data-activity="${key}"] td`);
      cells[0].textContent = whole.format(all[`${key}_visitors`]);
      cells[1].textContent = duration(us);
      return { label, stage, minutes: (us ?? 0) / 60e6, text: duration(us) };
    });
    const longest = Math.max(...rows.map((row) => row.minutes));
    // the longest bar's figure needs room beside it, whatever the width
    const share = 70 / Math.max(160, $("averages").clientWidth - 140);
    rows.forEach((row) => (row.room = (longest || 1) / (1 - Math.min(0.5, share))));
    describe("averages", `Average durations per visitor: ${rows.map((row) => `${row.label} ${row.text}`).join(", ")}`);
    return push("averages", rows);
  }

  /** The seconds that plans are made for: so many visitors waited less. */
  const TARGET_S = 300;

  function edgeName(seconds) {
    if (seconds < 60) return `${seconds} s`;
    return seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;
  }

  function bucketName(i) {
    const [from, to] = [data.edges[i], data.edges[i + 1]];
    if (to === undefined) return `${edgeName(from)} +`;
    if (from === 0) return `< ${edgeName(to)}`;
    const [first, last] = [edgeName(from), edgeName(to)];
    const sameUnit = first.split(" ")[1] === last.split(" ")[1];
    return `${sameUnit ? first.split(" ")[0] : first}–${last}`;
  }

  function showWaits() {
    const counts = data.stages.map(() => data.edges.map(() => 0));
    const rows = data.waits;
    for (let i = 0; i < rows.hour.length; i++) {
      if (chosen(rows, i) && within(rows.hour[i])) counts[rows.stage[i]][rows.bucket[i]] += rows.visitors[i];
    }
    const used = data.edges.map((_, i) => counts.some((count) => count[i] > 0));
    const shown = data.edges.map((_, i) => i).filter((i) => i <= used.lastIndexOf(true));
    const bars = [];
    const words = data.stages.map((stage, at) => {
      const all = counts[at].reduce((sum, count) => sum + count, 0);
      shown.forEach((i) => {
        const share = mean(counts[at][i], all) ?? 0;
        const text = `${whole.format(counts[at][i])} at the ${stage}s, ${tenths.format(100 * share)} %`;
        bars.push({ label: bucketName(i), position: i, stage, share, text });
      });
      const quick = counts[at].reduce((sum, count, i) => (data.edges[i + 1] <= TARGET_S ? sum + count : sum), 0);
      const below = all ? `: ${tenths.format((100 * quick) / all)} % below ${edgeName(TARGET_S)}` : "";
      $(`waits-${stage}`).textContent = `at the ${stage}s${below}`;
      return `at the ${stage}s${below || ", nobody"}`;
    });
    describe("waits", `Share of visitors by the length of their wait; ${words.join("; ")}`);
    return push("waits", bars);
  }

  function describe(name, text) {
    $(name).setAttribute("aria-label", text);
  }

  function showSeries() {
    const step = stepFor(view.to - view.from);
    const buckets = sums(view.from, view.to, step);
    const per = step === 1 ? "hour" : "day";
    document.querySelector('[data-unit="per"]').textContent = `per ${per}`;
    document.querySelector('[data-unit="minutes"]').textContent = `average minutes per visitor, by ${per}`;

    const visitors = series(buckets, step, (bucket) => ({
      arrived: bucket?.visitors_arrived ?? null,
      admitted: bucket?.visitors_admitted ?? null,
    }));
    const most = visitors.reduce((best, row) => (row.arrived > (best?.arrived ?? -1) ? row : best), null);
    describe("visitors", `Visitors arrived and admitted per ${per}; most arrivals: ${whole.format(most?.arrived ?? 0)} at ${most?.when}`);

    const times = series(buckets, step, (bucket) => {
      const row = {};
      for (const { key } of data.activities) {
        const us = bucket ? meanOf(bucket, key) : null;
        row[key] = us === null ? null : us / 60e6;
        row[`${key}_text`] = duration(us);
      }
      return row;
    });
    const shown = [push("visitors", visitors)];
    for (const kind of ["walk", "wait", "service"]) {
      const labels = data.activities.filter((activity) => activity.kind === kind).map((activity) => activity.label);
      describe(kind, `Average minutes by ${per}: ${labels.join(" and ")}; the averages of the range are in the table below`);
      shown.push(push(kind, times));
    }
    return Promise.all(shown);
  }

  async function showOverview() {
    const [first, end] = view.span;
    const step = stepFor(end - first);
    document.querySelector(".per").textContent = step === 1 ? "per hour" : "per day";
    const buckets = sums(first, end, step);
    const rows = [];
    for (let start = Math.floor(first / step) * step; start < end; start += step) {
      const visitors = buckets.get(start)?.visitors_arrived ?? 0;
      rows.push({ t: Math.max(start, first) * HOUR_MS, end: Math.min(start + step, end) * HOUR_MS, v: visitors });
    }
    await push("overview", rows);
    await showBrush();
  }

  // ---- receipts ----------------------------------------------------------------------------------------------------

  const countIn = (keep) => {
    const counts = { proved: 0, counted: 0, unproved: 0, wrong: 0 };
    data.receipts.hour.forEach((_, i) => keep(data.receipts, i) && (counts.proved += data.receipts.proved[i]));
    data.receipts.hour.forEach((_, i) => keep(data.receipts, i) && (counts.counted += data.receipts.counted[i]));
    for (const receipt of data.offending) {
      const row = { run: [receipt.run], venue: [receipt.venue], hour: [receipt.hour] };
      if (keep(row, 0)) counts[receipt.state] += 1;
    }
    return counts;
  };

  const everything = countIn(() => true);

  /** Receipts and figures, the wrong ones first. */
  const notProved = [...data.offending, ...data.figures.problems].sort(
    (one, other) => Number(other.state === "wrong") - Number(one.state === "wrong"),
  );

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `#icon-${name}`);
    svg.append(use);
    return svg;
  }

  function element(tag, text, className = "") {
    const created = document.createElement(tag);
    created.textContent = text;
    created.className = className;
    return created;
  }

  /** The verdict on the whole warehouse: filters must not be able to hide a difference. */
  function showBadge() {
    const { proved, counted, unproved, wrong } = everything;
    const figures = data.figures;
    const any = { proved, counted: counted + figures.counted, unproved: unproved + figures.unproved, wrong: wrong + figures.wrong };
    const state = ["wrong", "unproved", "counted", "proved"].find((name) => any[name]) ?? "unchecked";
    const differs = (count, what, from) => `${plural(count, what)} ${count === 1 ? "differs" : "differ"} from ${from}`;
    const verdicts = {
      wrong: wrong ? differs(wrong, "receipt", "the warehouse") : differs(figures.wrong, "figure", "the receipts"),
      unproved: unproved ? "Some hours have no receipt" : "Some hours stand in no mart yet",
      counted: "Hours equal receipts in number and duration",
      proved: "Every hour equals its receipts",
      unchecked: "No hour has been checked yet",
    };
    const text = element("span", "");
    const found = `${whole.format(proved)} proved, ${counted ? `${whole.format(counted)} counted, ` : ""}`;
    const counts = `${found}${whole.format(unproved)} unproved, ${whole.format(wrong)} wrong`;
    text.append(element("strong", verdicts[state]), element("small", counts));
    if (figures.proved || figures.wrong) {
      text.append(element("small", `figures: ${whole.format(figures.proved)} proved, ${whole.format(figures.wrong)} wrong`));
    }
    $("badge").className = `badge ${state}`;
    $("badge").dataset.verdict = state;
    $("badge").href = notProved.length ? "#offending" : "#receipts";
    $("badge").replaceChildren(icon(state), text);
  }

  function showOffending() {
    if (!notProved.length) return;
    const shown = notProved.slice(0, MOST_ROWS_IN_TABLE);
    const scroll = element("div", "", "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Receipts and figures that are not proved");
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const name of ["State", "Run", "Venue", "Hour (UTC)", "Event type or figure", "Difference"]) {
      const cell = element("th", name);
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    for (const receipt of shown) {
      const row = body.insertRow();
      const state = element("span", "", `state ${receipt.state}`);
      state.append(icon(receipt.state), receipt.state);
      row.insertCell().append(state);
      row.append(
        element("td", data.runs[receipt.run], "id"),
        element("td", data.venues[receipt.venue], "id"),
        element("td", hourName(receipt.hour), "when"),
        element("td", receipt.type),
        element("td", receipt.difference ?? ""),
      );
    }
    scroll.append(table);
    const left = notProved.length - shown.length;
    const more = left ? `, the first ${shown.length} of ${whole.format(notProved.length)}; ticketsim reconcile lists all` : "";
    $("offending").append(scroll);
    $("offending").hidden = false;
    document.querySelector("#offending .hint").textContent = `in all runs and hours${more}`;
  }

  function showStates() {
    const here = countIn((rows, i) => chosen(rows, i) && within(rows.hour[i]));
    for (const state of ["proved", "counted", "unproved", "wrong"]) {
      const cells = document.querySelectorAll(`[data-state-row="${state}"] td`);
      cells[0].textContent = whole.format(here[state]);
      cells[1].textContent = whole.format(everything[state]);
      cells[2].textContent = whole.format(data.figures[state]);
    }
  }

  // ---- the page ----------------------------------------------------------------------------------------------------

  let updates = 0;

  async function update() {
    const mine = ++updates;
    document.documentElement.dataset.state = "busy";
    const hourly = sums(view.from, view.to, 1);
    const all = total(hourly);
    showControls(hourly);
    showTiles(all);
    showStates();
    await Promise.all([showAverages(all), showWaits(), showSeries(), showOverview()]);
    if (mine === updates) document.documentElement.dataset.state = "ready";
  }

  function dateChanged(changed) {
    const [from, to] = [$("from"), $("to")];
    // a year that is being typed is out of range at first: wait until the field is left
    if (!changed.value || changed.validity.rangeUnderflow || changed.validity.rangeOverflow) return;
    const hours = [from, to].map((input) => Date.parse(input.value) / HOUR_MS);
    if (hours[0] > hours[1]) hours.fill(Date.parse(changed.value) / HOUR_MS);
    setRange(hours[0], hours[1] + 24);
  }

  function start() {
    fillRuns();
    showBadge();
    showOffending();
    setScope(view.run, view.venue);

    $("run").addEventListener("change", (event) => {
      const run = Number(event.target.value);
      setScope(run, venuesOf(run).includes(view.venue) && view.venue !== ALL ? view.venue : ALL);
    });
    $("venue").addEventListener("change", (event) => setScope(view.run, Number(event.target.value)));
    for (const input of [$("from"), $("to")]) {
      input.addEventListener("change", () => dateChanged(input));
      input.addEventListener("blur", () => {
        $("from").value = isoDay(view.from);
        $("to").value = isoDay(view.to - 1);
      });
    }
    dark.addEventListener("change", redraw);
    let resized = 0;
    addEventListener("resize", () => {
      clearTimeout(resized);
      resized = setTimeout(update, 150);
    });
  }

  start();
})();
