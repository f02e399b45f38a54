import type { WrittenFile } from "../../engine/copy.ts";
import type { Field } from "../../iceberg/format/type.ts";
import { type BloomFilterSize, bloomFilterSize } from "../../tables/write/parquet/bloom_filter.ts";
import { constantChunk } from "../../tables/write/parquet/constant_chunk.ts";
import type { EncodedChunk } from "../../tables/write/parquet/encoded_chunk.ts";
import { type ParquetLeaf, ParquetSchema } from "../../tables/write/parquet/parquet_schema.ts";
import { PartitionedFiles } from "../../tables/write/parquet/partitioned_files.ts";
import { fileBytesTarget, type TargetTable } from "../../tables/write/target_table.ts";
import { type BatchConstants, constantOf } from "./batch_constants.ts";
import { ChunkEncoder, pageLimits } from "./chunk_encoder.ts";
import type { ReaderColumn, ReaderTable } from "./column_plan.ts";
import type { DroppedRows } from "./dropped_rows.ts";
import type { KeyCollector } from "./key_collector.ts";
import type { ReaderInstance } from "./reader_instance.ts";
import type { ReaderLimits } from "./reading.ts";
import { RowPartitions } from "./row_partitions.ts";

/** Fewer bytes of text are not worth a row group, however small the files are to be. */
const GROUP_BYTES_LEAST = 1 << 20;

/** With fewer rows to a partition, what a row group costs in itself is most of its cost. */
const PARTITION_ROWS_WORTH = 2_000;

export interface TableOutputOptions {
  table: TargetTable;
  /** The columns of its files. */
  fields: readonly Field[];
  /** The table in the reader's memory. */
  columns: ReaderTable;
  constants: BatchConstants;
  limits: ReaderLimits;
  /** Rows that go to no file. */
  dropped?: DroppedRows | undefined;
  /** Takes the keys of rows before they are written. */
  keys?: KeyCollector | undefined;
  nextPath: () => string;
}

/** The data files of one table: rows wait in the reader's columns until they are a row group. */
export class TableOutput {
  readonly #reader: ReaderInstance;
  readonly #table: number;
  readonly #partitions: RowPartitions;
  #dropped: DroppedRows | undefined;
  #keys: KeyCollector | undefined;
  readonly #encoder: ChunkEncoder;
  readonly #files: PartitionedFiles;
  readonly #bloomFilters: readonly (BloomFilterSize | undefined)[];
  /** Rows that are written: more where they are of many partitions. */
  #groupRows: number;
  readonly #groupRowsLeast: number;
  readonly #heldRowsMax: number;
  /** Bytes of text in a row group: a file is not to grow far above its target. */
  readonly #groupBytesMax: number;
  readonly #sources: readonly (ReaderColumn | Uint8Array)[];
  #flushedRows = 0;

  constructor(reader: ReaderInstance, options: TableOutputOptions) {
    const { table, fields, columns, constants, limits, dropped, keys, nextPath } = options;
    const schema = new ParquetSchema(fields);
    this.#reader = reader;
    this.#table = columns.handle;
    this.#partitions = new RowPartitions(reader, columns, constants, table);
    this.#dropped = dropped;
    this.#keys = keys;
    this.#encoder = new ChunkEncoder(reader.calls, pageLimits(table.properties));
    const bytesTarget = fileBytesTarget(table);
    this.#groupRowsLeast = limits.groupRows;
    this.#groupRows = limits.groupRows;
    this.#heldRowsMax = limits.heldRows;
    this.#groupBytesMax = Math.max(Math.min(bytesTarget, limits.groupBytes), GROUP_BYTES_LEAST);
    this.#files = new PartitionedFiles({
      schema,
      nextPath,
      fileBytesTarget: bytesTarget,
      heldBytesMax: limits.heldBytes,
    });
    this.#bloomFilters = schema.leaves.map((leaf) => bloomFilterSize(table.properties, leaf));
    this.#sources = schema.leaves.map((leaf) => sourceOf(leaf, columns, constants));
  }

  /** All that there have been, the dropped ones included. */
  get rows(): number {
    return this.#flushedRows + this.#reader.calls.rowsOf(this.#table);
  }

  /** To be called between records, often: writes the rows when they are enough. */
  settle(): void {
    const { calls } = this.#reader;
    const table = this.#table, rows = calls.rowsOf(table);
    const isFull = calls.isFull(table) || calls.arenaBytes(table) >= this.#groupBytesMax;
    if (!isFull && rows < this.#groupRows) return;
    const partitions = this.#partitions.number();
    const isTooFew = rows < partitions * PARTITION_ROWS_WORTH && rows * 2 <= this.#heldRowsMax;
    if (isFull || !isTooFew) this.#write(partitions);
    else this.#groupRows = rows * 2;
  }

  /** Whether more rows than a row group's were held at once. */
  get hasHeldMore(): boolean {
    return this.#groupRows > this.#groupRowsLeast;
  }

  /**
   * Whether all rows still wait. Then their keys are taken, and they may be finished later. No more
   * are added.
   */
  hold(): boolean {
    if (this.#flushedRows > 0) return false;
    this.#keys?.take();
    this.#keys = undefined;
    return true;
  }

  /** Writes what is left. `dropped`: of what was held. */
  finish(dropped = this.#dropped): WrittenFile[] {
    this.#dropped = dropped;
    this.#flush();
    return this.#files.finish();
  }

  /** Closes the files that are not finished: the work has broken off. */
  abandon(): void {
    this.#files.abandon();
  }

  #flush(): void {
    if (this.#reader.calls.rowsOf(this.#table) > 0) this.#write(this.#partitions.number());
  }

  /** The rows, which have been numbered by their partitions. */
  #write(partitions: number): void {
    const { calls } = this.#reader;
    this.#keys?.take();
    this.#flushedRows += calls.rowsOf(this.#table);
    // Rows of the number behind the last partition's are in none.
    this.#dropped?.mark(partitions);
    calls.flushBegin(this.#table, partitions + (this.#dropped === undefined ? 0 : 1));
    for (let partition = 0; partition < partitions; partition++) {
      const rows = calls.partitionRows(this.#table, partition);
      if (rows === 0) continue;
      this.#files.writeRowGroup(
        String(partition),
        this.#partitions.valuesOf(partition),
        rows,
        (leaf, index) => this.#chunkOf(leaf, index, partition, rows),
      );
    }
    calls.flushEnd(this.#table);
  }

  #chunkOf(leaf: ParquetLeaf, index: number, partition: number, rows: number): EncodedChunk {
    const source = this.#sources[index]!;
    if (source instanceof Uint8Array) return constantChunk(source, rows);
    const { calls } = this.#reader;
    return this.#encoder.encode(
      leaf,
      this.#bloomFilters[index],
      () => calls.encodeColumn(this.#table, source.index, partition),
    );
  }
}

/** A column of the reader's, or the one value of the batch. */
function sourceOf(
  { names }: ParquetLeaf,
  { columns }: ReaderTable,
  constants: BatchConstants,
): ReaderColumn | Uint8Array {
  const constant = constantOf(names, constants);
  if (constant !== undefined) return new Uint8Array(new BigInt64Array([constant]).buffer);
  return columns.find(({ path }) => path.length === names.length && path.every((name, at) => name === names[at]))!;
}
