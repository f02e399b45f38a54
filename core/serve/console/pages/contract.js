import { addressOf } from "./address.js";
import { ask } from "./api.js";
import { element, problem, put, quiet, tableOf, visible } from "./elements.js";
import { time } from "./numbers.js";

/** What judges a stream's records, how its columns came to be, and what a change would do. */
export async function showContract(page, parameters, signal) {
  const { targets } = await ask("overview", {}, { signal });
  const names = targets.filter(({ lastBatch }) => lastBatch !== null).map(({ target }) => target);
  const target = parameters.get("target") ?? names[0];
  if (target === undefined) {
    put(page, element("h1", {}, "Contract"), quiet("No stream has a contract yet: streamlab consume gives it one."));
    return;
  }
  const found = await ask("contract", { target }, { signal });
  put(
    page,
    element("h1", {}, `Contract of ${visible(found.target)}`),
    choice(names, target),
    fields(found),
    history(found),
    comparison(found, signal),
  );
}

function choice(names, chosen) {
  if (names.length < 2) return null;
  const links = names.map((target) =>
    element(
      "a",
      { href: addressOf("/contract", { target }), "aria-current": target === chosen && "true" },
      visible(target),
    )
  );
  return element("nav", { class: "row", "aria-label": "Streams" }, links);
}

function fields({ fields, onExtraFields, onWrongType, contract }) {
  const heading = element("h2", {}, "Fields");
  if (contract === null) return [heading, quiet("An older streamlab has not written it down; the next consume does.")];
  const extra = {
    "dead-letter": "A record with any other field is a dead letter.",
    "rescue": "Other fields are kept in _rescued.",
    "add": "Other fields become columns.",
  };
  return [
    heading,
    quiet(extra[onExtraFields] ?? ""),
    onWrongType === "rescue" ? quiet("Optional fields of a wrong type are null, and kept in _rescued.") : null,
    tableOf("As records have them, and their columns", [
      { name: "Field", show: ({ key }) => visible(key) },
      { name: "Column", show: ({ name }) => visible(name) },
      { name: "Type", show: ({ type }) => visible(type ?? "not in the table yet") },
      { name: "Required", show: ({ required }) => required ? "yes" : "no" },
      { name: "Checked", show: ({ checks }) => checks.length === 0 ? "–" : visible(checks.join(", ")) },
    ], fields),
  ];
}

function history({ history }) {
  return [
    element("h2", {}, "History"),
    tableOf("Schemas of the table, the newest first", [
      { name: "First snapshot", show: ({ since }) => time(since) },
      { name: "What changed", show: ({ changes }) => changes.map((text) => element("div", {}, visible(text))) },
      {
        name: "Schema",
        isNumber: true,
        show: ({ schemaId, isCurrent }) => `${schemaId}${isCurrent ? ", current" : ""}`,
      },
    ], history),
  ];
}

function comparison({ target, contract }, signal) {
  const answer = element("section", { "aria-label": "What it would do", "aria-live": "polite" });
  const editor = element("textarea", { id: "contract", rows: 14, spellcheck: "false", autocapitalize: "off" });
  editor.value = contract === null ? "{}" : pretty(contract);
  const compare = async () => {
    put(answer, quiet("Comparing …"));
    try {
      put(answer, verdict(await ask("contract/compare", {}, { signal, body: { target, contract: editor.value } })));
    } catch (error) {
      if (!signal.aborted) put(answer, problem(error));
    }
  };
  return [
    element("h2", {}, "What would a changed one do?"),
    element("label", { for: "contract" }, "A contract, as JSON Schema. Nothing is changed by asking."),
    editor,
    element("div", { class: "row" }, element("button", { type: "button", id: "compare", click: compare }, "Compare")),
    answer,
  ];
}

/** Numbers in it may be longer than a number of JavaScript's: then it stays as it is. */
function pretty(text) {
  const parsed = JSON.parse(text);
  return JSON.stringify(parsed) === text ? JSON.stringify(parsed, null, 2) : text;
}

function verdict({ isAllowed, changes, refusals, notChecked }) {
  const rest = notChecked.length === 0
    ? null
    : quiet(`Not checked, as JSON Schema says of annotations: ${visible(JSON.stringify(notChecked))}`);
  if (!isAllowed) {
    return [
      element("div", { class: "notice" }, "Refused: the table cannot follow. Nothing would be written."),
      tableOf("Why", [
        { name: "Column", show: ({ column }) => visible(column) },
        { name: "It", show: ({ reason }) => visible(reason) },
      ], refusals),
    ];
  }
  const text = changes.length === 0 ? "The table stays as it is; records are judged by it." : "The table would follow:";
  return [
    element("div", { class: "notice well" }, text),
    element("ul", {}, changes.map((change) => element("li", {}, visible(change)))),
    rest,
  ];
}
