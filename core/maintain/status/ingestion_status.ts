import { mapParallel } from "../../base/parallel.ts";
import { type Connection, quoteText } from "../../engine/duckdb.ts";
import type { Scratch } from "../../disk/scratch.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { planScan } from "../../iceberg/scan/scan.ts";
import { findField } from "../../iceberg/format/schema.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { tableSelect } from "../../tables/read/scan_sql.ts";
import type { Surroundings } from "../surroundings.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import { withNewest } from "../../tables/read/newest.ts";
import { Workshop, type WorkshopOptions } from "../workshop.ts";

/** How far ingestion into a table is. */
export interface IngestionStatus {
  table: string;
  /** Event files in the lake's raw zone that the ledger does not know. */
  waiting: { files: number; bytes: number; oldestMs: number | undefined };
  lastBatch: BatchTotals | undefined;
}

export interface BatchTotals {
  batchId: bigint;
  ingestedAtMs: number;
  files: bigint;
  records: bigint;
  events: bigint;
  deadLetters: bigint;
}

export interface StatusOptions extends Omit<WorkshopOptions, "leavesLake"> {
  /** Whether a file is one of events, by its path below the raw zone. */
  isEventFile(path: string): boolean;
}

const RAW = "raw/events/";
/** What is asked about before anything was ingested. */
const DEFAULT_TABLE = "bronze.events";
const STATS_PARALLEL = 16;

/**
 * What waits for each table that the ledger speaks of, and its last batch. Reads the ledger;
 * changes nothing.
 */
export async function ingestionStatus(surroundings: Surroundings, options: StatusOptions): Promise<IngestionStatus[]> {
  const workshop = await Workshop.open(surroundings, { ...options, leavesLake: true });
  try {
    const { connection, scratch } = workshop;
    const name = { namespace: ["ingest"], name: "files" };
    const isThere = await surroundings.catalog.loadTable(name) !== undefined;
    const readLedger = async (ledger?: LoadedTable) => {
      await connection.run(`CREATE OR REPLACE TEMP TABLE ledger AS ${await ledgerSelect(ledger, scratch)}`);
    };
    if (isThere) await withNewest(surroundings.catalog, name, readLedger);
    else await readLedger();
    await listRaw(connection, surroundings, options);
    const batches = await lastBatches(connection);
    const tables = batches.size === 0 ? [DEFAULT_TABLE] : [...batches.keys()];
    return await mapParallel(tables, 1, async (table) => ({
      table,
      waiting: await waitingFiles(connection, surroundings, table),
      lastBatch: batches.get(table),
    }));
  } finally {
    workshop.close();
  }
}

async function ledgerSelect(ledger: LoadedTable | undefined, scratch: Scratch): Promise<string> {
  if (ledger === undefined) {
    return `SELECT ''::VARCHAR AS "table", ''::VARCHAR AS source_file, 0::BIGINT AS batch_id, 0::BIGINT AS records,
  0::BIGINT AS events, 0::BIGINT AS dead_letters, ''::VARCHAR AS status, now() AS ingested_at WHERE false`;
  }
  const files = new LocalFiles(ledger.io, scratch);
  const scan = await planScan(ledger.io, ledger.metadata);
  const schema = currentSchema(ledger.metadata);
  return tableSelect({
    columns: schema.fields,
    fieldById: (id) => findField(schema, id),
    files: await mapParallel(scan.files, STATS_PARALLEL, async ({ dataFile, deletes }) => ({
      file: dataFile,
      localPath: await files.pathOf(dataFile),
      deletes: await Promise.all(deletes.map(async (file) => ({ file, localPath: await files.pathOf(file) }))),
    })),
  });
}

async function listRaw(connection: Connection, { store }: Surroundings, { isEventFile }: StatusOptions): Promise<void> {
  await connection.run("CREATE TEMP TABLE raw_files (name VARCHAR)");
  let names: [string][] = [];
  const flush = async () => {
    await connection.appendText("raw_files", names);
    names = [];
  };
  for await (const { path } of store.list(RAW)) {
    if (isEventFile(path.slice(RAW.length))) names.push([path]);
    if (names.length === 10_000) await flush();
  }
  await flush();
}

async function lastBatches(connection: Connection): Promise<Map<string, BatchTotals>> {
  const rows = await connection.rows(
    `SELECT "table", max(batch_id) AS batch_id, epoch_ms(max(ingested_at)) AS ingested_at,
  count(*) FILTER (status = 'ingested') AS files, sum(records)::BIGINT AS records, sum(events)::BIGINT AS events,
  sum(dead_letters)::BIGINT AS dead_letters
FROM ledger WHERE ("table", batch_id) IN (SELECT ("table", max(batch_id)) FROM ledger GROUP BY "table")
GROUP BY "table" ORDER BY "table"`,
  );
  return new Map(rows.map((row) => [row.table as string, {
    batchId: row.batch_id as bigint,
    ingestedAtMs: Number(row.ingested_at),
    files: row.files as bigint,
    records: row.records as bigint,
    events: row.events as bigint,
    deadLetters: row.dead_letters as bigint,
  }]));
}

async function waitingFiles(connection: Connection, { store }: Surroundings, table: string) {
  const rows = await connection.rows(
    `SELECT name FROM raw_files ANTI JOIN
  (SELECT source_file AS name FROM ledger WHERE "table" = ${quoteText(table)} AND status = 'ingested') USING (name)`,
  );
  const infos = await mapParallel(rows, STATS_PARALLEL, (row) => store.stat(row.name as string));
  const waiting: IngestionStatus["waiting"] = { files: 0, bytes: 0, oldestMs: undefined };
  for (const info of infos) {
    if (info === undefined) continue;
    waiting.files++;
    waiting.bytes += info.size;
    waiting.oldestMs = Math.min(waiting.oldestMs ?? Infinity, info.modifiedMs);
  }
  return waiting;
}
