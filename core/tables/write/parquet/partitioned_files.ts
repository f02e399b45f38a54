import type { WrittenFile } from "../../../engine/copy.ts";
import type { EncodedChunk } from "./encoded_chunk.ts";
import { ParquetFile } from "./parquet_file.ts";
import type { ParquetLeaf, ParquetSchema } from "./parquet_schema.ts";

/** With more files than that, none keeps its handle between its row groups. */
const FILES_OPEN_MAX = 64;
const HELD_BYTES_MAX = 32 << 20;
/** What a file keeps of a column besides. */
const COLUMN_BYTES = 256;

export interface PartitionedFilesOptions {
  schema: ParquetSchema;
  /** Paths that no file has; each is asked for once. */
  nextPath: () => string;
  /** A file that has grown to so many bytes is finished, and another is begun. */
  fileBytesTarget: number;
  /** What all files together may keep for their footers, or have waiting to be written. */
  heldBytesMax?: number;
}

interface OpenFile {
  file: ParquetFile;
  partition: (string | null)[];
}

/**
 * The data files of many partitions at once, in memory that does not grow with their number: small
 * ones wait until they are written by one call, and where there are too many they are finished
 * early.
 */
export class PartitionedFiles {
  readonly #options: PartitionedFilesOptions;
  readonly #heldBytesMax: number;
  readonly #open = new Map<string, OpenFile>();
  readonly #written: WrittenFile[] = [];
  #heldBytes = 0;

  constructor(options: PartitionedFilesOptions) {
    this.#options = options;
    this.#heldBytesMax = options.heldBytesMax ?? HELD_BYTES_MAX;
  }

  /** `key` names a partition; `partition` are its values. */
  writeRowGroup(
    key: string,
    partition: (string | null)[],
    rows: number,
    chunkOf: (leaf: ParquetLeaf, index: number) => EncodedChunk,
  ): void {
    const { file } = this.#fileOf(key, partition);
    const before = file.heldBytes;
    file.writeRowGroup(rows, chunkOf);
    if (this.#open.size > FILES_OPEN_MAX && file.isOpen) file.suspend();
    this.#heldBytes += file.heldBytes - before;
    if (file.size >= this.#options.fileBytesTarget) this.#finish(key);
    if (this.#heldBytes > this.#heldBytesMax) this.#release();
  }

  /** Finishes all files: those of these partitions, and those that were full before. */
  finish(): WrittenFile[] {
    for (const key of [...this.#open.keys()]) this.#finish(key);
    return this.#written.splice(0);
  }

  /** Closes those that are not finished, which are of no use any more. */
  abandon(): void {
    for (const { file } of this.#open.values()) file.abandon();
    this.#open.clear();
  }

  #fileOf(key: string, partition: (string | null)[]): OpenFile {
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const { schema, nextPath } = this.#options;
    const made = { file: new ParquetFile(nextPath(), schema), partition };
    this.#open.set(key, made);
    this.#heldBytes += this.#held(made.file);
    return made;
  }

  #held(file: ParquetFile): number {
    return file.heldBytes + this.#options.schema.leaves.length * COLUMN_BYTES;
  }

  #finish(key: string): void {
    const { file, partition } = this.#open.get(key)!;
    this.#open.delete(key);
    this.#heldBytes -= this.#held(file);
    this.#written.push(file.finish(partition));
  }

  /** Writes what is waiting; where footers alone are too much, finishes the files. */
  #release(): void {
    this.#heldBytes = 0;
    for (const { file } of this.#open.values()) {
      file.suspend();
      this.#heldBytes += this.#held(file);
    }
    if (this.#heldBytes <= this.#heldBytesMax / 2) return;
    for (const key of [...this.#open.keys()]) this.#finish(key);
  }
}
