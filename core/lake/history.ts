/**
 * What was done in a lake, kept for people to ask: records as lines of JSON, in compressed files
 * below `checkpoints/history/`. A file is written once. When many small ones have gathered they are
 * joined into one, and go; whoever dies in between leaves records that are there twice, and readers
 * take each once, by its key. So any number of processes may write and join at once.
 */
import * as zlib from "node:zlib";
import type { Clock } from "../base/clock.ts";
import { ifFound, isKind } from "../base/errors.ts";
import { mapParallel } from "../base/parallel.ts";
import { type Random, uuidV7 } from "../base/random.ts";
import { deleteOwn, type OwnPlace } from "../storage/deletion.ts";
import type { Store } from "../storage/store.ts";
import { BATCH_RECORD_FORMAT, type BatchRecord } from "./batch_history.ts";
import { parseRecord, type RecordFormat, recordText } from "./durable_record.ts";
import { HISTORY_FOLDER } from "./layout.ts";
import { UPKEEP_RECORD_FORMAT, type UpkeepRecord } from "./upkeep_history.ts";

/** Files below the size that is final: so many are joined. */
const SMALL_FILES_MAX = 32;
/** A file of that size is not joined again. */
const FINAL_BYTES = 1_000_000;
const READS_PARALLEL = 16;
/** Records that are in memory at once: a file of the final size has some forty thousand. */
const PORTION = 1_000;

export interface HistoryTools {
  /** The lake's, for checkpoints. */
  store: Store;
  clock: Clock;
  random: Random;
}

interface HistoryKind<T extends { format: number }> {
  name: "batches" | "upkeep";
  format: RecordFormat<T>;
  keyOf(record: T): string;
  /** Files of the final size that are kept, the newest. */
  finalFilesMax: number;
}

export const BATCHES: HistoryKind<BatchRecord> = {
  name: "batches",
  format: BATCH_RECORD_FORMAT,
  keyOf: ({ table, batchId }) => `${batchId} ${table}`,
  finalFilesMax: Infinity,
};

export const UPKEEP: HistoryKind<UpkeepRecord> = {
  name: "upkeep",
  format: UPKEEP_RECORD_FORMAT,
  keyOf: ({ id }) => id,
  // A piece takes some sixty bytes: several hundred thousand of them.
  finalFilesMax: 32,
};

/** The records of one kind, of all tables of a lake. */
export class History<T extends { format: number }> {
  readonly #tools: HistoryTools;
  readonly #kind: HistoryKind<T>;
  readonly #folder: string;
  readonly #place: OwnPlace;

  constructor(kind: HistoryKind<T>, tools: HistoryTools) {
    this.#kind = kind;
    this.#tools = tools;
    this.#folder = `${HISTORY_FOLDER}/${kind.name}`;
    this.#place = { folder: this.#folder, isOwn: (name) => /^[0-9a-f-]{36}\.ndjson\.gz$/.test(name) };
  }

  /** They are durable when it returns. */
  async add(records: readonly T[]): Promise<void> {
    if (records.length === 0) return;
    const text = records.map((record) => recordText(record)).join("");
    await this.#write(zlib.gzipSync(new TextEncoder().encode(text)));
    await this.#join();
  }

  /** All records, each once, in portions and in no order that counts. */
  async *read(): AsyncGenerator<T[]> {
    const known = new Set<string>(), read = new Set<string>();
    // While a folder is listed, files in it may be joined into one that the listing does not show.
    for (let fresh = await this.#list(); fresh.length > 0;) {
      for (const { path } of fresh) {
        read.add(path);
        for await (const records of this.#readFile(path)) {
          yield records.filter((record) => {
            const key = this.#kind.keyOf(record);
            return !known.has(key) && known.add(key);
          });
        }
      }
      fresh = (await this.#list()).filter(({ path }) => !read.has(path));
    }
  }

  /** None where it is gone: then another file has its records. */
  async *#readFile(path: string): AsyncGenerator<T[]> {
    const bytes = await ifFound(this.#tools.store.read(path));
    if (bytes === undefined) return;
    const lines = new TextDecoder().decode(zlib.gunzipSync(bytes)).split("\n").filter((line) => line !== "");
    for (let at = 0; at < lines.length; at += PORTION) {
      yield lines.slice(at, at + PORTION).map((line) => parseRecord(this.#kind.format, line, path));
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { store, clock, random } = this.#tools;
    await store.write(`${this.#folder}/${uuidV7(random, clock.nowMs())}.ndjson.gz`, bytes);
  }

  /** Compressed files behind each other are one compressed file (RFC 1952, section 2.2). */
  async #join(): Promise<void> {
    const { store } = this.#tools;
    const files = await this.#list();
    // Their names begin with the time at which they were written.
    const final = files.filter(({ size }) => size >= FINAL_BYTES).map(({ path }) => path).sort();
    await deleteOwn(store, final.slice(0, -this.#kind.finalFilesMax), [this.#place]);
    const others = files.filter(({ size }) => size < FINAL_BYTES);
    const small = others.map(({ path }) => path), bytes = others.reduce((sum, { size }) => sum + size, 0);
    if (small.length < SMALL_FILES_MAX) return;
    try {
      const parts = await mapParallel(small, READS_PARALLEL, (path) => store.read(path));
      const joined = new Uint8Array(bytes);
      let at = 0;
      for (const part of parts) {
        joined.set(part, at);
        at += part.length;
      }
      await this.#write(joined);
    } catch (error) {
      // Another process joins the same files.
      if (isKind(error, "not-found")) return;
      throw error;
    }
    await deleteOwn(store, small, [this.#place]);
  }

  async #list(): Promise<{ path: string; size: number }[]> {
    const { store } = this.#tools;
    const paths: { path: string; size: number | undefined }[] = [];
    for await (const { path, info } of store.list(`${this.#folder}/`)) {
      if (this.#place.isOwn(path.slice(this.#folder.length + 1))) paths.push({ path, size: info?.size });
    }
    const files = await mapParallel(paths, READS_PARALLEL, async ({ path, size }) => {
      const known = size ?? (await store.stat(path))?.size;
      return known === undefined ? [] : [{ path, size: known }];
    });
    return files.flat();
  }
}
