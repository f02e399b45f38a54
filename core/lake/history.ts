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
import { type HistoryChoice, NewestLines, type OrderRange } from "./newest_lines.ts";
import { UPKEEP_RECORD_FORMAT, type UpkeepRecord } from "./upkeep_history.ts";

/** Files below the size that is final: so many are joined. */
const SMALL_FILES_MAX = 32;
const FINAL_BYTES = 1_000_000;
const READS_PARALLEL = 16;
/** Files that were joined meanwhile are looked for again. */
const LOOKS_MAX = 3;
/** Of a file's text at once: the whole has thirty times the bytes of the file. */
const CHUNK_BYTES = 1 << 18;
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
  /** Grows from one record of a table to the next; by the text of its line alone. */
  orderOf(line: string): number;
  /** A file of that size, as it is stored, is not joined again. */
  finalBytes: number;
  /** Files of the final size that are kept, the newest. */
  finalFilesMax: number;
}

export const BATCHES: HistoryKind<BatchRecord> = {
  name: "batches",
  format: BATCH_RECORD_FORMAT,
  keyOf: ({ table, batchId }) => `${batchId} ${table}`,
  orderOf: (line) => Number(/"batchId":(\d+)/.exec(line)?.[1]),
  finalBytes: FINAL_BYTES,
  finalFilesMax: Infinity,
};

export const UPKEEP: HistoryKind<UpkeepRecord> = {
  name: "upkeep",
  format: UPKEEP_RECORD_FORMAT,
  keyOf: ({ id }) => id,
  orderOf: (line) => Date.parse(/"startedAt":"([^"]+)"/.exec(line)?.[1] ?? ""),
  // A piece takes some sixty bytes: several hundred thousand of them.
  finalBytes: FINAL_BYTES,
  finalFilesMax: 32,
};

/** The records of one kind, of all tables of a lake. */
export class History<T extends { format: number }> {
  readonly #tools: HistoryTools;
  readonly #kind: HistoryKind<T>;
  readonly #folder: string;
  readonly #place: OwnPlace;
  /** Where a file of the final size begins and ends for a table, by both: it never changes. */
  readonly #ranges = new Map<string, OrderRange>();

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

  /**
   * Those records of a table, the newest first. Few files are opened for it: they are written one
   * after another, so those of the final size are opened from the newest on until all are found.
   */
  async newest(table: string, choice: HistoryChoice): Promise<T[]> {
    for (let look = 1;; look++) {
      const found = new NewestLines(table, choice, this.#kind.orderOf);
      const isWhole = await this.#lookThrough(found);
      if (!isWhole && look < LOOKS_MAX) continue;
      const records = found.lines().map((line) => parseRecord(this.#kind.format, line, `in ${this.#folder}`));
      const known = new Map(records.map((record) => [this.#kind.keyOf(record), record]));
      return [...known.values()].slice(0, choice.count);
    }
  }

  /** False where a file was gone: it was joined into one that the listing did not show. */
  async #lookThrough(found: NewestLines): Promise<boolean> {
    const files = (await this.#list()).sort((a, b) => a.path < b.path ? 1 : -1);
    let isWhole = true;
    // What may yet be joined is in no certain order.
    for (const { path } of files.filter(({ size }) => size < this.#kind.finalBytes)) {
      isWhole = await this.#addLines(path, found) !== undefined && isWhole;
    }
    for (const { path } of files.filter(({ size }) => size >= this.#kind.finalBytes)) {
      if (found.isEnough()) break;
      const key = `${path} ${found.table}`, known = this.#ranges.get(key);
      const range = known === undefined || found.overlaps(known) ? await this.#addLines(path, found) : known;
      if (range === undefined) isWhole = false;
      else this.#ranges.set(key, range);
      if (range !== undefined && found.isBehind(range)) break;
    }
    return isWhole;
  }

  /** What the file holds of the table; undefined where it is gone. */
  async #addLines(path: string, found: NewestLines): Promise<OrderRange | undefined> {
    const range = { first: Infinity, last: -Infinity };
    const portions = await this.#openFile(path);
    if (portions === undefined) return undefined;
    for await (const lines of portions) found.add(lines, range);
    return range;
  }

  /** None where it is gone: then another file has its records. */
  async *#readFile(path: string): AsyncGenerator<T[]> {
    for await (const lines of await this.#openFile(path) ?? []) {
      for (let at = 0; at < lines.length; at += PORTION) {
        yield lines.slice(at, at + PORTION).map((line) => parseRecord(this.#kind.format, line, path));
      }
    }
  }

  async #openFile(path: string): Promise<AsyncGenerator<string[]> | undefined> {
    const bytes = await ifFound(this.#tools.store.read(path));
    return bytes && linesOf(bytes);
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
    const final = files.filter(({ size }) => size >= this.#kind.finalBytes).map(({ path }) => path).sort();
    await deleteOwn(store, final.slice(0, -this.#kind.finalFilesMax), [this.#place]);
    const others = files.filter(({ size }) => size < this.#kind.finalBytes);
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

/** Lines that are not empty, of gzip members behind each other. */
async function* linesOf(bytes: Uint8Array): AsyncGenerator<string[]> {
  const unpacker = zlib.createGunzip({ chunkSize: CHUNK_BYTES });
  unpacker.end(bytes);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of unpacker) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield lines.filter((line) => line !== "");
  }
  if (rest !== "") yield [rest];
}
