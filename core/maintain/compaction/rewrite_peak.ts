/** How much memory a rewrite takes at its peak, estimated before it begins. Pure. */
import type { ScanFile } from "../../iceberg/scan/scan.ts";

export interface RewriteSize {
  files: number;
  /** Of the files, as they lie. */
  bytes: number;
  records: number;
  /** Partitions that are written at once: each has a writer of its own in every thread. */
  partitions: number;
  threads: number;
  /** Sorted rows are held until the last is there, as far as there is room; the rest is spilled. */
  isSorted?: boolean;
}

/**
 * Of files of one partition: a group stays in it. `size`: of others that are rewritten with them.
 */
export function rewriteSize(
  files: readonly ScanFile[],
  size: Omit<RewriteSize, "threads"> = { files: 0, bytes: 0, records: 0, partitions: 1 },
): Omit<RewriteSize, "threads"> {
  const all = files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]);
  return {
    files: size.files + all.length,
    bytes: size.bytes + all.reduce((sum, { fileSizeBytes }) => sum + fileSizeBytes, 0),
    records: size.records + files.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0),
    partitions: 1,
  };
}

/** Connection, statement, catalog. */
const BASE_BYTES = 24e6;
/** Footer, column readers and their buffers of an open file. */
const FILE_BYTES = 64e3;
/** Compressed columns against rows in memory. */
const UNPACKED = 8;
/** DuckDB's row group: the least that a writer holds before it writes. */
const ROW_GROUP_ROWS = 122_880;

/**
 * Every thread holds a row group that it reads, and one for each partition that it writes: leaving
 * out the partitions is what makes rewrites die of memory.
 */
export function rewritePeakBytes(size: RewriteSize): number {
  const { files, bytes, records, partitions, threads, isSorted = false } = size;
  const unpacked = bytes * UNPACKED;
  const rowGroup = records === 0 ? 0 : Math.min(unpacked, ROW_GROUP_ROWS * unpacked / records);
  const reading = Math.min(unpacked, threads * rowGroup);
  const writing = Math.min(unpacked + partitions * rowGroup, threads * partitions * rowGroup);
  return BASE_BYTES + files * FILE_BYTES + reading + writing + (isSorted ? unpacked : 0);
}
