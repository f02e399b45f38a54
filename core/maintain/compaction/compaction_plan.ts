/** Which files are worth rewriting together. Pure. */
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { partitionKey } from "../../iceberg/format/partition_spec.ts";

export interface CompactionRule {
  /** The size that files should have, bytes. */
  targetFileSize: number;
  /** The fewest files that are worth rewriting. */
  inputsMin: number;
  /** Every file of a partition is rewritten, in one order over all of them. */
  sorts: boolean;
}

/** Files of one partition and spec that become new ones. */
export interface RewriteGroup {
  specId: number;
  partition: DataFile["partition"];
  files: ScanFile[];
  bytes: number;
  /** How many files they are to become. */
  outputs: number;
  /** More files of the partition are expected, so what is written is soon rewritten again. */
  isBusy?: boolean;
}

/** Sizes that are left alone, as parts of the target: the reference implementation's defaults. */
const SMALLEST = 0.75;
const LARGEST = 1.8;
/** Files are opened at once for a group. */
const INPUTS_MAX = 5_000;
/** A sort over more than that is done in pieces. */
const SORTED_BYTES_MAX = 100e9;

export function isSmall(file: DataFile, targetFileSize: number): boolean {
  return file.fileSizeBytes < SMALLEST * targetFileSize;
}

/** The files that can be rewritten, by partition and spec. */
export function byPartition(files: readonly ScanFile[]): ScanFile[][] {
  const parquet = files.filter(({ dataFile }) => dataFile.format === "parquet");
  return [...Map.groupBy(parquet, ({ dataFile }) => partitionKey(dataFile.specId, dataFile.partition)).values()];
}

export function planGroups(files: readonly ScanFile[], rule: CompactionRule): RewriteGroup[] {
  return byPartition(files).flatMap((partition) => {
    if (rule.sorts) return packSorted(partition).map((bin) => group(bin, rule.targetFileSize));
    const wanted = partition.filter((file) => isWanted(file, rule.targetFileSize));
    const small = wanted.filter(({ dataFile }) => isSmall(dataFile, rule.targetFileSize));
    const others = wanted.filter(({ dataFile }) => !isSmall(dataFile, rule.targetFileSize));
    const bins = [...packSmall(small.sort(byAge), rule.targetFileSize), ...others.map((file) => [file])];
    return bins.filter((bin) => isWorthIt(bin, rule)).map((bin) => group(bin, rule.targetFileSize));
  });
}

function isWanted({ dataFile, deletes }: ScanFile, targetFileSize: number): boolean {
  return isSmall(dataFile, targetFileSize) || dataFile.fileSizeBytes > LARGEST * targetFileSize || deletes.length > 0;
}

function isWorthIt(bin: ScanFile[], { targetFileSize, inputsMin }: CompactionRule): boolean {
  if (bin.some(({ deletes }) => deletes.length > 0)) return true;
  const bytes = bytesOf(bin);
  return bin.length >= inputsMin || (bin.length > 1 && bytes >= targetFileSize) || bytes > LARGEST * targetFileSize;
}

/**
 * Files of similar age are merged, so that rows of one time stay in one file and a query about a
 * time opens few.
 */
export function byAge(a: ScanFile, b: ScanFile): number {
  if (a.sequenceNumber !== b.sequenceNumber) return a.sequenceNumber < b.sequenceNumber ? -1 : 1;
  return a.dataFile.path < b.dataFile.path ? -1 : 1;
}

/**
 * Fills bins one by one up to the target. A bin that is still small takes one more file: at most
 * 1.5 of the target, which the next run leaves alone. The last bin joins the one before, if it
 * fits. A single file waits for others.
 */
function packSmall(files: readonly ScanFile[], targetFileSize: number): ScanFile[][] {
  const bins: ScanFile[][] = [];
  let bin: ScanFile[] = [];
  let bytes = 0;
  const close = () => {
    if (bin.length > 0) bins.push(bin);
    bin = [];
    bytes = 0;
  };
  for (const file of files) {
    const size = file.dataFile.fileSizeBytes;
    const isFull = bytes >= SMALLEST * targetFileSize && bytes + size > targetFileSize;
    if (isFull || bin.length === INPUTS_MAX) close();
    bin.push(file);
    bytes += size;
  }
  close();
  const last = bins.at(-1), previous = bins.at(-2);
  if (previous && last && bytesOf(last) < SMALLEST * targetFileSize) {
    const joined = [...previous, ...last];
    if (bytesOf(joined) <= LARGEST * targetFileSize && joined.length <= INPUTS_MAX) bins.splice(-2, 2, joined);
  }
  return bins;
}

function packSorted(files: readonly ScanFile[]): ScanFile[][] {
  const bins: ScanFile[][] = [];
  let bytes = Infinity;
  for (const file of files) {
    bytes += file.dataFile.fileSizeBytes;
    if (bytes > SORTED_BYTES_MAX || bins.at(-1)!.length === INPUTS_MAX) {
      bins.push([]);
      bytes = file.dataFile.fileSizeBytes;
    }
    bins.at(-1)!.push(file);
  }
  return bins;
}

export function group(files: ScanFile[], targetFileSize: number): RewriteGroup {
  const { specId, partition } = files[0]!.dataFile;
  const bytes = bytesOf(files);
  const outputs = bytes <= LARGEST * targetFileSize ? 1 : Math.round(bytes / targetFileSize);
  return { specId, partition, files, bytes, outputs };
}

export function bytesOf(files: readonly ScanFile[]): number {
  return files.reduce((sum, { dataFile }) => sum + dataFile.fileSizeBytes, 0);
}
