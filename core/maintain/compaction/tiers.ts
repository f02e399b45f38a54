/**
 * Which files upkeep rewrites while more keep coming. Pure. Merging all small files each time would
 * write the same rows again and again; so files are merged with others of about their size, and
 * each row is rewritten as often as its file can grow by that factor.
 */
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import { byAge, byPartition, bytesOf, group, isSmall, type RewriteGroup } from "./compaction_plan.ts";
import { joinable, JOINED_MAX, mayBeJoined, rowGroupsOf } from "./joinable.ts";
import { rewritePeakBytes, rewriteSize } from "./rewrite_peak.ts";

export interface TierRule {
  /** The size that files should have, bytes. */
  targetFileSize: number;
  /** So many small files of a partition are worth a rewrite while more come. */
  inputsMin: number;
  /** Partitions whose newest file is not younger have gone quiet: a data sequence number. */
  quietSequence: bigint;
  /** What a rewrite may take. */
  memoryBytes: number;
  threads: number;
  /** Files of a group. */
  inputsMax: number;
}

/** Where rows may not be read. */
interface JoinRule extends TierRule {
  joinsOnly?: boolean;
}

/**
 * A file joins smaller ones if it is no larger than this part of them together: each rewrite then
 * makes a file four times as large as the largest that went in.
 */
const BUSY_RATIO = 1 / 3;
/**
 * Joining costs little, and a joined file ends far below the target: with larger steps most would
 * end at a quarter of what they may be, and be three times as many.
 */
const JOINED_RATIO = 1 / 2;
/** In a quiet partition fewer files count more than bytes written. */
const QUIET_RATIO = 1;
/** A file is rewritten without its deleted rows from this part on, or so many delete files. */
const DELETED_RATIO = 0.1;
const DELETE_FILES_MAX = 5;

/** The groups that pay, those of most files first. */
export function planTiers(files: readonly ScanFile[], rule: JoinRule): RewriteGroup[] {
  const groups = byPartition(files).flatMap((partition) => {
    const isQuiet = partition.every(({ sequenceNumber }) => sequenceNumber <= rule.quietSequence);
    // What memory does not let grow is not small: it would be merged again and again.
    const targetFileSize = Math.min(rule.targetFileSize, admittedBytes(partition, rule));
    const merged = mergeable(partition.filter(({ dataFile }) => isSmall(dataFile, targetFileSize)), isQuiet, rule);
    const isMerged = new Set(merged);
    const rest = partition.filter((file) => !isMerged.has(file) && deletesPay(file, isQuiet));
    const bins = [
      ...pack(merged.toSorted(byAge), { ...rule, targetFileSize }),
      ...rest.filter((file) => fits([file], rule)).map((file) => [file]),
    ];
    return bins.map((files) => ({ ...group(files, rule.targetFileSize), isBusy: !isQuiet }));
  });
  return groups.sort((a, b) => b.files.length - a.files.length);
}

/**
 * The groups that pay and need not be read, of files newer than `joinsAfter`: joined files are
 * joined again, until they are as large as such files may be.
 */
export function planJoins(files: readonly ScanFile[], joinsAfter: bigint, rule: TierRule): RewriteGroup[] {
  return planTiers(joinable(files, joinsAfter), { ...rule, joinsOnly: true }).filter(mayBeJoined);
}

/** The smallest files of a partition, as many as belong together; none where it does not pay. */
function mergeable(small: readonly ScanFile[], isQuiet: boolean, { inputsMin, joinsOnly }: JoinRule): ScanFile[] {
  const [least, ratio] = isQuiet ? [2, QUIET_RATIO] : [inputsMin, joinsOnly ? JOINED_RATIO : BUSY_RATIO];
  const most = joinsOnly ? JOINED_MAX : { bytes: Infinity, rowGroups: Infinity };
  const ascending = small.toSorted((a, b) => a.dataFile.fileSizeBytes - b.dataFile.fileSizeBytes || byAge(a, b));
  let count = 0, bytes = 0, rowGroups = 0;
  for (const [index, { dataFile }] of ascending.entries()) {
    const bytesBefore = bytes;
    bytes += dataFile.fileSizeBytes;
    rowGroups += rowGroupsOf(dataFile);
    if (bytes > most.bytes || rowGroups > most.rowGroups) break;
    if (index + 1 >= least && dataFile.fileSizeBytes <= ratio * bytesBefore) count = index + 1;
  }
  return ascending.slice(0, count);
}

function deletesPay({ dataFile, deletes }: ScanFile, isQuiet: boolean): boolean {
  if (deletes.length === 0) return false;
  const rows = deletes.reduce((sum, { recordCount }) => sum + recordCount, 0);
  return isQuiet || deletes.length >= DELETE_FILES_MAX || rows >= DELETED_RATIO * dataFile.recordCount;
}

/** Bins up to the target size, and to what memory and the number of open files allow. */
function pack(files: readonly ScanFile[], rule: TierRule): ScanFile[][] {
  const bins: ScanFile[][] = [];
  let bin: ScanFile[] = [], bytes = 0, size = rewriteSize([]);
  for (const file of files) {
    const { fileSizeBytes } = file.dataFile;
    const isFull = bytes + fileSizeBytes > rule.targetFileSize ||
      !isWithin(bin.length + 1, rewriteSize([file], size), rule);
    if (bin.length > 0 && isFull) {
      bins.push(bin);
      [bin, bytes, size] = [[], 0, rewriteSize([])];
    }
    bin.push(file);
    bytes += fileSizeBytes;
    size = rewriteSize([file], size);
  }
  bins.push(bin);
  return bins.filter((bin) => bin.length > 1 || (bin[0] !== undefined && deletesPay(bin[0], true)))
    .filter((bin) => fits(bin, rule));
}

/** The largest rewrite that memory lets files like these have. */
function admittedBytes(files: readonly ScanFile[], { memoryBytes, threads, inputsMin }: TierRule): number {
  const records = files.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0);
  const density = records / Math.max(1, bytesOf(files));
  const isAdmitted = (bytes: number) =>
    rewritePeakBytes({ files: inputsMin, bytes, records: bytes * density, partitions: 1, threads }) <= memoryBytes;
  let low = 0, high = 2 ** 40;
  for (let step = 0; step < 40 && !isAdmitted(high); step++) {
    const middle = (low + high) / 2;
    if (isAdmitted(middle)) low = middle;
    else high = middle;
  }
  return isAdmitted(high) ? high : low;
}

function fits(files: readonly ScanFile[], rule: TierRule): boolean {
  return isWithin(files.length, rewriteSize(files), rule);
}

function isWithin(
  files: number,
  size: ReturnType<typeof rewriteSize>,
  { memoryBytes, threads, inputsMax }: TierRule,
): boolean {
  return files <= inputsMax && rewritePeakBytes({ ...size, threads }) <= memoryBytes;
}
