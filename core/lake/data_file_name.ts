/**
 * Names of the data files that streamlab writes, made and recognised here:
 * `<stem>-<number>.parquet`. The stem is unique to an attempt, so no file is ever overwritten. It
 * also says which record announced the file before it was written.
 */
import { type Random, uuidV4 } from "../base/random.ts";

const BATCH_STEM = /^(\d{8,})-([0-9a-f]{12})$/;
const REWRITE_STEM = /^compact-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of an attempt in decimal. */
const ATTEMPT_DIGITS = 15;
const FILE = /^(.*)-\d{5,}\.parquet$/;

/** What tells one attempt at routing a batch from all others. */
export function newAttempt(random: Random): string {
  return random.bytes(6).toHex();
}

export function batchStem(batchId: number, attempt: string): string {
  return `${batchId.toString().padStart(8, "0")}-${attempt}`;
}

/** The stem of a rewrite's files, and the id of its intent. */
export function newRewriteStem(random: Random): string {
  return `compact-${uuidV4(random)}`;
}

/** What the names of a rewrite's files begin with, and those of no other. */
export function rewriteFilesBegin(stem: string): string {
  return `${stem}-`;
}

/** Whether it is one that `newRewriteStem` makes. */
export function isRewriteStem(stem: string): boolean {
  return REWRITE_STEM.test(stem);
}

/** `number` counts the files of a stem in one folder. */
export function dataFileName(stem: string, number: number): string {
  return `${stem}-${number.toString().padStart(5, "0")}.parquet`;
}

/**
 * As `dataFileName`, where the same is tried more than once, perhaps at once: `attempt` tells the
 * tries apart. In digits, so that the stem is still all that every streamlab knows it by.
 */
export function triedFileName(stem: string, attempt: string, number: number): string {
  const tried = BigInt(`0x${attempt}`).toString().padStart(ATTEMPT_DIGITS, "0");
  return `${stem}-${tried}${number.toString().padStart(5, "0")}.parquet`;
}

/** Which job wrote a file. */
export type DataFileOrigin = { kind: "batch"; batchId: bigint; attempt: string } | { kind: "rewrite"; stem: string };

/** Told by the name; undefined for a file that streamlab did not write. */
export function originOf(path: string): DataFileOrigin | undefined {
  const stem = FILE.exec(path.slice(path.lastIndexOf("/") + 1))?.[1];
  if (stem === undefined) return undefined;
  if (isRewriteStem(stem)) return { kind: "rewrite", stem };
  const batch = BATCH_STEM.exec(stem);
  return batch === null ? undefined : { kind: "batch", batchId: BigInt(batch[1]!), attempt: batch[2]! };
}
