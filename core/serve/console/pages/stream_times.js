import { addressOf } from "./address.js";
import { ask } from "./api.js";
import { bars, stackedBars } from "./bars.js";
import { element, quiet, tableOf } from "./elements.js";
import { bytes, count, duration, time } from "./numbers.js";

/** By the name that stands in the address; without one the page goes on batch by batch. */
const SPANS = {
  "1h": { by: "minute", last: 60, text: "An hour" },
  "24h": { by: "hour", last: 24, text: "24 hours" },
  "7d": { by: "hour", last: 168, text: "7 days" },
  "30d": { by: "day", last: 30, text: "30 days" },
};
const NAMES = { minute: "Minute", hour: "Hour", day: "Day" };
const FATES = ["events", "dead letters", "repeats", "superseded"];

/** Whether an address asks for a span of time. */
export function isSpan(span) {
  return Object.hasOwn(SPANS, span ?? "");
}

/** To each span of a target's time, and to its batches; `chosen` is where the page is. */
export function spanLinks(target, chosen) {
  const links = [[undefined, "Batch by batch"], ...Object.entries(SPANS).map(([span, { text }]) => [span, text])];
  return element(
    "nav",
    { class: "row", "aria-label": "How far back" },
    links.map(([span, text]) =>
      element("a", { href: addressOf("/stream", { target, span }), "aria-current": span === chosen && "true" }, text)
    ),
  );
}

/** What a target's batches came to, period by period of a span. */
export async function timeLines(target, span, signal) {
  const { by, last } = SPANS[span];
  const { periods } = await ask("batches/over-time", { target, by, last }, { signal });
  const filled = periods.filter(({ batches }) => batches > 0).reverse();
  if (filled.length === 0) return quiet("Nothing was ingested in that time.");
  const each = `${by} by ${by}, the newest on the right`;
  const lags = periods.map(({ lagMs }) => lagMs);
  const longest = Math.max(...lags);
  const columns = periods.map(fatesOf);
  const fates = FATES.filter((fate, index) => index < 2 || columns.some((column) => column[fate] > 0));
  const known = lags.some((lag) => lag !== null) ? `; at most ${duration(longest)}` : "";
  return [
    bars(lags, `Lag, ${each}: for how long a file had waited when its batch was committed${known}`),
    stackedBars(columns, `What became of the records, ${each}`, fates),
    bars(periods.map(({ batches }) => batches), `Batches, ${each}`),
    element("details", {}, element("summary", {}, "As a table"), periodTable(by, filled)),
  ];
}

function fatesOf({ events, deadLetters, duplicates, superseded }) {
  return { events, "dead letters": deadLetters, repeats: duplicates, superseded: superseded ?? 0 };
}

function periodTable(by, periods) {
  const number = (name, show) => ({ name, isNumber: true, show });
  return tableOf(`The newest first; ${by}s without batches are left out`, [
    { name: NAMES[by], show: ({ at }) => by === "day" ? at.slice(0, 10) : time(at) },
    number("Lag", ({ lagMs }) => duration(lagMs)),
    number("Batches", ({ batches }) => count(batches)),
    number("Files", ({ files }) => count(files)),
    number("Bytes", (period) => bytes(period.bytes)),
    number("Records", ({ records }) => count(records)),
    number("Events", ({ events }) => count(events)),
    number("Dead letters", ({ deadLetters }) => count(deadLetters)),
    number("Repeats", ({ duplicates }) => count(duplicates)),
    number("Superseded", ({ superseded }) => count(superseded)),
  ], periods);
}
