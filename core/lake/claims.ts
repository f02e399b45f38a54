import { mapParallel } from "../base/parallel.ts";
import type { Store } from "../storage/store.ts";
import { uriKey } from "../storage/uri.ts";
import { readPlan, readRouted, unknownRecord } from "./checkpoint.ts";
import { originOf } from "./data_file_name.ts";
import { readIntent } from "./intent.ts";
import { lastBatchOf } from "./keys.ts";
import { readRemoval } from "./removal.ts";
import { CHECKPOINTS_FOLDER, recordAt, type RecordPath } from "./layout.ts";
import { filesNamedBy, type LakeRecord } from "./named_files.ts";

/** Records read at once. */
const READ_PARALLEL = 16;

/** Where a record is that claims files. */
export type ClaimingPath = Exclude<RecordPath, { kind: "unknown" | "failures" }>;

/** A batch of a target. */
interface Batch {
  target: string;
  batchId: bigint;
}

/** A file in a table's store. */
export interface FileInTable {
  /** Its path in the table's folder. */
  pathInTable: string;
  /** Its path in the store. */
  path: string;
  /** As metadata spells it. */
  uri: string;
}

/**
 * Files that must stay although no metadata names them: those of batches that are planned and
 * perhaps not committed, and of rewrites in flight. Read after the files were listed: a file that
 * is announced later was written later, too. And those that wait for their readers to end, which
 * are old: read after the metadata that names them no more, as an expiry writes them down before
 * its commit.
 */
export class Claims {
  /** Batches by the paths that their records name in tables' folders. */
  readonly #routed = new Map<string, Batch[]>();
  /** Batches of which copies may lie in these folders of tables. */
  readonly #copied = new Map<string, Batch[]>();
  /** Any attempt at these may still win, or make files of deletes. */
  readonly #open: readonly Batch[];
  /** Of rewrites. */
  readonly #stems: string[] = [];
  /** By `uriKey`. */
  readonly #uris = new Set<string>();
  /** Names of raw files. */
  readonly #raw = new Set<string>();

  private constructor(records: readonly LakeRecord[]) {
    for (const record of records) this.#claim(record);
    const keyOf = ({ target, batchId }: Batch) => `${target} ${batchId}`;
    const isOpen = (each: LakeRecord) => filesNamedBy(each).some(({ kind }) => kind === "beside");
    const routed = new Set(
      records.flatMap((each) => each.kind === "routed" && !isOpen(each) ? [keyOf(batchOf(each))] : []),
    );
    this.#open = records
      .flatMap((each) => each.kind === "plan" || (each.kind === "routed" && isOpen(each)) ? [batchOf(each)] : [])
      .filter((batch) => !routed.has(keyOf(batch)));
  }

  /**
   * Intents of the ids in `settled` count no more, nor does a record that `counts` leaves out.
   * Fails with `corrupt` where a record cannot be read, and with `newer` where a newer streamlab
   * made it: nothing may be removed then.
   */
  static async read(
    store: Store,
    settled: ReadonlySet<string>,
    counts: (record: ClaimingPath) => boolean = () => true,
  ): Promise<Claims> {
    const found: ClaimingPath[] = [];
    for await (const { path } of store.list(`${CHECKPOINTS_FOLDER}/`)) {
      const record = recordAt(path);
      if (record?.kind === "unknown") throw unknownRecord(path);
      if (record === undefined || !isClaiming(record) || !counts(record)) continue;
      if (record.kind !== "intent" || !settled.has(record.id)) found.push(record);
    }
    const records = await mapParallel(found, READ_PARALLEL, (each) => readLakeRecord(store, each));
    return new Claims(records.filter((record) => record !== undefined));
  }

  /** Only of files that wait for their readers. */
  static readWaiting(store: Store): Promise<Claims> {
    return Claims.read(store, new Set(), ({ kind }) => kind === "removal");
  }

  /**
   * Whether somebody may still make the file part of the table that has these properties, which
   * were read after the claims. A table that has a batch takes it no more, so what it does not name
   * of it then is no longer needed.
   */
  has({ pathInTable, path, uri }: FileInTable, properties: Readonly<Record<string, string>>): boolean {
    if (this.#uris.has(uriKey(uri)) || this.#stems.some((stem) => path.startsWith(stem))) return true;
    const isOpen = ({ target, batchId }: Batch) => batchId > lastBatchOf(properties, target);
    if (this.#routed.get(pathInTable)?.some(isOpen)) return true;
    const origin = originOf(path);
    if (origin?.kind !== "batch") return false;
    const batches = [...this.#open, ...this.#copied.get(folderOf(pathInTable)) ?? []];
    return batches.some((batch) => batch.batchId === origin.batchId && isOpen(batch));
  }

  /** Whether a record names the raw file, as the ledger calls it. */
  hasRaw(name: string): boolean {
    return this.#raw.has(name);
  }

  #claim(record: LakeRecord): void {
    for (const file of filesNamedBy(record)) {
      if (file.kind === "stem") this.#stems.push(file.stem);
      if (file.kind === "uri") this.#uris.add(uriKey(file.uri));
      if (file.kind === "raw") this.#raw.add(file.name);
      if (!("target" in record)) continue;
      if (file.kind === "in table") addTo(this.#routed, file.path, batchOf(record));
      if (file.kind === "copies") addTo(this.#copied, folderOf(file.path), batchOf(record));
    }
  }
}

function addTo(batches: Map<string, Batch[]>, key: string, batch: Batch): void {
  const known = batches.get(key) ?? [];
  const last = known.at(-1);
  // A record names many files of one folder.
  if (last?.target !== batch.target || last.batchId !== batch.batchId) known.push(batch);
  batches.set(key, known);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** What went wrong with a batch names no file. */
function isClaiming(record: RecordPath): record is ClaimingPath {
  return record.kind !== "unknown" && record.kind !== "failures";
}

function batchOf({ target, record }: Extract<LakeRecord, { target: string }>): Batch {
  return { target, batchId: BigInt(record.batchId) };
}

/** Undefined where it was removed since it was listed: its batch is done. */
async function readLakeRecord(store: Store, at: ClaimingPath): Promise<LakeRecord | undefined> {
  if (at.kind === "intent") {
    const record = await readIntent(store, at.id);
    return record && { kind: at.kind, record };
  }
  if (at.kind === "removal") {
    const record = await readRemoval(store, at.id);
    return record && { kind: at.kind, record };
  }
  const { kind, target } = at;
  if (kind === "plan") {
    const record = await readPlan(store, target, at.batchId);
    return record && { kind, target, record };
  }
  const record = await readRouted(store, target, at.batchId);
  return record && { kind, target, record };
}
