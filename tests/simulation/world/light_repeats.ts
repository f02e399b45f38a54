import { Meter } from "../../../core/base/meter.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { buildDataFile } from "../../../core/iceberg/data_file_builder.ts";
import type { DataFile } from "../../../core/iceberg/format/data_file.ts";
import { currentSchema } from "../../../core/iceberg/format/table_metadata.ts";
import type { ScanFile } from "../../../core/iceberg/scan/scan.ts";
import { dataFileName } from "../../../core/lake/data_file_name.ts";
import { PATIENCE_MS } from "../../../core/lake/intent.ts";
import type { RewriteGroup } from "../../../core/maintain/compaction/compaction_plan.ts";
import type { GroupRewriter } from "../../../core/maintain/compaction/rewriting.ts";
import { loadToRemove, removeRepeats } from "../../../core/maintain/repeats/remove_repeats.ts";
import type { FoundRepeats, RepeatWork } from "../../../core/maintain/repeats/repeat_work.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import { type DataRow, type DataRows, lightFile } from "./data_rows.ts";
import { LightGroupRewriter, LightRewriter, liveRows, type PlacedRow } from "./light_rewriting.ts";

/** Finds and removes repeats in rows that are text; waits for nothing but the simulated store. */
class LightRepeatWork implements RepeatWork {
  readonly #rows: DataRows;
  readonly #through: bigint;
  readonly #mergeOnRead: boolean;
  /** Positions, by the path of the data file. */
  readonly #repeats = new Map<string, Set<number>>();

  constructor(rows: DataRows, through: bigint, mergeOnRead: boolean) {
    this.#rows = rows;
    this.#through = through;
    this.#mergeOnRead = mergeOnRead;
  }

  resolveDeletes(_table: LoadedTable, files: readonly ScanFile[]): Promise<ScanFile[]> {
    return Promise.resolve([...files]);
  }

  async find(table: LoadedTable, files: readonly ScanFile[]): Promise<ReadonlyMap<string, FoundRepeats>> {
    const all: (PlacedRow & { path: string })[] = [];
    for (const file of files) {
      const live = await liveRows(table, this.#rows, file);
      all.push(...live.map((each) => ({ ...each, path: file.dataFile.path })));
    }
    const looked = all.filter(({ row }) => Number(row._batch_id) <= this.#through).sort((a, b) =>
      compareRows(a.row, b.row)
    );
    const kept = new Set<unknown>();
    this.#repeats.clear();
    for (const { row, position, path } of looked) {
      if (!kept.has(row._key)) kept.add(row._key);
      else this.#repeats.set(path, (this.#repeats.get(path) ?? new Set()).add(position));
    }
    return new Map([...this.#repeats].map(([path, { size }]) => [path, { rows: size, events: size }]));
  }

  rewriterOf(table: LoadedTable): Promise<GroupRewriter> {
    const rewriter = this.#mergeOnRead
      ? new LightDeletingRewriter(table, this.#repeats)
      : new LightGroupRewriter(table, this.#rows, this.#repeats);
    return Promise.resolve(rewriter);
  }

  close(): void {}
}

function compareRows(a: DataRow, b: DataRow): number {
  return Number(a._batch_id) - Number(b._batch_id) ||
    (a._source_file === b._source_file
      ? Number(a._source_position) - Number(b._source_position)
      : String(a._source_file) < String(b._source_file)
      ? -1
      : 1);
}

class LightDeletingRewriter extends LightRewriter {
  readonly #table: LoadedTable;
  readonly #repeats: ReadonlyMap<string, ReadonlySet<number>>;

  constructor(table: LoadedTable, repeats: ReadonlyMap<string, ReadonlySet<number>>) {
    super();
    this.#table = table;
    this.#repeats = repeats;
  }

  async rewrite({ files, specId, partition }: RewriteGroup, stem: string): Promise<DataFile[]> {
    const { io: { location }, metadata } = this.#table;
    const rows = files.flatMap(({ dataFile: { path } }) =>
      [...this.#repeats.get(path)!].map((pos): DataRow => ({ file_path: path, pos }))
    );
    const path = `data/${dataFileName(stem, 0)}`;
    const bytes = lightFile(rows);
    await location.store.write(location.pathInStore(path), bytes);
    const size = { recordCount: rows.length, fileSizeBytes: bytes.length };
    const facts = { content: "position-deletes" as const, path: location.uriOf(path), specId, partition, columns: [] };
    return [buildDataFile({ ...facts, ...size }, currentSchema(metadata))];
  }
}

/** `maintain --dedupe-by` of the table of events, as races run it. */
export async function removeLight(
  surroundings: Surroundings,
  identifier: LoadedTable["identifier"],
  rows: DataRows,
  mergeOnRead: boolean,
): Promise<void> {
  const { table, through } = await loadToRemove(surroundings, identifier);
  await removeRepeats(surroundings, table, {
    by: ["event_id"],
    through,
    mergeOnRead,
    targetFileSize: 1e6,
    patienceMs: PATIENCE_MS,
    dryRun: false,
    signal: new AbortController().signal,
    meter: new Meter(surroundings.clock),
  }, () => new LightRepeatWork(rows, through, mergeOnRead));
}
