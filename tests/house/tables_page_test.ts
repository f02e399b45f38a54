import { deepStrictEqual } from "node:assert/strict";
import { defaultContract } from "../../core/contract/default_contract.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";
import { deadLetterFields, eventFields, ledgerFields } from "../../core/lake/our_columns.ts";
import { historyViews } from "../../core/query/history_view.ts";
import { metadataTables } from "../../core/query/metadata/metadata_table.ts";
import { checkGolden } from "../support/golden.ts";

/** What the columns of the two views say; those of tables say it in the tables themselves. */
const VIEW_COLUMNS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "ingest.batches": {
    table: "The target, `bronze.events`",
    batch_id: "Its number: 1, 2, 3, … for each target",
    planned_at: "When it was settled which files it has",
    routed_at: "When every record had its place",
    committed_at: "When its rows could be read",
    landed_at: "When the oldest of its files landed, by the clock of their store; null where nobody knows",
    lag_seconds: "For how long that file had waited when its rows could be read",
    seconds: "What each step took, by name; steps overlap",
    files: "Raw files that were ingested",
    bytes: "Their bytes",
    records: "Their records",
    events: "Of these, events",
    dead_letters: "Of these, dead letters; 1 for a corrupted file",
    dead_letters_by_reason: "The same by reason; null where another process had routed the batch",
    duplicates: "Repeats that were dropped",
    replayed: "Dead letters that it judged again, where it was a replay: events and those that stay some",
    reingested: "Files that it ingested again, where it was a reingest; their earlier rows left",
    superseded: "With upserts: records that are no row; null without",
    changed: "Files that had changed since they were planned, and were left",
    vanished: "Files that were gone",
    conflicts: "Commits that were tried again, because another writer was first",
    engine: "Who routed it: `embedded`, or `spark`",
    tasks: "Tasks of a cluster that wrote its data files; null where one process did",
  },
  "ingest.upkeep": {
    id: "A UUID",
    table: "The table that was looked after",
    by: "`consume`, `maintain`, or `serve`: its console",
    action: "What was done, such as `compact` or `expire-snapshots`",
    started_at: "When it began",
    ended_at: "When it ended",
    outcome: "`done`, `gave-way` (somebody else was at it, or a batch was due) or `failed`",
    detail: "Why, where it was not done",
    done: "What was done, in numbers",
    debt: "What was left to do, in numbers",
  },
};

function typeText(type: Type): string {
  switch (type.type) {
    case "struct":
      return `struct (${type.fields.map((field) => `${field.name} ${typeText(field.type)}`).join(", ")})`;
    case "list":
      return `list of ${typeText(type.element)}`;
    case "map":
      return `map of ${typeText(type.key)} to ${typeText(type.value)}`;
    case "decimal":
      return `decimal(${type.precision}, ${type.scale})`;
    default:
      return type.type;
  }
}

function columnTable(fields: readonly Field[]): string {
  const rows = fields.map(({ name, type, required, doc }) => {
    return `| \`${name}\` | ${typeText(type)} | ${required ? "yes" : ""} | ${doc ?? ""} |`;
  });
  return ["| column | type | required | what |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function viewTable(full: string, columns: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(columns).map(([name, type]) => {
    return `| \`${name}\` | ${String(type)} | ${VIEW_COLUMNS[full]?.[name] ?? ""} |`;
  });
  return ["| column | type in SQL | what |", "| --- | --- | --- |", ...rows].join("\n");
}

const nameOf = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}.${name}`;

Deno.test("docs/tables.md has every column of every table", async () => {
  const contract = defaultContract();
  const parts = [
    "# What the tables hold",
    "Made from the program's own code. Times are `timestamptz`: instants in UTC, to the microsecond.",
    "## `bronze.events`: an event",
    "The contract's columns (here those of the built-in one), then where the row came from. Partitioned\n" +
    "by day of `event_timestamp`, unless `--partition-by` says otherwise. `_rescued` is there with\n" +
    "`--on-extra-fields rescue` or `add`, or `--on-wrong-type rescue`.",
    columnTable(eventFields(contract, { rescued: true })),
    "## `dead_letters.events`: a bad record, or a whole bad file",
    "The contract's columns are filled as far as they could be read. Of a file that is corrupted as a\n" +
    "whole there is one row, with its text and no position. Partitioned by day of `_ingested_at`.",
    columnTable(deadLetterFields(contract)),
    "## `ingest.files`: the ledger, a row for each raw file of a batch",
    "Of all targets.",
    columnTable(ledgerFields({ superseded: true })),
    ...historyViews().flatMap((view) => [
      `## \`${nameOf(view)}\`: a view that \`query\` and \`serve\` offer`,
      viewTable(nameOf(view), view.columns),
    ]),
    "## Iceberg's own tables",
    "Beside each table, in quotes: " +
    Object.keys(metadataTables).map((suffix) => `\`$${suffix}\``).join(", ").replace(/^(.{50,66},) /, "$1\n") +
    ".",
    "```sh\nstreamlab produce --batches 2 --interval 0\nstreamlab consume --once\n" +
    "streamlab query 'select committed_at, operation from bronze.\"events$snapshots\"'\n```",
  ];
  await checkGolden(new URL("../../docs/tables.md", import.meta.url), `${parts.join("\n\n")}\n`);
});

Deno.test("every column of a view says what it holds", () => {
  const columns = Object.fromEntries(historyViews().map((view) => [nameOf(view), Object.keys(view.columns)]));
  deepStrictEqual(
    Object.fromEntries(Object.entries(VIEW_COLUMNS).map(([view, of]) => [view, Object.keys(of)])),
    columns,
  );
});
