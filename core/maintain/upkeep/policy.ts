/** When upkeep pays, by counts and sizes, and what a table's own properties say of it. Pure. */
import type { Retention } from "../../iceberg/action/expire_snapshots.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { tableNumber } from "../table_number.ts";

export interface UpkeepPolicy {
  /** Snapshots of a branch that stay; `history.expire.min-snapshots-to-keep` of a table wins. */
  keepSnapshots: number;
  /** How long files stay that no snapshot needs any more: readers may have begun before. */
  graceMs: number;
  /** An expiry that took longer and did not end is abandoned: its owner is gone, or asleep. */
  commitMsMax: number;
  /** Of the memory that there is, for one rewrite, bytes. */
  memoryBytes: number;
  threads: number;
  /** What upkeep may take of a consumer's time, from 0 to 1. */
  share: number;
  /** Snapshots that are worth a commit. */
  expiredMin: number;
  /** Snapshots that go by one commit, more of a long backlog: see `expiredAtOnce`. */
  expiredMax: number;
  /** Small files of a partition that are worth a rewrite while more come. */
  inputsMin: number;
  /** Files that are read at once. */
  inputsMax: number;
  /** What one piece rewrites, but at least one group: bytes, and files. */
  pieceBytes: number;
  pieceFiles: number;
  /** Files that are worth a deletion, for it reads what every snapshot names. */
  deletedMin: number;
  /** Files that one piece deletes. */
  deletedMax: number;
}

/** What consume and maintain have where nobody says otherwise. */
const KEEP_SNAPSHOTS = 100;
const GRACE_MS = 3_600_000;

/** As users have it. */
export const THRESHOLDS = {
  share: 0.1,
  expiredMin: 8,
  // A batch that is due waits for them.
  expiredMax: 100,
  inputsMin: 32,
  inputsMax: 500,
  pieceBytes: 32e6,
  pieceFiles: 500,
  deletedMin: 1_000,
  deletedMax: 4_000,
  commitMsMax: 120_000,
} as const;

/** Snapshots that no reference leads to stay so long, and a partition is quiet after it. */
const HOUR_MS = 3_600_000;
const QUIET_MS = 10 * 60_000;
/** A partition that so many commits have left alone is quiet, however fast they come. */
const QUIET_COMMITS = 100;

/** Of the memory that there is upkeep takes a part: batches go on meanwhile. */
const MEMORY_SHARE = 4;
const MEMORY_BYTES_MIN = 64_000_000;
/** More would take more memory, and time from the batches. */
const THREADS = 1;

/** `memoryBytes`: of the whole command; undefined: as consume has it. */
export function usualPolicy(memoryBytes = 1e9): UpkeepPolicy {
  return {
    ...THRESHOLDS,
    keepSnapshots: KEEP_SNAPSHOTS,
    graceMs: GRACE_MS,
    memoryBytes: Math.max(MEMORY_BYTES_MIN, Math.floor(memoryBytes / MEMORY_SHARE)),
    threads: THREADS,
  };
}

export function retentionOf(
  metadata: Pick<TableMetadata, "properties">,
  { keepSnapshots, expiredMax }: UpkeepPolicy,
  nowMs: number,
): Retention {
  const read = (name: string) => tableNumber(metadata, `history.expire.${name}`);
  const ageMsMax = read("max-snapshot-age-ms");
  return {
    nowMs,
    olderThanMs: ageMsMax ?? 0,
    retainLast: read("min-snapshots-to-keep") ?? keepSnapshots,
    maxRefAgeMs: read("max-ref-age-ms"),
    unreferencedMs: Math.max(ageMsMax ?? 0, HOUR_MS),
    expiredMax,
  };
}

/** Of a backlog, at once: so much of it, and so many times what is usual. */
const BACKLOG_PART = 10, BACKLOG_FACTOR_MAX = 5;

/**
 * How many of the snapshots that are due go by one commit. Each commit writes the table's whole
 * metadata, which is long where much is due: of 9,900 snapshots a hundred took half a second for
 * that, and a fifth for themselves.
 */
export function expiredAtOnce(due: number, { expiredMax }: Pick<UpkeepPolicy, "expiredMax">): number {
  return Math.max(expiredMax, Math.min(BACKLOG_FACTOR_MAX * expiredMax, Math.floor(due / BACKLOG_PART)));
}

/** Files of that data sequence number or an older one are of partitions that have gone quiet. */
export function quietSequenceOf({ snapshots }: Pick<TableMetadata, "snapshots">, nowMs: number): bigint {
  const old = snapshots.findLast(({ timestampMs }) => nowMs - timestampMs >= QUIET_MS);
  const passed = snapshots.at(-1 - QUIET_COMMITS);
  return [old, passed].reduce(
    (most, each) => each !== undefined && each.sequenceNumber > most ? each.sequenceNumber : most,
    -1n,
  );
}
