import { addressOf, goTo } from "./address.js";
import { ask } from "./api.js";
import { element, put, quiet, tableOf, visible } from "./elements.js";
import { bytes, count, time } from "./numbers.js";

const PAGE_FILES = 50;

/** The ledger: which file came in which batch, and what became of its records. */
export async function showFiles(page, parameters, signal) {
  const state = Object.fromEntries(parameters);
  const offset = Number(state.offset ?? 0);
  const found = await ask("files", { ...state, limit: PAGE_FILES, offset }, { signal });
  put(
    page,
    element("h1", {}, "Files"),
    finder(state),
    chosen(state),
    found.files.length === 0 ? quiet(emptyText(state)) : list(found.files),
    element(
      "div",
      { class: "row" },
      offset > 0 ? turn(state, Math.max(0, offset - PAGE_FILES) || undefined, "Newer") : null,
      found.hasMore ? turn(state, offset + PAGE_FILES, "Older") : null,
    ),
  );
}

function finder(state) {
  const input = element("input", { id: "find", type: "search", value: state.find ?? "" });
  const submit = (event) => {
    event.preventDefault();
    goTo(addressOf("/files", { ...state, offset: undefined, find: input.value || undefined }));
  };
  return element(
    "form",
    { submit, role: "search" },
    element("label", { for: "find" }, "Part of a file's name"),
    input,
    element("div", { class: "row" }, element("button", {}, "Find")),
  );
}

function chosen({ target, batch, status }) {
  const facts = [["stream", target], ["batch", batch], ["state", status]].filter(([, value]) => value !== undefined);
  if (facts.length === 0) return null;
  return element(
    "p",
    {},
    `Of ${facts.map(([name, value]) => `${name} ${visible(value)}`).join(", ")}. `,
    element("a", { href: "/files" }, "Show all"),
  );
}

function emptyText({ find, target, batch, status }) {
  return [find, target, batch, status].every((each) => each === undefined)
    ? "No file was ingested yet."
    : "The ledger has no such file.";
}

function turn(state, offset, name) {
  return element("a", { href: addressOf("/files", { ...state, offset }) }, name);
}

function list(files) {
  return tableOf("The newest first", [
    { name: "File", show: ({ sourceFile }) => visible(sourceFile) },
    { name: "State", show: ({ status }) => visible(status) },
    {
      name: "Stream",
      show: ({ target }) => element("a", { href: addressOf("/stream", { target }) }, visible(target)),
    },
    {
      name: "Batch",
      isNumber: true,
      show: ({ target, batchId }) =>
        element("a", { href: addressOf("/files", { target, batch: batchId }) }, count(batchId)),
    },
    { name: "Ingested", show: ({ ingestedAt }) => time(ingestedAt) },
    { name: "Size", isNumber: true, show: (file) => bytes(file.bytes) },
    { name: "Records", isNumber: true, show: ({ records }) => count(records) },
    {
      name: "Events",
      isNumber: true,
      show: (file) => file.events === 0 ? "0" : element("a", { href: rowsOf(file, file.target) }, count(file.events)),
    },
    {
      name: "Dead letters",
      isNumber: true,
      show: (file) =>
        file.deadLetters < 0
          ? `${count(-file.deadLetters)} fewer`
          : file.deadLetters === 0 || file.deadLetterTable === null
          ? count(file.deadLetters)
          : element("a", { href: rowsOf(file, file.deadLetterTable) }, count(file.deadLetters)),
    },
    { name: "Repeats", isNumber: true, show: ({ duplicates }) => count(duplicates) },
    { name: "Superseded", isNumber: true, show: ({ superseded }) => count(superseded) },
  ], files);
}

/** The file's rows, as a question. */
function rowsOf({ sourceFile, batchId }, table) {
  const name = table.split(".").map((part) => `"${part.replaceAll('"', '""')}"`).join(".");
  const file = sourceFile.replaceAll("'", "''");
  const q = `select * from ${name} where _source_file = '${file}' and _batch_id = ${batchId} order by _source_position`;
  return addressOf("/sql", { q });
}
