/** What waits to be done for a table, in numbers. Pure. */
import { expireSnapshots } from "../../iceberg/action/expire_snapshots.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import { byPartition, isSmall, type RewriteGroup } from "../compaction/compaction_plan.ts";
import { targetFileSizeOf } from "../compaction/target_size.ts";
import { planJoins, planTiers, type TierRule } from "../compaction/tiers.ts";
import { quietSequenceOf, retentionOf, type UpkeepPolicy } from "./policy.ts";
import { isDue, type WaitingRemoval } from "./waiting_removal.ts";

const MERGED_RATIO = 4;
const UNTIL_LOOK_MIN = 4;

export interface TableDebt {
  /** Snapshots that nothing asks to keep. */
  snapshots: number;
  /** Data files below three quarters of the target size. */
  smallFiles: number;
  /** Files of rewrites that pay now. */
  mergeableFiles: number;
  /** Delete files that readers have to apply. */
  deleteFiles: number;
  manifests: number;
  /** Files that no snapshot needs, and their bytes. */
  waitingFiles: number;
  waitingBytes: number;
  /** Of the waiting files, those whose readers are gone. */
  dueFiles: number;
}

/** What is known of a table when its debt is told. */
export interface TableState {
  metadata: TableMetadata;
  files: readonly ScanFile[];
  manifests: number;
  waiting: readonly WaitingRemoval[];
}

export function debtOf(state: TableState, policy: UpkeepPolicy, nowMs: number): TableDebt {
  const { metadata, files, manifests, waiting } = state;
  const targetFileSize = targetFileSizeOf(metadata);
  const sum = (of: readonly WaitingRemoval[]) => of.reduce((files, each) => files + each.files, 0);
  return {
    snapshots: snapshotsDue(metadata, policy, nowMs),
    smallFiles: files.filter(({ dataFile }) => isSmall(dataFile, targetFileSize)).length,
    mergeableFiles: groupsDue(metadata, files, policy, nowMs).reduce((total, group) => total + group.files.length, 0),
    deleteFiles: new Set(files.flatMap(({ deletes }) => deletes.map(({ path }) => path))).size,
    manifests,
    waitingFiles: sum(waiting),
    waitingBytes: waiting.reduce((bytes, each) => bytes + each.bytes, 0),
    dueFiles: sum(waiting.filter((each) => isDue(each, policy, nowMs))),
  };
}

export function snapshotsDue(metadata: TableMetadata, policy: UpkeepPolicy, nowMs: number): number {
  const { updates } = expireSnapshots(metadata, { ...retentionOf(metadata, policy, nowMs), expiredMax: undefined });
  return updates.reduce(
    (sum, update) => sum + (update.action === "remove-snapshots" ? update.snapshotIds.length : 0),
    0,
  );
}

/** Files that have to come, about, before a rewrite can pay; a few at least. */
export function filesUntilDue(
  metadata: TableMetadata,
  files: readonly ScanFile[],
  { inputsMin }: UpkeepPolicy,
): number {
  const targetFileSize = targetFileSizeOf(metadata);
  const gathered = byPartition(files).map((partition) => {
    const sizes = partition.map(({ dataFile }) => dataFile.fileSizeBytes).filter((size) => size < targetFileSize);
    const least = sizes.reduce((least, size) => Math.min(least, size), Infinity);
    // Those that were merged before are several times as large.
    return sizes.filter((size) => size <= MERGED_RATIO * least).length;
  });
  return Math.max(UNTIL_LOOK_MIN, inputsMin - gathered.reduce((most, count) => Math.max(most, count), 0));
}

export function groupsDue(
  metadata: TableMetadata,
  files: readonly ScanFile[],
  policy: UpkeepPolicy,
  nowMs: number,
): RewriteGroup[] {
  return planTiers(files, tierRule(metadata, policy, nowMs));
}

/** Those that are due while no rows may be read; files after that sequence number may be joined. */
export function joinsDue(
  metadata: TableMetadata,
  files: readonly ScanFile[],
  joinsAfter: bigint,
  policy: UpkeepPolicy,
  nowMs: number,
): RewriteGroup[] {
  return planJoins(files, joinsAfter, tierRule(metadata, policy, nowMs));
}

/** The groups that are worth most, up to the size of a piece. */
export function onePiece(groups: readonly RewriteGroup[], { pieceBytes, pieceFiles }: UpkeepPolicy): RewriteGroup[] {
  let bytes = 0, files = 0;
  return groups.filter((group, index) => {
    bytes += group.bytes;
    files += group.files.length;
    return index === 0 || (bytes <= pieceBytes && files <= pieceFiles);
  });
}

function tierRule(metadata: TableMetadata, policy: UpkeepPolicy, nowMs: number): TierRule {
  const { inputsMin, inputsMax, memoryBytes, threads } = policy;
  return {
    inputsMin,
    inputsMax,
    memoryBytes,
    threads,
    targetFileSize: targetFileSizeOf(metadata),
    quietSequence: quietSequenceOf(metadata, nowMs),
  };
}
