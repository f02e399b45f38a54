import { addressOf } from "./address.js";
import { element, put, quiet, tableOf, visible } from "./elements.js";
import { live } from "./live.js";
import { bytes, count, duration, rate, share } from "./numbers.js";

/** Every target; goes on by itself. */
export function showOverview(page, _parameters, signal) {
  return live({}, signal, ({ overview }) => {
    showLake(overview);
    put(page, element("h1", {}, "Streams"), draw(overview));
  });
}

export function showLake({ lake }) {
  document.getElementById("lake").textContent = visible(lake);
}

function draw(overview) {
  const { targets, at } = overview;
  if (targets.length === 0) return [damage(overview), quiet("No stream yet. Start one with: streamlab consume")];
  return [damage(overview), targetTable(targets, at), problems(targets)];
}

/** Of the lake, and of tables whose metadata cannot be read; nothing where there is none. */
export function damage({ isReadable, at, unreadableTables }) {
  const alert = (...text) => element("div", { class: "notice", role: "alert" }, text);
  return [
    isReadable ? null : alert(`The lake cannot be read now; the server's log says why. What follows is as of ${at}.`),
    unreadableTables.map(({ table, problem }) =>
      alert(element("strong", {}, `${visible(table)} cannot be read: `), visible(problem))
    ),
  ];
}

function targetTable(targets, at) {
  const age = (iso) => iso === undefined ? null : Date.parse(at) - Date.parse(iso);
  return tableOf("Streams, and what waits for them", [
    {
      name: "Stream",
      show: ({ target }) =>
        element("a", { href: addressOf("/stream", { target }), "data-key": `target ${target}` }, visible(target)),
    },
    { name: "State", show: stateOf },
    { name: "Events/s", isNumber: true, show: ({ eventsPerSecond }) => rate(eventsPerSecond) },
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
export function stateOf({ plan, waitingFiles, lagMs }) {
  if (lagMs === null) return element("span", { class: "bad" }, "lag unknown");
  if (plan !== null && plan.failures > 0) return element("span", { class: "bad" }, "stuck");
  if (plan !== null) return "batch under way";
  return waitingFiles === 0 ? element("span", { class: "good" }, "nothing waits") : "files wait";
}

export function problems(targets) {
  return targets.flatMap(({ target, problem, plan }) => {
    const texts = [problem, plan?.lastError].filter((text) => typeof text === "string");
    return texts.map((text) =>
      element("div", { class: "notice" }, element("strong", {}, `${visible(target)}: `), visible(text))
    );
  });
}
