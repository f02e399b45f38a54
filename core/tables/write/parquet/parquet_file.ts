import { FileAppender } from "../../../disk/file_appender.ts";
import type { WrittenColumn, WrittenFile } from "../../../engine/copy.ts";
import type { ByteBounds, EncodedChunk } from "./encoded_chunk.ts";
import { type FooterChunk, MAGIC, type StoredRowGroup, writeFooter } from "./footer.ts";
import type { ParquetLeaf, ParquetSchema } from "./parquet_schema.ts";
import { comparePlain, plainText } from "./plain_value.ts";
import { storeChunk, type StoredChunk } from "./stored_chunk.ts";

/** What a file says of a column, over all row groups. */
interface ColumnTotal {
  size: number;
  values: number;
  nulls: number;
  nans: number;
  bounds: ByteBounds | undefined;
}

/** Writes a Parquet file, a row group after another. */
export class ParquetFile {
  readonly #schema: ParquetSchema;
  readonly #file: FileAppender;
  readonly #groups: StoredRowGroup[] = [];
  readonly #totals: ColumnTotal[];
  /** Bytes that are kept for the footer. */
  #footerBytes = 0;
  #rows = 0;

  constructor(path: string, schema: ParquetSchema) {
    this.#schema = schema;
    this.#file = new FileAppender(path);
    this.#file.append(MAGIC);
    this.#totals = schema.leaves.map(() => ({ size: 0, values: 0, nulls: 0, nans: 0, bounds: undefined }));
  }

  /** Bytes, without the footer. */
  get size(): number {
    return this.#file.size;
  }

  /** Bytes in memory: those for the footer, and those that are not written yet. */
  get heldBytes(): number {
    return this.#footerBytes + this.#file.waiting;
  }

  get isOpen(): boolean {
    return this.#file.isOpen;
  }

  /** The chunks in the order of the leaves; each is asked for when the one before is stored. */
  writeRowGroup(rows: number, chunkOf: (leaf: ParquetLeaf, index: number) => EncodedChunk): void {
    const offset = this.#file.size;
    const chunks = this.#schema.leaves.map((leaf, index) => {
      const chunk = chunkOf(leaf, index);
      const stored = storeChunk(this.#file, leaf, chunk);
      this.#count(leaf, this.#totals[index]!, stored, chunk.bounds);
      return stored;
    });
    this.#file.gather();
    const kept = keptForFooter(chunks);
    this.#footerBytes += kept.bytes;
    this.#groups.push({ offset, rows, chunks: kept.chunks });
    this.#rows += rows;
  }

  /** Gives the file's handle back until more is written. */
  suspend(): void {
    this.#file.close();
  }

  /** Closes the file, which is of no use any more. */
  abandon(): void {
    this.#file.abandon();
  }

  /** Writes the footer and closes the file. */
  finish(partition: (string | null)[]): WrittenFile {
    writeFooter(this.#file, this.#schema, this.#groups);
    this.#file.close();
    return {
      path: this.#file.path,
      records: BigInt(this.#rows),
      size: BigInt(this.#file.size),
      partition,
      columns: this.#schema.leaves.map((leaf, index) => writtenColumn(leaf, this.#totals[index]!)),
    };
  }

  #count(leaf: ParquetLeaf, total: ColumnTotal, stored: StoredChunk, bounds: ByteBounds | undefined): void {
    total.size += stored.storedBytes;
    total.values += stored.levels;
    total.nulls += stored.nulls;
    total.nans += stored.nans;
    if (bounds !== undefined) total.bounds = widened(leaf, total.bounds, bounds);
  }
}

/**
 * The metadata of a row group's chunks in one piece of memory: each of many small ones takes
 * several times its bytes. Without page indexes where all columns have one page each.
 */
function keptForFooter(chunks: readonly StoredChunk[]): { chunks: FooterChunk[]; bytes: number } {
  const isIndexed = chunks.some(({ pages }) => pages > 1);
  const kept = chunks.map(({ makeIndex, ...chunk }): FooterChunk => {
    return { ...chunk, index: isIndexed ? makeIndex() : undefined };
  });
  const whole = new Uint8Array(kept.reduce((sum, { metadata }) => sum + metadata.length, 0));
  let end = 0, indexBytes = 0;
  for (const chunk of kept) {
    whole.set(chunk.metadata, end);
    chunk.metadata = whole.subarray(end, end += chunk.metadata.length);
    indexBytes += (chunk.index?.offsets.length ?? 0) + (chunk.index?.columns?.length ?? 0);
  }
  return { chunks: kept, bytes: whole.length + indexBytes };
}

function widened(leaf: ParquetLeaf, known: ByteBounds | undefined, { min, max }: ByteBounds): ByteBounds {
  return {
    min: known !== undefined && comparePlain(leaf, known.min, min) <= 0 ? known.min : min,
    max: known !== undefined && comparePlain(leaf, known.max, max) >= 0 ? known.max : max,
  };
}

function writtenColumn(leaf: ParquetLeaf, { size, values, nulls, nans, bounds }: ColumnTotal): WrittenColumn {
  return {
    path: leaf.names,
    size: BigInt(size),
    values: BigInt(values),
    nulls: BigInt(nulls),
    hasNan: nans > 0,
    min: bounds && plainText(leaf, bounds.min),
    max: bounds && plainText(leaf, bounds.max),
  };
}
