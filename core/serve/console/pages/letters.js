import { addressOf } from "./address.js";
import { ask, download } from "./api.js";
import { element, problem, put, quiet, tableOf, visible } from "./elements.js";
import { placeIn } from "./json_place.js";
import { replayer } from "./letter_replay.js";
import { overTime, spanOf } from "./letter_times.js";
import { bytes, count, time } from "./numbers.js";

const PAGE_LETTERS = 50;

/** Over time, and by reason and place; then letters of one of these; then one letter whole. */
export async function showLetters(page, parameters, signal) {
  const state = Object.fromEntries(parameters);
  if (state.file !== undefined) return await showLetter(page, state, signal);
  const { tables, allowsUpkeep } = await ask("tables", {}, { signal });
  const names = tables.map(({ table }) => table).filter((table) => table.startsWith("dead_letters."));
  const table = state.table ?? names[0];
  if (table === undefined) {
    put(page, element("h1", {}, "Dead letters"), quiet("There are none: no stream has refused a record yet."));
    return;
  }
  const { reason, place, from, to } = state;
  const { by, last } = spanOf(state);
  const offset = Number(state.offset ?? 0);
  const [{ groups }, times, listed] = await Promise.all([
    ask("letters/reasons", { table, from, to }, { signal }),
    ask("letters/over-time", { table, reason, place, by, last }, { signal }),
    ask("letters", { table, reason, place, from, to, limit: PAGE_LETTERS, offset }, { signal }),
  ]);
  const isEmpty = groups.length === 0 && from === undefined && to === undefined;
  put(
    page,
    element("h1", {}, "Dead letters"),
    choice(names, table),
    isEmpty ? quiet(`${visible(table)} holds none.`) : [
      overTime({ ...state, table }, times),
      groupTable(state, table, groups),
      list(state, table, listed, offset),
      listed.letters.length === 0 ? null : replayer({ table, reason, place, from, to }, allowsUpkeep, signal),
    ],
  );
}

function choice(names, chosen) {
  if (names.length < 2) return null;
  const links = names.map((table) =>
    element("a", { href: addressOf("/letters", { table }), "aria-current": table === chosen && "true" }, visible(table))
  );
  return element("nav", { class: "row", "aria-label": "Tables of dead letters" }, links);
}

function groupTable({ span, from, to }, table, groups) {
  const heading = element("h2", {}, `By reason and place${spanText({ from, to })}`);
  if (groups.length === 0) return [heading, quiet("None came in that time.")];
  const rows = tableOf("The most frequent first", [
    {
      name: "Reason",
      show: ({ reason, place }) =>
        element("a", { href: addressOf("/letters", { table, span, from, to, reason, place }) }, visible(reason)),
    },
    { name: "Place", show: ({ place }) => place === "" ? "–" : element("code", {}, visible(place)) },
    { name: "Letters", isNumber: true, show: (group) => count(group.count) },
    { name: "Last", show: ({ lastAt }) => time(lastAt) },
    { name: "For example", show: ({ exampleDetail }) => visible(exampleDetail ?? "–") },
  ], groups);
  return [heading, rows];
}

function spanText({ from, to }) {
  if (from === undefined && to === undefined) return "";
  return `, ${from === undefined ? "" : `from ${visible(from)} `}${to === undefined ? "" : `to ${visible(to)}`}`
    .trimEnd();
}

function list(state, table, { letters, hasMore }, offset) {
  const { reason, place, from, to } = state;
  const group = reason === undefined ? "All" : `${visible(reason)}${place ? ` at ${visible(place)}` : ""}`;
  const isWhole = [reason, place, from, to].every((each) => each === undefined);
  const turn = (to, name) => element("a", { href: addressOf("/letters", { ...state, table, offset: to }) }, name);
  return [
    element("h2", {}, `Letters: ${group}${spanText(state)}`),
    isWhole
      ? null
      : element("p", {}, element("a", { href: addressOf("/letters", { table, span: state.span }) }, "Show all")),
    letters.length === 0 ? quiet("There are none of these.") : tableOf("The newest first", [
      {
        name: "Ingested",
        show: ({ sourceFile, sourcePosition, batchId, ingestedAt }) => {
          const one = { table, file: sourceFile, position: sourcePosition, batch: batchId };
          return element("a", { href: addressOf("/letters", one) }, time(ingestedAt));
        },
      },
      { name: "Why", show: (letter) => visible(letter.detail ?? letter.reason) },
      {
        name: "Record",
        show: ({ record, isCut }) => element("code", {}, visible(record ?? "–"), isCut ? " …" : ""),
      },
      { name: "File", show: ({ sourceFile }) => visible(sourceFile) },
      { name: "Position", isNumber: true, show: ({ sourcePosition }) => count(sourcePosition) },
    ], letters),
    element(
      "div",
      { class: "row" },
      offset > 0 ? turn(Math.max(0, offset - PAGE_LETTERS) || undefined, "Newer") : null,
      hasMore ? turn(offset + PAGE_LETTERS, "Older") : null,
      letters.length === 0 ? null : exporter({ table, reason, place, from, to }),
    ),
  ];
}

function exporter(question) {
  const said = element("span", { role: "status", class: "quiet" });
  const run = async () => {
    put(said, "Exporting …");
    try {
      await download("letters/export", question, `${question.table}.ndjson`);
      put(said, "Exported.");
    } catch (error) {
      put(said, problem(error));
    }
  };
  return [element("button", { type: "button", id: "export", click: run }, "Export these as NDJSON"), said];
}

async function showLetter(page, { table, file, position, batch }, signal) {
  const letter = await ask("letter", { table, file, position, batch }, { signal });
  const { source, ledger } = letter;
  const rows = [
    ["File", visible(source.file)],
    ["Position in it", source.position === null ? "the whole file" : count(source.position)],
    ["Batch", count(source.batchId)],
    ["Ingested", visible(letter.ingestedAt ?? "–")],
    ...ledger === null ? [] : [
      ["Stream", visible(ledger.target)],
      ["Size of the file", bytes(ledger.bytes)],
      ["Records in the file", count(ledger.records)],
      ["of these dead letters", count(ledger.deadLetters)],
      ["State of the file", visible(ledger.status)],
    ],
  ];
  put(
    page,
    element("h1", {}, `Dead letter: ${visible(letter.reason ?? "?")}`),
    element(
      "nav",
      { class: "row", "aria-label": "Letters" },
      element(
        "a",
        { href: addressOf("/letters", { table, reason: letter.reason, place: letter.place }) },
        "Letters like it",
      ),
      element("a", { href: addressOf("/letters", { table }) }, "All letters"),
      element("a", { href: addressOf("/files", { find: source.file }) }, "Its file"),
    ),
    element("div", { class: "notice" }, visible(letter.detail ?? "There is no detail.")),
    element("h2", {}, "Record"),
    letter.record === null ? quiet("It was not kept: the file is the record.") : element(
      "pre",
      { tabindex: 0, role: "region", "aria-label": "The record's text" },
      marked(letter),
    ),
    letter.isCut ? quiet("Only its first million letters are shown; SQL gives the rest.") : null,
    element("h2", {}, "Where it comes from"),
    tableOf(
      "Its source",
      [{ name: "What", show: ([name]) => name }, { name: "Value", show: ([, value]) => value }],
      rows,
    ),
    element("h2", {}, "What could be read of it"),
    parsedTable(letter.parsed),
  );
}

/** The record's text with the faulty place marked. */
function marked({ record, place: pointer }) {
  const place = pointer === "" ? undefined : placeIn(record, pointer);
  if (place === undefined) return visible(record);
  const { from, to } = place;
  return [
    visible(record.slice(0, from)),
    element("mark", {}, element("span", { class: "unseen" }, "Faulty from here: "), visible(record.slice(from, to))),
    visible(record.slice(to)),
  ];
}

function parsedTable(parsed) {
  const read = parsed.filter(({ value }) => value !== null);
  if (read.length === 0) return quiet("No column of the contract could be read.");
  return tableOf("Columns of the contract", [
    { name: "Column", show: ({ name }) => visible(name) },
    { name: "Type", show: ({ type }) => visible(type) },
    { name: "Value", show: ({ value }) => visible(value) },
  ], read);
}
