import { addressOf } from "./address.js";
import { ask } from "./api.js";
import { bars } from "./bars.js";
import { element, problem, put, quiet, tableOf, visible } from "./elements.js";
import { bytes, count, time } from "./numbers.js";

/** What `maintain` can do to a table, in the order of its help. */
const ACTIONS = [
  ["compact", "Merge small files, apply deletes"],
  ["rewrite-manifests", "Merge manifests"],
  ["expire-snapshots", "Remove old snapshots"],
  ["remove-orphans", "Delete files that nothing needs"],
];

export async function showTables(page, parameters, signal) {
  const table = parameters.get("table");
  if (table === null) {
    const { tables } = await ask("tables", {}, { signal });
    put(page, element("h1", {}, "Tables"), tables.length === 0 ? quiet("The lake has no tables yet.") : list(tables));
  } else {
    const found = await ask("table", { table }, { signal });
    put(page, element("h1", {}, visible(found.table)), whole(found, signal));
  }
}

function list(tables) {
  return tableOf("Tables of the lake", [
    {
      name: "Table",
      show: ({ table }) => element("a", { href: addressOf("/tables", { table }) }, visible(table)),
    },
    { name: "Rows", isNumber: true, show: ({ rows }) => count(rows) },
    { name: "Size", isNumber: true, show: (table) => bytes(table.bytes) },
    { name: "Data files", isNumber: true, show: ({ dataFiles }) => count(dataFiles) },
    { name: "Delete files", isNumber: true, show: ({ deleteFiles }) => count(deleteFiles) },
    { name: "Snapshots", isNumber: true, show: ({ snapshots }) => count(snapshots) },
    { name: "Last commit", show: ({ committedAt }) => time(committedAt) },
  ], tables);
}

function whole(table, signal) {
  return [
    element("p", { class: "quiet" }, `${visible(table.location)}, format version ${table.formatVersion}`),
    health(table),
    upkeep(table, signal),
    files(table),
    partitions(table),
    schema(table),
    snapshots(table),
  ];
}

function health({ verdict }) {
  const heading = element("h2", {}, "Health");
  if (verdict.length === 0) {
    return [heading, element("div", { class: "notice well" }, "Well: upkeep would change nothing that matters.")];
  }
  return [
    heading,
    verdict.map(({ text, command }) =>
      element("div", { class: "notice" }, element("p", {}, `${visible(text)}.`), element("code", {}, visible(command)))
    ),
  ];
}

/** Each is shown as a dry run first. */
function upkeep({ table, allowsUpkeep }, signal) {
  if (!allowsUpkeep) return quiet("This console only looks: with serve --allow-upkeep it can run these.");
  const answer = element("section", { "aria-label": "What upkeep did", "aria-live": "polite" });
  const run = async (action, dryRun) => {
    put(answer, quiet(dryRun ? "Looking …" : "Working …"));
    try {
      put(
        answer,
        outcome(await ask("upkeep", {}, { signal, body: { table, action, dryRun } }), () => run(action, false)),
      );
    } catch (error) {
      if (!signal.aborted) put(answer, problem(error, () => run(action, dryRun)));
    }
  };
  const buttons = ACTIONS.map(([action, text]) =>
    element("button", { type: "button", "data-action": action, click: () => run(action, true) }, text)
  );
  return [element("div", { class: "row" }, buttons), answer];
}

function outcome({ action, dryRun, ...report }, doIt) {
  const lines = Object.entries(report).map(([name, value]) => [name, JSON.stringify(value)]);
  return [
    element("div", { class: "notice well" }, `${visible(action)}: ${dryRun ? "this is what it would do" : "done"}.`),
    tableOf("As maintain --json says it", [
      { name: "What", show: ([name]) => visible(name) },
      { name: "Value", show: ([, value]) => element("code", {}, visible(value)) },
    ], lines),
    dryRun
      ? element("div", { class: "row" }, element("button", { type: "button", id: "do-it", click: doIt }, "Do it"))
      : null,
  ];
}

function files({ files }) {
  const facts = [
    ["Data files", count(files.dataFiles)],
    ["of these below 96 MB", count(files.smallFiles)],
    ["Rows", count(files.rows)],
    ["Size", bytes(files.bytes)],
    ["Average file", files.dataFiles === 0 ? "–" : bytes(files.bytes / files.dataFiles)],
    ["Delete files", count(files.deleteFiles)],
    ["Manifests", count(files.manifests)],
  ];
  return [
    element("h2", {}, "Files"),
    tableOf("Live files", [
      { name: "What", show: ([name]) => name },
      { name: "How many", isNumber: true, show: ([, value]) => value },
    ], facts),
  ];
}

function partitions({ partitions, partitionedBy }) {
  const heading = element("h2", {}, "Partitions");
  if (partitionedBy.length === 0 && partitions.length === 0) return [heading, quiet("The table is not partitioned.")];
  const by = partitionedBy.map(({ transform, column }) => `${transform}(${visible(column)})`).join(", ");
  return [
    heading,
    tableOf(`By ${by || "nothing any more"}; the ${count(partitions.length)} largest`, [
      { name: "Partition", show: ({ partition }) => visible(partition) },
      { name: "Rows", isNumber: true, show: ({ rows }) => count(rows) },
      { name: "Files", isNumber: true, show: ({ files }) => count(files) },
      { name: "Size", isNumber: true, show: (partition) => bytes(partition.bytes) },
      { name: "Delete files", isNumber: true, show: ({ deleteFiles }) => count(deleteFiles) },
    ], partitions),
  ];
}

function schema({ schema }) {
  return [
    element("h2", {}, "Columns"),
    tableOf("Of the current schema", [
      { name: "Name", show: ({ name }) => visible(name) },
      { name: "Type", show: ({ type }) => visible(type) },
      { name: "Required", show: ({ required }) => required ? "yes" : "no" },
      { name: "Field id", isNumber: true, show: ({ id }) => String(id) },
    ], schema),
  ];
}

function snapshots({ snapshots, snapshotCount }) {
  const heading = element("h2", {}, "Snapshots");
  if (snapshotCount === 0) return [heading, quiet("Nothing has been committed yet.")];
  const rows = snapshots.map(({ rows }) => rows ?? 0).reverse();
  return [
    heading,
    ...bars(rows, `Rows after each snapshot, the newest on the right; at most ${count(Math.max(...rows))}`),
    tableOf(`The newest ${count(snapshots.length)} of ${count(snapshotCount)}`, [
      { name: "Committed", show: ({ committedAt }) => time(committedAt) },
      { name: "Operation", show: ({ operation }) => visible(operation ?? "–") },
      { name: "Snapshot", show: ({ snapshotId }) => snapshotId },
      { name: "Files added", isNumber: true, show: ({ addedFiles }) => count(addedFiles) },
      { name: "Rows added", isNumber: true, show: ({ addedRows }) => count(addedRows) },
      { name: "Files gone", isNumber: true, show: ({ deletedFiles }) => count(deletedFiles) },
      { name: "Rows gone", isNumber: true, show: ({ deletedRows }) => count(deletedRows) },
      { name: "Rows then", isNumber: true, show: ({ rows }) => count(rows) },
    ], snapshots),
  ];
}
