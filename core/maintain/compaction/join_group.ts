import { counted } from "../../base/counted.ts";
import { stopped, StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { dataFileName } from "../../lake/data_file_name.ts";
import { checkPages, pagesIn } from "../../tables/read/parquet/page_checks.ts";
import { joinedDataFile } from "../../tables/write/joined_data_file.ts";
import { joinFiles } from "../../tables/write/parquet/joined_file.ts";
import type { RewriteGroup } from "./compaction_plan.ts";
import { JOINED_MAX, mayBeJoined } from "./joinable.ts";
import { folderOfGroup, type GroupRewriter, type Rewriting } from "./rewriting.ts";
import { damagedError } from "./sound_files.ts";

const READS_PARALLEL = 8;

/**
 * Joins small files without reading their rows: their row groups become those of one file. What it
 * cannot join, and what is large enough to be packed better, is rewritten by another, which is
 * opened when it is needed first.
 */
export class JoiningRewriting implements Rewriting {
  readonly #open: () => Promise<Rewriting>;
  readonly #stop: AbortSignal | undefined;
  #opened: Promise<Rewriting> | undefined;

  /** `stop`: ends a group in the middle, with `interrupted`. */
  constructor(open: () => Promise<Rewriting>, stop?: AbortSignal) {
    this.#open = open;
    this.#stop = stop;
  }

  get hasReadRows(): boolean {
    return this.#opened !== undefined;
  }

  async resolveDeletes(table: LoadedTable, files: readonly ScanFile[]): Promise<ScanFile[]> {
    if (files.every(({ deletes }) => deletes.length === 0)) return [...files];
    return await (await this.#other()).resolveDeletes(table, files);
  }

  rewriterOf(table: LoadedTable): GroupRewriter {
    let rewriter: Promise<GroupRewriter> | undefined;
    const other = () => rewriter ??= this.#other().then((rewriting) => rewriting.rewriterOf(table));
    return new JoiningRewriter(table, other, this.#stop);
  }

  async close(): Promise<void> {
    // Who failed to open it was told.
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.close();
  }

  #other(): Promise<Rewriting> {
    return this.#opened ??= this.#open();
  }
}

class JoiningRewriter implements GroupRewriter {
  readonly #table: LoadedTable;
  readonly #other: () => Promise<GroupRewriter>;
  readonly #stop: AbortSignal | undefined;
  #used: Promise<GroupRewriter> | undefined;

  constructor(table: LoadedTable, other: () => Promise<GroupRewriter>, stop: AbortSignal | undefined) {
    this.#table = table;
    this.#other = other;
    this.#stop = stop;
  }

  folderOf(group: RewriteGroup): string {
    return folderOfGroup(this.#table.metadata, group);
  }

  /** What is to be joined is small, and there soon. */
  prefetch(group: RewriteGroup): void {
    if (mayBeJoined(group)) return;
    // Who cannot open it is told when it is needed.
    this.#used = this.#other();
    this.#used.then((other) => other.prefetch(group), () => {});
  }

  async settle(): Promise<void> {
    const other = await this.#used?.catch(() => undefined);
    await other?.settle();
  }

  async rewrite(group: RewriteGroup, stem: string): Promise<DataFile[]> {
    const joined = mayBeJoined(group) ? await this.#join(group, stem) : undefined;
    if (joined !== undefined) return [joined];
    this.#used = this.#other();
    return await (await this.#used).rewrite(group, stem);
  }

  /** Undefined where these files are not to be joined. */
  async #join(group: RewriteGroup, stem: string): Promise<DataFile | undefined> {
    const { io: { location }, metadata } = this.#table;
    const files = group.files.map(({ dataFile }) => dataFile);
    const contents = await mapParallel(files, READS_PARALLEL, async ({ path, fileSizeBytes }) => {
      if (this.#stop?.aborted) throw stopped("the rewrite");
      const bytes = await location.store.read(location.pathOf(path), { bytesMax: JOINED_MAX.bytes });
      if (bytes.length !== fileSizeBytes) throw otherSize(path, bytes.length, fileSizeBytes);
      return bytes;
    });
    // Damage that is copied would outlive the file that could have been restored.
    for (const [index, bytes] of contents.entries()) {
      const check = await checkPages(pagesIn(bytes));
      if (check.state === "damaged") throw damagedError(files[index]!.path, check.where);
      if (check.state === "unchecked") return undefined;
    }
    const joined = joinFiles(contents, JOINED_MAX.rowGroups);
    const rows = files.reduce((sum, { recordCount }) => sum + recordCount, 0);
    // Whose footers contradict the manifests is left to a rewrite, which says what is wrong.
    if (joined === undefined || joined.rows !== rows) return undefined;
    const folder = this.folderOf(group);
    const path = `data/${folder}${folder === "" ? "" : "/"}${dataFileName(stem, 0)}`;
    await location.store.write(location.pathInStore(path), joined.bytes);
    const { bytes: { length }, splitOffsets } = joined;
    const place = { uri: location.uriOf(path), fileSizeBytes: length, splitOffsets };
    return joinedDataFile(files, place, currentSchema(metadata));
  }
}

function otherSize(path: string, found: number, listed: number): StreamlabError {
  return new StreamlabError(
    "corrupt",
    `Cannot rewrite ${path}: it has ${counted(found, "byte")}, and its manifest says ${listed}`,
    { hint: "Nothing was changed; look into the table's files" },
  );
}
