/**
 * Where everything of a lake is: paths in its store. docs/on-disk.md says who writes and reads
 * each, and when it may go.
 */
import { DEFAULT_WAREHOUSE } from "../iceberg/catalog/catalog.ts";

/** Event files land below it. */
export const RAW_FOLDER = "raw";
/** Event files of the lake itself, as they landed, at any depth. */
export const EVENTS_FOLDER = `${RAW_FOLDER}/events`;
/** Event files that were ingested, and moved here: see `raw_archive.ts`. */
export const ARCHIVE_FOLDER = `${RAW_FOLDER}/archive`;
/**
 * `<namespace>/<table>/` below it, each with `metadata/` and `data/`; empty where a REST catalog
 * keeps the tables.
 */
export const WAREHOUSE_FOLDER = DEFAULT_WAREHOUSE;
/** What is in flight; the tables say what is done. */
export const CHECKPOINTS_FOLDER = "checkpoints";
/** Rewrites under way. */
export const INTENTS_FOLDER = `${CHECKPOINTS_FOLDER}/intents`;
/** What was done: `batches/` and `upkeep/` below it. */
export const HISTORY_FOLDER = `${CHECKPOINTS_FOLDER}/history`;
/** What waits to be deleted. */
export const REMOVALS_FOLDER = `${CHECKPOINTS_FOLDER}/removals`;
/** Temporary files of upkeep. */
export const MAINTAIN_FOLDER = `${CHECKPOINTS_FOLDER}/maintain`;
/** A folder for each maintainer at work, with its lock in it. */
export const MAINTAIN_SCRATCH_FOLDER = `${MAINTAIN_FOLDER}/scratch`;

/**
 * Of the batches of a target, named as `bronze.events`. A target's name holds a dot, the other
 * folders' names do not.
 */
export function targetFolder(target: string): string {
  return `${CHECKPOINTS_FOLDER}/${target}`;
}

/** Held by the one consumer of the target on this machine. */
export function consumerLockPath(target: string): string {
  return `${targetFolder(target)}/lock`;
}

/** Scratch of a batch; on the lake's disk, so that data files can be moved into its tables. */
export function consumerScratchFolder(target: string): string {
  return `${targetFolder(target)}/scratch`;
}

export type BatchRecordKind = "plan" | "routed" | "failures";

export function batchRecordPath(target: string, batchId: bigint, kind: BatchRecordKind): string {
  return `${targetFolder(target)}/${batchId.toString().padStart(12, "0")}.${kind}.json`;
}

/**
 * What many batches of a target share, each once, and never removed. Deeper than other records, so
 * that earlier versions pass it by.
 */
export function sharedRecordPath(target: string, name: string, kind: "rules" | "batches"): string {
  return `${targetFolder(target)}/rules/${name}.${kind}.json`;
}

export function intentPath(id: string): string {
  return `${INTENTS_FOLDER}/${id}.json`;
}

export function removalPath(id: string): string {
  return `${REMOVALS_FOLDER}/${id}.json`;
}

/** Which durable record a path is; `unknown` for one that only a newer streamlab can have made. */
export type RecordPath =
  | { [K in BatchRecordKind]: { kind: K; target: string; batchId: bigint } }[BatchRecordKind]
  | { kind: "intent"; id: string }
  | { kind: "removal"; id: string }
  | { kind: "unknown" };

/** Undefined for what is no record: locks, scratch, probes. */
export function recordAt(path: string): RecordPath | undefined {
  const [root, folder, name, ...deeper] = path.split("/");
  if (root !== CHECKPOINTS_FOLDER || name === undefined || deeper.length > 0) return undefined;
  if (!name.endsWith(".json") || name.startsWith(".")) return undefined;
  if (`${root}/${folder}` === INTENTS_FOLDER) return { kind: "intent", id: name.slice(0, -".json".length) };
  if (`${root}/${folder}` === REMOVALS_FOLDER) return { kind: "removal", id: name.slice(0, -".json".length) };
  const batch = /^(\d{12,})\.(plan|routed|failures)\.json$/.exec(name);
  if (batch === null) return { kind: "unknown" };
  return { kind: batch[2] as BatchRecordKind, target: folder!, batchId: BigInt(batch[1]!) };
}
