import { isKind, StreamlabError } from "../base/errors.ts";
import { createFileSync, Scratch, writeFileSync } from "../disk/scratch.ts";
import type { Store } from "../storage/store.ts";
import { mapParallel } from "../base/parallel.ts";
import type { PlannedFile } from "../lake/batch_plan.ts";
import { type FilePiece, sizeOfPieces } from "../lake/file_survey.ts";
import { Gate } from "../base/gate.ts";
import { type LocalBytes, Spool } from "../disk/spool.ts";

/**
 * Requests in flight at once. A small object takes one round trip, so only many at once fill the
 * line.
 */
export const REQUESTS_MAX = 512;
/**
 * Bytes of one request; a larger file takes several at once, at most this many (see `S3Limits`).
 */
const REQUEST_BYTES = 8 << 20;
const REQUESTS_PER_FILE_MAX = 8;
/** Bytes that are fetched ahead for the next batch. */
const AHEAD_BYTES_MAX = 256 << 20;
/** Up to this size a file goes through memory into a spool; larger ones get a file of their own. */
const SPOOLED_BYTES_MAX = 128 << 10;

/** A planned file, of which perhaps only some is needed. */
export interface CopiedFile extends PlannedFile {
  pieces?: readonly FilePiece[] | undefined;
}

/** Why there is no copy of a planned file: it has changed or vanished. */
export type Missing = "changed" | "vanished";

/**
 * Brings files of a remote store to this disk, each in the planned version: reads are conditional
 * on the etag. While one batch is routed, the files of the next one are fetched.
 */
export class RawCopies {
  readonly #gate = new Gate(REQUESTS_MAX);
  #generations = 0;
  #batch: Copies | undefined;
  #ahead: Copies | undefined;
  #expected: readonly PlannedFile[] = [];
  readonly #store: Store;
  readonly #folder: string;

  /** `folder` is made when it is needed. */
  constructor(store: Store, folder: string) {
    this.#store = store;
    this.#folder = folder;
  }

  /**
   * Announces the likely files of the next batch. They are fetched now, or when the batch in flight
   * has all its files.
   */
  expect(files: readonly PlannedFile[], when: "now" | "later"): void {
    this.#expected = files;
    if (when === "now") this.fetchAhead();
  }

  /** The batch in flight has all its files. */
  fetchAhead(): void {
    const files = this.#expected;
    this.#expected = [];
    if (files.length > 0) (this.#ahead ??= this.#generation()).fetchAhead(files);
  }

  /** A batch begins and takes over what was fetched ahead. */
  begin(): void {
    this.end();
    this.#batch = this.#ahead ?? this.#generation();
    this.#ahead = undefined;
  }

  /** A copy that exists until the batch ends; or why there is none, if the file has changed. */
  async take(file: CopiedFile): Promise<LocalBytes | Missing> {
    return await this.#batch!.take(file);
  }

  /**
   * When this returns, all copies are on the disk and readable. Fails with `unavailable` (disk
   * full, say).
   */
  flush(): void {
    this.#batch?.flush();
  }

  /** The batch has ended: removes its copies and files that were fetched for nothing. */
  end(): void {
    this.#batch?.remove();
    this.#batch = undefined;
  }

  /** Removes all copies. */
  close(): void {
    this.end();
    this.#ahead?.remove();
    this.#ahead = undefined;
  }

  #generation(): Copies {
    return new Copies(this.#store, this.#gate, `${this.#folder}/${this.#generations++}`);
  }
}

/** Copies that are removed together. */
class Copies {
  readonly #ahead = new Map<string, Promise<LocalBytes | Missing>>();
  #aheadBytes = 0;
  #scratch: Scratch | undefined;
  #spool: Spool | undefined;
  #count = 0;
  #removed = false;
  readonly #store: Store;
  readonly #gate: Gate;
  readonly #folder: string;

  constructor(store: Store, gate: Gate, folder: string) {
    this.#store = store;
    this.#gate = gate;
    this.#folder = folder;
  }

  fetchAhead(files: readonly PlannedFile[]): void {
    for (const file of files) {
      const key = keyOf(file);
      if (this.#ahead.has(key)) continue;
      if (this.#aheadBytes + file.size > AHEAD_BYTES_MAX) return;
      this.#aheadBytes += file.size;
      const copying = this.#copy(file);
      // A failure is reported only if the file is asked for.
      copying.catch(() => undefined);
      this.#ahead.set(key, copying);
    }
  }

  async take(file: CopiedFile): Promise<LocalBytes | Missing> {
    try {
      return await (this.#ahead.get(keyOf(file)) ?? this.#copy(file));
    } catch (error) {
      if (!(error instanceof StreamlabError) || !this.#ahead.delete(keyOf(file))) throw error;
      // It failed while it was only fetched ahead; now it is needed and gets another attempt.
      return await this.#copy(file);
    }
  }

  flush(): void {
    this.#spool?.flush();
  }

  remove(): void {
    this.#removed = true;
    this.#spool?.close();
    this.#scratch?.remove();
  }

  async #copy(file: CopiedFile): Promise<LocalBytes | Missing> {
    const size = file.pieces === undefined ? file.size : sizeOfPieces(file.pieces);
    const weight = Math.min(REQUESTS_PER_FILE_MAX, Math.max(1, Math.ceil(size / REQUEST_BYTES)));
    try {
      return await this.#gate.pass(weight, () => this.#fetch(file));
    } catch (error) {
      if (isKind(error, "conflict")) return "changed";
      if (isKind(error, "not-found")) return "vanished";
      throw error;
    }
  }

  async #fetch(file: CopiedFile): Promise<LocalBytes> {
    if (this.#removed) throw notNeeded(file);
    const scratch = this.#scratch ??= Scratch.create(this.#folder);
    const { path, size, etag, pieces } = file;
    if (pieces !== undefined) {
      const copy = scratch.path(String(this.#count++));
      await this.#fetchPieces(file, pieces, copy);
      return { path: copy };
    }
    if (size > SPOOLED_BYTES_MAX) {
      const copy = scratch.path(String(this.#count++));
      await this.#store.getFile(path, copy, { etag });
      return { path: copy };
    }
    const bytes = await this.#store.read(path, { etag });
    if (this.#removed) throw notNeeded(file);
    this.#spool ??= new Spool(scratch.path("spool"));
    return this.#spool.add(bytes);
  }

  /** Each where it stands in the whole file: what is between them takes no room on the disk. */
  async #fetchPieces({ path, etag }: PlannedFile, pieces: readonly FilePiece[], copy: string): Promise<void> {
    const file = createFileSync(copy);
    try {
      await mapParallel(pieces.flatMap(blocksOf), REQUESTS_PER_FILE_MAX, async ({ offset, size }) => {
        const bytes = await this.#store.readRange(path, offset, size, { etag });
        file.seekSync(offset, Deno.SeekMode.Start);
        writeFileSync(file, copy, bytes);
      });
    } finally {
      file.close();
    }
  }
}

/** A piece has no bound: what breaks off in its middle is one record, to the end of its file. */
function blocksOf({ offset, size }: FilePiece): { offset: number; size: number }[] {
  const blocks = Array.from({ length: Math.ceil(size / REQUEST_BYTES) }, (_, index) => index * REQUEST_BYTES);
  return blocks.map((from) => ({ offset: offset + from, size: Math.min(REQUEST_BYTES, size - from) }));
}

/** Not awaited: the batch has ended without this file. */
function notNeeded({ name }: PlannedFile): StreamlabError {
  return new StreamlabError("internal", `Cannot copy ${name}: it is not needed any more`);
}

function keyOf({ path, etag }: PlannedFile): string {
  return `${etag} ${path}`;
}
