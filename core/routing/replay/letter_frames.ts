import type { Scratch } from "../../disk/scratch.ts";
import type { Connection } from "../../engine/duckdb.ts";
import { streamRows } from "../../engine/duckdb_stream.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { Predicate } from "../../iceberg/format/predicate.ts";
import { findField } from "../../iceberg/format/schema.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { planScan, type ScanFile } from "../../iceberg/scan/scan.ts";
import type { ReplayedFile } from "../../lake/batch_plan.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { readLayouts } from "../../tables/read/file_layout.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import { partitionConstants } from "../../tables/read/partition_constants.ts";
import { tableSelect, viewFile } from "../../tables/read/scan_sql.ts";
import { FrameWriter } from "../reader/framed_rows.ts";
import type { ReadUnit } from "../reader/reading.ts";

/** Data files that are read by one statement. */
const READ_FILES_MAX = 200;

const { rawRecord, sourceFile, sourcePosition, batchId } = OUR_COLUMNS;

export interface LetterSource {
  connection: Connection;
  scratch: Scratch;
  /** Of dead letters, in a version that has all batches before. */
  table: LoadedTable;
  files: readonly ReplayedFile[];
}

export interface FramedLetters {
  units: ReadUnit[];
  /** Of each planned file the positions that were found, ascending. */
  positions: number[][];
}

/**
 * The texts of planned letters, written out in frames as they are read: together they may be more
 * than memory holds. One that the table has no more is left out:
 * another program has removed it. A text is found by its file, its position and its batch.
 */
export async function frameLetters({ connection, scratch, table, files }: LetterSource): Promise<FramedLetters> {
  await connection.run(`CREATE OR REPLACE TEMP TABLE planned_letters (number VARCHAR, name VARCHAR, batch VARCHAR,
  position VARCHAR)`);
  await connection.appendText("planned_letters", plannedRows(files));
  const frames = new FrameWriter(scratch.path("letters"), "letters");
  // A text that another program has added again is there twice.
  const seen = files.map(() => new Set<number>());
  try {
    await readTable(connection, scratch, table, [rawRecord, sourceFile, sourcePosition, batchId], async (select) => {
      const { chunks } = await streamRows(
        connection,
        `SELECT p.number::INTEGER, l.${sourcePosition}, l.${rawRecord}
FROM (${select}) l JOIN planned_letters p ON l.${sourceFile} = p.name AND l.${batchId} = p.batch::BIGINT
  AND l.${sourcePosition} = p.position::BIGINT`,
      );
      for await (const rows of chunks) {
        for (const [number, position, raw] of rows) {
          const file = Number(number);
          if (seen[file]!.has(Number(position))) continue;
          seen[file]!.add(Number(position));
          frames.begin({ number: file, name: files[file]!.name });
          frames.add(Number(position), raw as string);
        }
      }
    });
  } finally {
    frames.close();
  }
  const positions = seen.map((each) => [...each].sort((a, b) => a - b));
  return { units: frames.units, positions };
}

function* plannedRows(files: readonly ReplayedFile[]): Iterable<string[]> {
  for (const [number, { name, batchId, positions }] of files.entries()) {
    for (const position of positions) yield [String(number), name, String(batchId), String(position)];
  }
}

/**
 * Calls `use` with one SELECT of live rows after another; `placed` adds where each row stands, and
 * `files` says which data files those are. Files without rows of the `predicate` are passed over.
 */
export async function readTable(
  connection: Connection,
  scratch: Scratch,
  { io, metadata }: Pick<LoadedTable, "io" | "metadata">,
  names: readonly string[],
  use: (select: string, files: ReadonlyMap<string, ScanFile>) => Promise<unknown>,
  { placed = false, predicate }: { placed?: boolean; predicate?: Predicate } = {},
): Promise<void> {
  const { files } = await planScan(io, metadata, { predicate });
  const schema = currentSchema(metadata);
  const local = new LocalFiles(io, scratch);
  for (let from = 0; from < files.length; from += READ_FILES_MAX) {
    const some = files.slice(from, from + READ_FILES_MAX);
    const read = some.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]);
    try {
      const places = await local.locate(some);
      const views = some.map((file) => viewFile(file, places));
      const layouts = await readLayouts(connection, views.map(({ localPath }) => localPath), metadata.properties);
      const select = tableSelect({
        columns: schema.fields.filter(({ name }) => names.includes(name)),
        fieldById: (id) => findField(schema, id),
        placed,
        files: views.map((view) => ({
          ...view,
          layout: layouts.get(view.localPath)!,
          constants: partitionConstants(metadata, view.file),
        })),
      });
      await use(select, new Map(some.map((file, index) => [views[index]!.localPath, file])));
    } catch (error) {
      throw await local.whyUnread(error, read);
    } finally {
      await local.forget(read);
    }
  }
}
