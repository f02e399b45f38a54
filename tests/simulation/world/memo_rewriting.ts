import { createHash } from "node:crypto";
import { serialize } from "node:v8";
import { mapParallel } from "../../../core/base/parallel.ts";
import { seededRandom } from "../../../core/base/random.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import type { DataFile } from "../../../core/iceberg/format/data_file.ts";
import { TableIo } from "../../../core/iceberg/table_io.ts";
import { TableLocation } from "../../../core/iceberg/table_location.ts";
import type { ScanFile } from "../../../core/iceberg/scan/scan.ts";
import type { RewriteGroup } from "../../../core/maintain/compaction/compaction_plan.ts";
import { mayBeJoined } from "../../../core/maintain/compaction/joinable.ts";
import { folderOfGroup, type GroupRewriter, type Rewriting } from "../../../core/maintain/compaction/rewriting.ts";
import { storeWith } from "../../support/store_with.ts";

/** Files that a rewrite reads at once. */
const READS_PARALLEL = 8;
/** Stands for the stem of a try in what is remembered. */
const STEM = "stem";

/** What the real rewriting made of a group of files, once. */
interface Rewritten {
  outputs: DataFile[];
  /** What it did to the store after it had read every file once, in order. */
  operations: ({ reads: number } | { path: string; written: Uint8Array })[];
  hasReadRows: boolean;
}

/**
 * Rewrites each distinct group of files once, by the real rewriting, and remembers what came of it
 * by the bytes of the files.
 */
export class RewritingMemo {
  readonly #memo = new Map<string, Promise<Rewritten>>();
  readonly #open: () => Rewriting;

  constructor(open: () => Rewriting) {
    this.#open = open;
  }

  openRewriting(): Rewriting {
    return new MemoRewriting(this, this.#open);
  }

  rewritten(table: LoadedTable, group: RewriteGroup, contents: readonly Uint8Array[]): Promise<Rewritten> {
    const key = keyOf(table, group, contents);
    let rewritten = this.#memo.get(key);
    if (rewritten === undefined) this.#memo.set(key, rewritten = this.#rewrite(table, group, contents));
    return rewritten;
  }

  /** With a store that has just these files, and keeps what is done to it. */
  async #rewrite({ io, ...table }: LoadedTable, group: RewriteGroup, contents: readonly Uint8Array[]) {
    const { store, folder, recorded } = io.location;
    const paths = group.files.map(({ dataFile }) => io.location.pathOf(dataFile.path));
    const operations: Rewritten["operations"] = [];
    const read = (path: string) => {
      const reads = paths.indexOf(path);
      operations.push({ reads });
      return Promise.resolve(contents[reads]!);
    };
    const write = (path: string, written: Uint8Array) => {
      operations.push({ path, written });
      return Promise.resolve();
    };
    const location = new TableLocation(
      storeWith(store, {
        read,
        write,
        getFile: async (path, localPath) => Deno.writeFileSync(localPath, await read(path)),
        putFile: async (path, localPath) => await write(path, Deno.readFileSync(localPath)),
      }),
      folder,
      recorded,
    );
    const rewriting = this.#open();
    try {
      const rewriter = rewriting.rewriterOf({ ...table, io: new TableIo(location, seededRandom(1)) });
      const outputs = await rewriter.rewrite(group, STEM);
      const { hasReadRows = false } = rewriting;
      return { outputs, operations: operations.slice(contents.length), hasReadRows };
    } finally {
      await rewriting.close();
    }
  }
}

/** All that says what becomes of the group, but for the names of files. */
function keyOf({ io, metadata }: LoadedTable, group: RewriteGroup, contents: readonly Uint8Array[]): string {
  const { schemas, currentSchemaId, partitionSpecs, defaultSpecId, sortOrders, defaultSortOrderId } = metadata;
  const properties = Object.entries(metadata.properties).filter(([key]) => !key.startsWith("streamlab."));
  const place = [io.location.folder, io.location.recorded];
  const rules = [
    place,
    schemas,
    currentSchemaId,
    partitionSpecs,
    defaultSpecId,
    sortOrders,
    defaultSortOrderId,
    properties,
  ];
  const files = group.files.map(({ dataFile }) => ({ ...dataFile, path: "" }));
  const hash = createHash("sha1").update(serialize([rules, { ...group, files: [] }, files]));
  for (const content of contents) hash.update(`${content.length} `).update(content);
  return hash.digest("hex");
}

/**
 * A rewriting whose every step on the store is one of the simulation's: it reads each file, and
 * writes what the memo has for them under names of a new try. Deletes are left to the real one.
 */
class MemoRewriting implements Rewriting {
  readonly #memo: RewritingMemo;
  readonly #open: () => Rewriting;
  #real: Rewriting | undefined;
  hasReadRows = false;

  constructor(memo: RewritingMemo, open: () => Rewriting) {
    this.#memo = memo;
    this.#open = open;
  }

  async resolveDeletes(table: LoadedTable, files: readonly ScanFile[]): Promise<ScanFile[]> {
    if (files.every(({ deletes }) => deletes.length === 0)) return [...files];
    this.#real = this.#open();
    this.hasReadRows = true;
    return await this.#real.resolveDeletes(table, files);
  }

  rewriterOf(table: LoadedTable): GroupRewriter {
    return this.#real?.rewriterOf(table) ?? new MemoRewriter(this.#memo, table, () => this.hasReadRows = true);
  }

  async close(): Promise<void> {
    await this.#real?.close();
  }
}

class MemoRewriter implements GroupRewriter {
  readonly #memo: RewritingMemo;
  readonly #table: LoadedTable;
  readonly #noteRead: () => void;
  readonly #fetched = new Map<RewriteGroup, Promise<Uint8Array[]>>();

  constructor(memo: RewritingMemo, table: LoadedTable, noteRead: () => void) {
    this.#memo = memo;
    this.#table = table;
    this.#noteRead = noteRead;
  }

  folderOf(group: RewriteGroup): string {
    return folderOfGroup(this.#table.metadata, group);
  }

  prefetch(group: RewriteGroup): void {
    if (!mayBeJoined(group)) this.#fetched.set(group, this.#fetch(group));
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#fetched.values());
  }

  async rewrite(group: RewriteGroup, stem: string): Promise<DataFile[]> {
    const contents = await (this.#fetched.get(group) ?? this.#fetch(group));
    const { outputs, operations, hasReadRows } = await this.#memo.rewritten(this.#table, group, contents);
    if (hasReadRows) this.#noteRead();
    const { location } = this.#table.io;
    for (const operation of operations) {
      if ("reads" in operation) await location.store.read(location.pathOf(group.files[operation.reads]!.dataFile.path));
      else await location.store.write(renamed(operation.path, stem), operation.written);
    }
    return outputs.map((output) => ({ ...output, path: renamed(output.path, stem) }));
  }

  #fetch({ files }: RewriteGroup): Promise<Uint8Array[]> {
    const { location } = this.#table.io;
    return mapParallel(files, READS_PARALLEL, ({ dataFile }) => location.store.read(location.pathOf(dataFile.path)));
  }
}

function renamed(path: string, stem: string): string {
  return path.replace(`/${STEM}-`, `/${stem}-`);
}
