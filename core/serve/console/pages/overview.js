import { addressOf } from "./address.js";
import { ask } from "./api.js";
import { bars } from "./bars.js";
import { element, put, quiet, tableOf, visible } from "./elements.js";
import { bytes, count, duration, rate, share, time } from "./numbers.js";

const REFRESH_MS = 2_000;
const BATCHES = 60;

/** Every target, and the batches of the one that is chosen; both go on by themselves. */
export async function showOverview(page, parameters, signal) {
  let drawn = "";
  while (!signal.aborted) {
    const overview = await ask("overview", {}, { signal });
    const chosen = overview.targets.find(({ target }) => target === parameters.get("target")) ?? overview.targets[0];
    const { batches } = chosen === undefined
      ? { batches: [] }
      : await ask("batches", { target: chosen.target, limit: BATCHES }, { signal });
    document.getElementById("lake").textContent = visible(overview.lake);
    const now = JSON.stringify([overview, batches]);
    if (now !== drawn) put(page, element("h1", {}, "Streams"), draw(overview, chosen, batches));
    drawn = now;
    await pause(signal);
  }
}

/** A hidden page asks for nothing. */
function pause(signal) {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible" || signal.aborted) done();
    }, REFRESH_MS);
    const done = () => {
      clearInterval(timer);
      resolve();
    };
    signal.addEventListener("abort", done, { once: true });
  });
}

function draw(overview, chosen, batches) {
  const { targets, isReadable, at } = overview;
  const damage = isReadable ? null : element(
    "div",
    { class: "notice", role: "alert" },
    `The lake cannot be read now; the server's log says why. What follows is as of ${time(overview.lookedAt)}.`,
  );
  if (targets.length === 0) return [damage, quiet("No stream yet. Start one with: streamlab consume")];
  return [damage, targetTable(targets, at), problems(targets), batchList(chosen, batches), letterList(chosen)];
}

function targetTable(targets, at) {
  const age = (iso) => iso === undefined ? null : Date.parse(at) - Date.parse(iso);
  return tableOf("Streams, and what waits for them", [
    {
      name: "Stream",
      show: ({ target }) =>
        element("a", { href: addressOf("/", { target }), "data-key": `target ${target}` }, visible(target)),
    },
    { name: "State", show: stateOf },
    { name: "Lag", isNumber: true, show: ({ lagMs }) => duration(lagMs) },
    { name: "Files wait", isNumber: true, show: ({ waitingFiles }) => count(waitingFiles) },
    { name: "Bytes wait", isNumber: true, show: ({ waitingBytes }) => bytes(waitingBytes) },
    { name: "Last batch", isNumber: true, show: ({ lastBatch }) => count(lastBatch?.batchId) },
    { name: "Ago", isNumber: true, show: ({ lastBatch }) => duration(age(lastBatch?.ingestedAt)) },
    { name: "Events in it", isNumber: true, show: ({ lastBatch }) => count(lastBatch?.events) },
    {
      name: "Letters in it",
      isNumber: true,
      show: ({ lastBatch }) => lastBatch === null ? "–" : share(lastBatch.deadLetters, lastBatch.records),
    },
  ], targets);
}

/** In words, for colours alone are not seen by everybody. */
function stateOf({ plan, waitingFiles, lagMs }) {
  if (lagMs === null) return element("span", { class: "bad" }, "lag unknown");
  if (plan !== null && plan.failures > 0) return element("span", { class: "bad" }, "stuck");
  if (plan !== null) return "batch under way";
  return waitingFiles === 0 ? element("span", { class: "good" }, "nothing waits") : "files wait";
}

function problems(targets) {
  return targets.flatMap(({ target, problem, plan }) => {
    const texts = [problem, plan?.lastError].filter((text) => typeof text === "string");
    return texts.map((text) =>
      element("div", { class: "notice" }, element("strong", {}, `${visible(target)}: `), visible(text))
    );
  });
}

function batchList({ target }, batches) {
  const heading = element("h2", {}, `Batches of ${visible(target)}`);
  if (batches.length === 0) return [heading, quiet("Nothing was ingested yet.")];
  const rates = batches.map(({ eventsPerSecond }) => eventsPerSecond ?? 0).reverse();
  const highest = rate(Math.max(...rates));
  return [
    heading,
    bars(rates, `Events per second, batch by batch; at most ${highest}`),
    tableOf("The newest first", [
      { name: "Ingested", show: ({ ingestedAt }) => time(ingestedAt) },
      { name: "Batch", isNumber: true, show: ({ batchId }) => count(batchId) },
      { name: "Files", isNumber: true, show: ({ files }) => count(files) },
      { name: "Bytes", isNumber: true, show: (batch) => bytes(batch.bytes) },
      { name: "Records", isNumber: true, show: ({ records }) => count(records) },
      { name: "Events", isNumber: true, show: ({ events }) => count(events) },
      { name: "Dead letters", isNumber: true, show: ({ deadLetters }) => count(deadLetters) },
      { name: "Duplicates", isNumber: true, show: ({ duplicates }) => count(duplicates) },
      { name: "Events/s", isNumber: true, show: ({ eventsPerSecond }) => rate(eventsPerSecond) },
    ], batches),
  ];
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
