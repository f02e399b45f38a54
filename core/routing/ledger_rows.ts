import type { WrittenFile } from "../engine/copy.ts";
import { type Connection, quoteName, quotePath, quoteText } from "../engine/duckdb.ts";
import type { Scratch } from "../disk/scratch.ts";
import { TextFileWriter } from "../disk/scratch.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import { LEDGER_COLUMNS } from "../lake/our_columns.ts";
import type { FileOutcome, RoutedTable } from "../lake/routed_batch.ts";
import { writeRows } from "../tables/write/table_writer.ts";
import { type PlannedTable, plannedTable } from "../lake/target.ts";
import type { LoadedTable } from "../iceberg/catalog/catalog.ts";
import { batchStem } from "../lake/data_file_name.ts";
import { placeRoutedFiles } from "./place_routed_files.ts";
import type { RoutingEngine } from "./routing_engine.ts";

export interface LedgerBatch {
  plan: BatchPlan;
  outcomes: readonly FileOutcome[];
  ingestedAtMicros: bigint;
  /** In the file's name. */
  attempt: string;
}

/** Writes the ledger's rows of a batch as a data file, durably; nothing names it yet. */
export async function placeLedger(
  { connection }: RoutingEngine,
  scratch: Scratch,
  table: LoadedTable,
  batch: LedgerBatch,
): Promise<RoutedTable> {
  const planned = plannedTable(table);
  const written = await writeLedgerRows(connection, scratch, planned, batch);
  const stem = batchStem(batch.plan.batchId, batch.attempt);
  return await placeRoutedFiles(table.io.location.store, planned, written, stem);
}

async function writeLedgerRows(
  connection: Connection,
  scratch: Scratch,
  ledger: PlannedTable,
  batch: LedgerBatch,
): Promise<WrittenFile[]> {
  const rows = new TextFileWriter(scratch.path("ledger.ndjson"));
  for (const outcome of batch.outcomes) rows.write(JSON.stringify(outcome) + "\n");
  rows.close();
  const names = LEDGER_COLUMNS;
  const columns: (readonly [string, string])[] = [
    [names.table, `${quoteText(batch.plan.table)}::VARCHAR`],
    [names.sourceFile, "name"],
    [names.etag, "etag"],
    [names.size, "size"],
    [names.batchId, `${batch.plan.batchId}::BIGINT`],
    [names.records, "records"],
    [names.events, "events"],
    [names.deadLetters, "deadLetters"],
    [names.duplicates, "duplicates"],
    [names.status, "status"],
    [names.ingestedAt, `make_timestamptz(${batch.ingestedAtMicros}::BIGINT)`],
  ];
  const selected = columns.map(([name, sql]) => `${sql} AS ${quoteName(name)}`).join(", ");
  const query = `SELECT ${selected} FROM read_json(${quotePath(rows.path)}, format = 'newline_delimited', columns = {
  name: 'VARCHAR', etag: 'VARCHAR', size: 'BIGINT', status: 'VARCHAR',
  records: 'BIGINT', events: 'BIGINT', "deadLetters": 'BIGINT', duplicates: 'BIGINT'})`;
  return await writeRows(connection, scratch, "ledger", ledger, query, columns.map(([name]) => name));
}
