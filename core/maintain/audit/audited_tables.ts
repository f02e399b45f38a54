import { StreamlabError } from "../../base/errors.ts";
import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { readRouted } from "../../lake/checkpoint.ts";
import { ledgerFields, OUR_COLUMNS } from "../../lake/our_columns.ts";
import { markerOf, type TargetTables } from "../../lake/target.ts";
import type { Surroundings } from "../surroundings.ts";

/** Of one sequence of batches. */
export type AuditedTables = TargetTables;

/** Refuses tables that consume does not write to. */
export function checkTables({ ledger, events, deadLetters }: AuditedTables): void {
  checkColumns(ledger, ledgerFields().map(({ name }) => name));
  checkColumns(events, SOURCE_COLUMNS);
  checkColumns(deadLetters, [...SOURCE_COLUMNS, OUR_COLUMNS.deadLetterReason, OUR_COLUMNS.rawRecord]);
}

const SOURCE_COLUMNS = [OUR_COLUMNS.sourceFile, OUR_COLUMNS.sourcePosition, OUR_COLUMNS.batchId];

/** Refuses a table that consume does not write to. */
function checkColumns({ identifier, metadata }: LoadedTable, names: readonly string[]): void {
  const { fields } = currentSchema(metadata);
  const missing = names.find((name) => !fields.some((field) => field.name === name));
  if (missing === undefined) return;
  throw new StreamlabError(
    "not-found",
    `There is nothing to audit in ${identifierText(identifier)}: it has no column ${missing}, so consume does not ` +
      "write to it",
    { hint: "Name a table that consume writes to, with --table" },
  );
}

/**
 * The last batch that may have rows in the tables and none in the loaded ledger: a consumer went on
 * meanwhile, or has a record and not yet committed the ledger.
 */
export async function lastUnderWay({ catalog, store }: Surroundings, tables: AuditedTables): Promise<bigint> {
  const target = identifierText(tables.events.identifier);
  const ledger = await catalog.loadTable(tables.ledger.identifier, tables.ledger) ?? tables.ledger;
  const { batchId } = markerOf(ledger.metadata, target);
  const next = await readRouted(store, target, batchId + 1n);
  return next === undefined ? batchId : batchId + 1n;
}
