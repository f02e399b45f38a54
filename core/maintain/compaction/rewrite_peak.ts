/** How much memory a rewrite takes at its peak, estimated before it begins. Pure. */

export interface RewriteSize {
  files: number;
  /** Of the files, as they lie. */
  bytes: number;
  records: number;
  /** Partitions that are written at once: each has a writer of its own in every thread. */
  partitions: number;
  threads: number;
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
export function rewritePeakBytes({ files, bytes, records, partitions, threads }: RewriteSize): number {
  const unpacked = bytes * UNPACKED;
  const rowGroup = records === 0 ? 0 : Math.min(unpacked, ROW_GROUP_ROWS * unpacked / records);
  const reading = Math.min(unpacked, threads * rowGroup);
  const writing = Math.min(unpacked + partitions * rowGroup, threads * partitions * rowGroup);
  return BASE_BYTES + files * FILE_BYTES + reading + writing;
}
