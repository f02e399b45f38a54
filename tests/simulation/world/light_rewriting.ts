import { Meter } from "../../../core/base/meter.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { buildDataFile } from "../../../core/iceberg/data_file_builder.ts";
import type { DataFile } from "../../../core/iceberg/format/data_file.ts";
import { currentSchema } from "../../../core/iceberg/format/table_metadata.ts";
import type { ScanFile } from "../../../core/iceberg/scan/scan.ts";
import { dataFileName } from "../../../core/lake/data_file_name.ts";
import { compact } from "../../../core/maintain/compaction/compact.ts";
import { PATIENCE_MS } from "../../../core/lake/intent.ts";
import { planGroups, type RewriteGroup } from "../../../core/maintain/compaction/compaction_plan.ts";
import type { GroupRewriter, Rewriting } from "../../../core/maintain/compaction/rewriting.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import { type DataRow, type DataRows, lightFile } from "./data_rows.ts";

/** Rewrites rows that are text, not Parquet, and waits for nothing but the simulated store. */
export class LightRewriting implements Rewriting {
  readonly #rows: DataRows;

  constructor(rows: DataRows) {
    this.#rows = rows;
  }

  resolveDeletes(_table: LoadedTable, files: readonly ScanFile[]): Promise<ScanFile[]> {
    return Promise.resolve([...files]);
  }

  rewriterOf(table: LoadedTable): GroupRewriter {
    return new LightGroupRewriter(table, this.#rows);
  }

  close(): void {}
}

/** A row of a data file, and which of them it is. */
export interface PlacedRow {
  row: DataRow;
  position: number;
}

/** The rows of a data file that no delete file of its names. */
export async function liveRows(
  { io: { location } }: Pick<LoadedTable, "io">,
  rows: DataRows,
  { dataFile, deletes }: ScanFile,
): Promise<PlacedRow[]> {
  const read = async (path: string) => rows.of(await location.store.read(location.pathOf(path)));
  const deleted = new Set<number>();
  for (const { path } of deletes) {
    for (const { file_path, pos } of await read(path)) if (file_path === dataFile.path) deleted.add(pos as number);
  }
  const all = (await read(dataFile.path)).map((row, position) => ({ row, position }));
  return all.filter(({ position }) => !deleted.has(position));
}

/** Writes at once, and into no folder of a partition. */
export abstract class LightRewriter implements GroupRewriter {
  folderOf(): string {
    return "";
  }

  prefetch(): void {}

  settle(): Promise<void> {
    return Promise.resolve();
  }

  abstract rewrite(group: RewriteGroup, stem: string): Promise<DataFile[]>;
}

export class LightGroupRewriter extends LightRewriter {
  readonly #table: LoadedTable;
  readonly #rows: DataRows;
  readonly #repeats: ReadonlyMap<string, ReadonlySet<number>>;

  /** `repeats`: positions that are left out, by the path of the data file. */
  constructor(table: LoadedTable, rows: DataRows, repeats: ReadonlyMap<string, ReadonlySet<number>> = new Map()) {
    super();
    this.#table = table;
    this.#rows = rows;
    this.#repeats = repeats;
  }

  async rewrite({ files, specId, partition }: RewriteGroup, stem: string): Promise<DataFile[]> {
    const { io, metadata } = this.#table;
    const rows: DataRow[] = [];
    for (const file of files) {
      const gone = this.#repeats.get(file.dataFile.path);
      const live = await liveRows(this.#table, this.#rows, file);
      rows.push(...live.filter(({ position }) => !gone?.has(position)).map(({ row }) => row));
    }
    if (rows.length === 0) return [];
    const path = `data/${dataFileName(stem, 0)}`;
    const bytes = lightFile(rows);
    await io.location.store.write(io.location.pathInStore(path), bytes);
    const size = { recordCount: rows.length, fileSizeBytes: bytes.length };
    const file = { path: io.location.uriOf(path), specId, partition, ...size, columns: [] };
    return [buildDataFile(file, currentSchema(metadata))];
  }
}

/** `maintain --compact` as races run it. */
export async function compactLight(
  surroundings: Surroundings,
  table: LoadedTable,
  rewriting: Rewriting,
): Promise<void> {
  await compact(surroundings, table, {
    groupsOf: (files) => planGroups(files, { targetFileSize: 1e6, inputsMin: 2, sorts: false }),
    patienceMs: PATIENCE_MS,
    dryRun: false,
    signal: new AbortController().signal,
    meter: new Meter(surroundings.clock),
  }, () => Promise.resolve(rewriting));
}
