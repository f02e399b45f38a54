import { addressOf } from "./address.js";
import { ask } from "./api.js";
import { bars, KINDS_MAX, stackedBars } from "./bars.js";
import { element, put, quiet, tableOf, visible } from "./elements.js";
import { live } from "./live.js";
import { bytes, count, duration, rate, time } from "./numbers.js";
import { damage, problems, showLake, stateOf } from "./overview.js";
import { isSpan, spanLinks, timeLines } from "./stream_times.js";

const BATCHES = 60;
const UPKEEP_ROWS = 20;
/** As the steps of a batch follow each other; others come after these. */
const STEPS = ["discover", "plan", "route", "place", "commitEvents", "commitDeadLetters", "commitLedger"];

/** One target, as it goes on, unless its address asks for older batches or a span of time. */
export async function showStream(page, parameters, signal) {
  const target = parameters.get("target") ?? "";
  const before = parameters.get("before") ?? undefined;
  const span = parameters.get("span");
  if (isSpan(span)) return await showSpan(page, target, span, signal);
  const upkeep = await upkeepRows(target, signal);
  if (before === undefined) {
    return await live({ target }, signal, ({ overview, batches }) => {
      if (batches !== undefined) put(page, draw(overview, batches, upkeep, true));
    });
  }
  const overview = await ask("overview", {}, { signal });
  const batches = await ask("batches", { target, limit: BATCHES, before }, { signal });
  put(page, draw(overview, batches, upkeep, false));
}

async function showSpan(page, target, span, signal) {
  const [overview, lines] = await Promise.all([
    ask("overview", {}, { signal }),
    timeLines(target, span, signal),
  ]);
  showLake(overview);
  put(
    page,
    element("h1", {}, `Stream ${visible(target)}`),
    damage(overview),
    links(target),
    element("h2", {}, "Over time"),
    spanLinks(target, span),
    lines,
  );
}

function draw(overview, { target, batches }, upkeep, isNow) {
  const status = overview.targets.find((each) => each.target === target);
  showLake(overview);
  return [
    element("h1", {}, `Stream ${visible(target)}`),
    damage(overview),
    status === undefined || !isNow ? null : [now(status), problems([status])],
    links(target),
    batchList(target, batches, isNow),
    status === undefined ? null : letterList(status),
    upkeepList(upkeep),
  ];
}

function now(status) {
  return element(
    "dl",
    { class: "facts" },
    [
      ["State", stateOf(status)],
      ["Events per second, the last minute", rate(status.eventsPerSecond)],
      ["Lag", duration(status.lagMs)],
      ["Files wait", count(status.waitingFiles)],
      ["Bytes wait", bytes(status.waitingBytes)],
      ["Files land in", visible(status.raw ?? "–")],
    ].map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

function links(target) {
  return element(
    "nav",
    { class: "row", "aria-label": "Of this stream" },
    element("a", { href: addressOf("/files", { target }) }, "Its files"),
    element("a", { href: addressOf("/contract", { target }) }, "Its contract"),
    element("a", { href: addressOf("/tables", { table: target }) }, "Its table"),
  );
}

function batchList(target, batches, isNow) {
  const heading = element("h2", {}, `Batches of ${visible(target)}`);
  if (batches.length === 0) return [heading, quiet("Nothing was ingested yet.")];
  const oldest = batches.at(-1).batchId;
  return [
    heading,
    spanLinks(target, undefined),
    charts([...batches].reverse()),
    batchTable(target, batches),
    element(
      "div",
      { class: "row" },
      isNow ? null : element("a", { href: addressOf("/stream", { target }) }, "Newest"),
      oldest > 1 ? element("a", { href: addressOf("/stream", { target, before: oldest }) }, "Older") : null,
    ),
  ];
}

/** The oldest first. */
function charts(batches) {
  const rates = batches.map(({ eventsPerSecond }) => eventsPerSecond);
  const lags = batches.map(({ lagMs }) => lagMs);
  const delays = batches.map(({ plannedAt, committedAt }) =>
    plannedAt === null ? null : Date.parse(committedAt) - Date.parse(plannedAt)
  );
  const steps = batches.map(({ seconds }) => seconds);
  const fates = batches.map(({ events, deadLetters, duplicates, superseded }) => ({
    events,
    "dead letters": deadLetters,
    repeats: duplicates,
    superseded: superseded ?? 0,
  }));
  const reasons = batches.map(({ deadLettersByReason, deadLetters }) =>
    deadLettersByReason ?? (deadLetters > 0 ? { unknown: deadLetters } : {})
  );
  return [
    bars(rates, `Events per second, batch by batch; at most ${rate(largest(rates))}`),
    bars(lags, `Lag, batch by batch: for how long its oldest file had waited; at most ${duration(largest(lags))}`),
    bars(delays, `From plan to commit, batch by batch; at most ${duration(largest(delays))}`),
    stackedBars(fates, "What became of the records, batch by batch", fatesIn(fates)),
    stackedBars(steps, "Seconds by step, batch by batch; steps overlap", kindsOf(steps, STEPS)),
    stackedBars(reasons, "Dead letters by reason, batch by batch", kindsOf(reasons, [])),
  ];
}

/** Undefined where none is known. */
function largest(values) {
  return values.reduce((most, value) => value === null || value < (most ?? 0) ? most : value, undefined);
}

/** Events and dead letters, and the others where there are any. */
function fatesIn(columns) {
  return ["events", "dead letters", "repeats", "superseded"].filter((fate, index) =>
    index < 2 || columns.some((column) => column[fate] > 0)
  );
}

/** Those that are there, the known ones first. */
function kindsOf(columns, known) {
  const found = new Set(columns.flatMap((column) => Object.keys(column ?? {})));
  return [...known.filter((kind) => found.delete(kind)), ...[...found].sort()].slice(0, KINDS_MAX);
}

function batchTable(target, batches) {
  return tableOf("The newest first", [
    { name: "Committed", show: ({ committedAt }) => time(committedAt) },
    {
      name: "Batch",
      isNumber: true,
      show: ({ batchId }) =>
        element(
          "a",
          { href: addressOf("/files", { target, batch: batchId }), "data-key": `batch ${batchId}` },
          count(batchId),
        ),
    },
    { name: "Lag", isNumber: true, show: ({ lagMs }) => duration(lagMs) },
    { name: "Files", isNumber: true, show: ({ files }) => count(files) },
    { name: "Bytes", isNumber: true, show: (batch) => bytes(batch.bytes) },
    { name: "Records", isNumber: true, show: ({ records }) => count(records) },
    { name: "Events", isNumber: true, show: ({ events }) => count(events) },
    { name: "Dead letters", isNumber: true, show: ({ deadLetters }) => count(deadLetters) },
    { name: "Repeats", isNumber: true, show: ({ duplicates }) => count(duplicates) },
    { name: "Superseded", isNumber: true, show: ({ superseded }) => count(superseded) },
    { name: "Letters judged again", isNumber: true, show: ({ replayed }) => count(replayed) },
    { name: "Files ingested again", isNumber: true, show: ({ reingested }) => count(reingested) },
    { name: "Events/s", isNumber: true, show: ({ eventsPerSecond }) => rate(eventsPerSecond) },
    { name: "Seconds by step", show: ({ seconds }) => secondsText(seconds) },
  ], batches);
}

function secondsText(seconds) {
  if (seconds === null) return "–";
  const known = [
    ...STEPS.filter((step) => step in seconds),
    ...Object.keys(seconds).filter((it) => !STEPS.includes(it)),
  ];
  return known.map((step) => `${visible(step)} ${seconds[step].toFixed(2)}`).join(", ");
}

function letterList({ deadLetters, deadLetterTable }) {
  const reasons = Object.entries(deadLetters).sort(([, a], [, b]) => b - a);
  const heading = element("h2", {}, "Dead letters by reason");
  if (reasons.length === 0) return [heading, quiet("There are none.")];
  return [
    heading,
    tableOf(`In ${visible(deadLetterTable)}, counted once a minute`, [
      {
        name: "Reason",
        show: ([reason]) => {
          const href = addressOf("/letters", { table: deadLetterTable, reason });
          return element("a", { href, "data-key": `reason ${reason}` }, visible(reason));
        },
      },
      { name: "Letters", isNumber: true, show: ([, letters]) => count(letters) },
    ], reasons),
  ];
}

/** What upkeep did to the target's table, as of when the page was opened. */
async function upkeepRows(table, signal) {
  return (await ask("upkeep/history", { table, limit: UPKEEP_ROWS }, { signal })).pieces;
}

function upkeepList(rows) {
  const heading = element("h2", {}, "Upkeep");
  if (rows.length === 0) return [heading, quiet("None was done yet, or none was due.")];
  return [
    heading,
    tableOf("Of its table, the newest first", [
      { name: "Began", show: ({ startedAt }) => time(startedAt) },
      { name: "What", show: ({ action }) => visible(action) },
      { name: "Outcome", show: ({ outcome }) => visible(outcome) },
      {
        name: "Took",
        isNumber: true,
        show: ({ startedAt, endedAt }) => duration(Date.parse(endedAt) - Date.parse(startedAt)),
      },
      { name: "Figures", show: ({ detail, done }) => visible(detail ?? figuresText(done)) },
    ], rows),
  ];
}

function figuresText(figures) {
  const texts = Object.entries(figures).map(([name, value]) => `${name} ${count(value)}`);
  return texts.length === 0 ? "–" : texts.join(", ");
}
