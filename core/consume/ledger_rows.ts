import { isKind } from "../base/errors.ts";
import type { LoadedTable } from "../iceberg/catalog/catalog.ts";
import type { DataFile } from "../iceberg/format/data_file.ts";
import { LEDGER_COLUMNS } from "../lake/our_columns.ts";
import { readFlatColumns } from "../tables/read/parquet/flat_columns.ts";
import type { KnownFile, LastWithRows } from "./known_files.ts";

/** What a data file of the ledger says of a target's files. */
export interface LedgerRows {
  known: KnownFile[];
  last: LastWithRows;
}

/** A file of the ledger is read whole, and no larger one. */
const FILE_BYTES_MAX = 32 << 20;

const { table, sourceFile, etag, status, batchId, events, deadLetters } = LEDGER_COLUMNS;
const TEXTS = [table, sourceFile, etag, status], COUNTS = [batchId, events, deadLetters];

/**
 * Reads them without DuckDB. Undefined where only DuckDB reads the file, or says what is wrong with
 * it: that it is gone, too.
 */
export async function readLedgerRows(
  { io }: LoadedTable,
  { path, fileSizeBytes, recordCount }: DataFile,
  target: string,
): Promise<LedgerRows | undefined> {
  if (fileSizeBytes > FILE_BYTES_MAX) return undefined;
  const bytes = await readWhole(io.location.store, io.location.pathOf(path));
  const columns = bytes?.length === fileSizeBytes ? readFlatColumns(bytes, [...TEXTS, ...COUNTS]) : undefined;
  if (columns === undefined || !isWhole(columns, recordCount)) return undefined;
  const known: KnownFile[] = [];
  const last = { events: 0n, deadLetters: 0n };
  const at = (name: string, row: number) => columns.get(name)![row]!;
  for (let row = 0; row < recordCount; row++) {
    if (at(table, row) !== target) continue;
    const batch = at(batchId, row) as bigint;
    const file = { name: at(sourceFile, row), etag: at(etag, row), status: at(status, row), batchId: Number(batch) };
    known.push(file as KnownFile);
    if (at(events, row) as bigint > 0n && batch > last.events) last.events = batch;
    if (at(deadLetters, row) as bigint > 0n && batch > last.deadLetters) last.deadLetters = batch;
  }
  return { known, last };
}

async function readWhole(store: LoadedTable["io"]["location"]["store"], path: string): Promise<Uint8Array | undefined> {
  try {
    return await store.read(path, { bytesMax: FILE_BYTES_MAX });
  } catch (error) {
    if (isKind(error, "not-found") || isKind(error, "corrupt")) return undefined;
    throw error;
  }
}

/** Every column has all rows, and the type that the ledger's schema gives it. */
function isWhole(columns: ReadonlyMap<string, readonly unknown[]>, rows: number): boolean {
  return [...columns].every(([name, values]) => {
    const type = TEXTS.some((text) => text === name) ? "string" : "bigint";
    return values.length === rows && values.every((value) => typeof value === type);
  });
}
