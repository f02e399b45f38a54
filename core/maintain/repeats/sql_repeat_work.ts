import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import { copyToParquet, type WrittenFile } from "../../engine/copy.ts";
import { ConnectionPool } from "../../engine/connection_pool.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { buildDataFile } from "../../iceberg/data_file_builder.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import { dataFileName } from "../../lake/data_file_name.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import { placeFiles } from "../../tables/write/place_files.ts";
import type { RewriteGroup } from "../compaction/compaction_plan.ts";
import { resolvePositionDeletes } from "../compaction/delete_reach.ts";
import { SqlGroupRewriter } from "../compaction/rewrite_group.ts";
import type { GroupRewriter } from "../compaction/rewriting.ts";
import { rowOrderOf } from "../compaction/row_order.ts";
import { SoundFiles } from "../compaction/sound_files.ts";
import type { Workshop } from "../workshop.ts";
import { RepeatSearch, type RepeatSearchOptions } from "./repeat_search.ts";
import type { FoundRepeats, RepeatWork } from "./repeat_work.ts";

/** Of the columns of delete files (specification: "Reserved Field IDs"). */
const POSITION_IDS = { file_path: 2147483546, pos: 2147483545 };

export interface SqlRepeatWorkOptions extends Pick<RepeatSearchOptions, "random" | "by" | "through"> {
  mergeOnRead: boolean;
}

/** By DuckDB. */
export class SqlRepeatWork implements RepeatWork {
  readonly #workshop: Workshop;
  readonly #search: RepeatSearch;
  readonly #mergeOnRead: boolean;
  #found: ReadonlyMap<string, FoundRepeats> = new Map();
  #folders = 0;

  constructor(workshop: Workshop, { mergeOnRead, ...options }: SqlRepeatWorkOptions) {
    const { connection, scratch } = workshop;
    this.#workshop = workshop;
    this.#search = new RepeatSearch({ connection, scratch, ...options });
    this.#mergeOnRead = mergeOnRead;
  }

  async resolveDeletes({ io }: LoadedTable, files: readonly ScanFile[]): Promise<ScanFile[]> {
    const { connection, scratch } = this.#workshop;
    const local = new LocalFiles(io, scratch);
    return await resolvePositionDeletes(connection, files, (file) => local.pathOf(file));
  }

  async find(table: LoadedTable, files: readonly ScanFile[]): Promise<ReadonlyMap<string, FoundRepeats>> {
    this.#found = await this.#search.find(table, files);
    return this.#found;
  }

  async rewriterOf(table: LoadedTable, groups: readonly RewriteGroup[]): Promise<GroupRewriter> {
    const { connection, scratch } = this.#workshop;
    const written = new Map<RewriteGroup, WrittenFile>();
    for (const group of groups) {
      const query = this.#search.positionsSql(group.files.map(({ dataFile }) => dataFile.path));
      const directory = scratch.subfolder(`repeats-${this.#folders++}`);
      const [file] = await copyToParquet(connection, { query, directory, fieldIds: POSITION_IDS });
      written.set(group, file!);
    }
    const sound = new SoundFiles(new LocalFiles(table.io, scratch));
    const ours = new Set([...written.values()].map(({ path }) => path));
    const rows = new SqlGroupRewriter({
      table,
      connections: new ConnectionPool(connection, () => this.#workshop.connect()),
      scratch,
      files: {
        pathOf: async (file) => ours.has(file.path) ? file.path : await sound.pathOf(file),
        forget: (files) => sound.forget(files),
      },
      order: rowOrderOf(table, []),
    });
    return this.#mergeOnRead ? new DeletingRewriter(table, rows, written) : new DroppingRewriter(rows, {
      written,
      repeatsIn: ({ files }) => files.reduce((sum, { dataFile }) => sum + this.#found.get(dataFile.path)!.rows, 0),
    });
  }

  close(): void {
    this.#workshop.close();
  }
}

interface Repeats {
  /** Their positions, on this disk. */
  written: ReadonlyMap<RewriteGroup, WrittenFile>;
  repeatsIn(group: RewriteGroup): number;
}

/** Copy-on-write: as if the positions were deletes of the table. */
class DroppingRewriter implements GroupRewriter {
  readonly #rows: GroupRewriter;
  readonly #repeats: Repeats;

  constructor(rows: GroupRewriter, repeats: Repeats) {
    this.#rows = rows;
    this.#repeats = repeats;
  }

  folderOf(group: RewriteGroup): string {
    return this.#rows.folderOf(group);
  }

  prefetch(group: RewriteGroup): void {
    this.#rows.prefetch(group);
  }

  settle(): Promise<void> {
    return this.#rows.settle();
  }

  async rewrite(group: RewriteGroup, stem: string): Promise<DataFile[]> {
    const { path, records, size } = this.#repeats.written.get(group)!;
    const { specId, partition, files } = group;
    const positions: DataFile = {
      content: "position-deletes",
      path,
      format: "parquet",
      specId,
      partition,
      recordCount: Number(records),
      fileSizeBytes: Number(size),
    };
    const without = files.map((file) => ({ ...file, deletes: [...file.deletes, positions] }));
    const outputs = await this.#rows.rewrite({ ...group, files: without }, stem);
    checkRows(group, this.#repeats.repeatsIn(group), outputs);
    return outputs;
  }
}

/** Exactly the repeats must be gone; other deletes of a file may take more. */
function checkRows({ files }: RewriteGroup, repeats: number, outputs: readonly DataFile[]): void {
  const sum = (files: readonly DataFile[]) => files.reduce((total, { recordCount }) => total + recordCount, 0);
  const expected = sum(files.map(({ dataFile }) => dataFile)) - repeats, found = sum(outputs);
  const isDeleted = files.some(({ deletes }) => deletes.length > 0);
  if (found === expected || (isDeleted && found < expected)) return;
  throw new StreamlabError(
    "corrupt",
    `Cannot remove repeats from ${files[0]!.dataFile.path}: ${counted(found, "row")} would stay instead of ${expected}`,
    { hint: "Nothing was changed; look into the table's files" },
  );
}

/** Merge-on-read: the positions become a delete file of the table. */
class DeletingRewriter implements GroupRewriter {
  readonly #table: LoadedTable;
  readonly #rows: GroupRewriter;
  readonly #written: Repeats["written"];

  constructor(table: LoadedTable, rows: GroupRewriter, written: Repeats["written"]) {
    this.#table = table;
    this.#rows = rows;
    this.#written = written;
  }

  folderOf(group: RewriteGroup): string {
    return this.#rows.folderOf(group);
  }

  /** No data file is read again. */
  prefetch(): void {}

  settle(): Promise<void> {
    return Promise.resolve();
  }

  async rewrite(group: RewriteGroup, stem: string): Promise<DataFile[]> {
    const { io: { location }, metadata } = this.#table;
    const { specId, partition, files } = group;
    const file = this.#written.get(group)!;
    const folder = this.folderOf(group);
    const nameOf = (number: number) => dataFileName(stem, number);
    const placed = await placeFiles(location.store, location.pathInStore("data"), [file], () => folder, nameOf);
    return placed.map(({ path, written }) =>
      buildDataFile({
        content: "position-deletes",
        path: location.uriOf(path),
        specId,
        partition,
        recordCount: Number(written.records),
        fileSizeBytes: Number(written.size),
        columns: [],
        referencedDataFile: files.length === 1 ? files[0]!.dataFile.path : undefined,
      }, currentSchema(metadata))
    );
  }
}
