import { addressOf } from "./address.js";
import { ask } from "./api.js";
import { element, put, quiet, tableOf, visible } from "./elements.js";
import { bytes, count, time } from "./numbers.js";

export async function showTables(page, parameters, signal) {
  const table = parameters.get("table");
  if (table === null) {
    const { tables } = await ask("tables", {}, { signal });
    put(page, element("h1", {}, "Tables"), tables.length === 0 ? quiet("The lake has no tables yet.") : list(tables));
  } else {
    const found = await ask("table", { table }, { signal });
    put(page, element("h1", {}, visible(found.table)), whole(found));
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

function whole(table) {
  return [
    element("p", { class: "quiet" }, `${visible(table.location)}, format version ${table.formatVersion}`),
    health(table),
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
  return [
    heading,
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
