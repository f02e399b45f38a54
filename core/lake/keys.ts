/** Keys of ours in snapshot summaries and table properties. None is needed to read a table. */
import { StreamlabError } from "../base/errors.ts";

const BATCH_ID = "streamlab.batch-id.";
const TARGET = "streamlab.target.";

export const streamlabKey = {
  /**
   * The UUID of the sequence of batches that a target table was made with; in summary and
   * properties.
   */
  sequenceId: (target: string) => `streamlab.sequence-id.${target}`,
  /** What feeds a target, as `target_record.ts` has it; in properties. */
  target: (target: string) => TARGET + target,
  /** The name of its table of dead letters; in properties. See `table_names.ts`. */
  deadLetters: (target: string) => `streamlab.dead-letters.${target}`,
  /** The last batch of that sequence in the table, decimal; in summary and properties. */
  batchId: (target: string) => BATCH_ID + target,
  /** By which rules its batches were deduplicated; in the ledger's properties: `dedupe_rule.ts`. */
  dedupe: (target: string) => `streamlab.dedupe.${target}`,
  /** By which rules its batches were judged; in the ledger's properties: `batch_rules.ts`. */
  rules: (target: string) => `streamlab.rules.${target}`,
  /** What `maintain --dedupe-by` removed; in the properties of the table: `removed_repeats.ts`. */
  removedRepeats: (target: string) => `streamlab.removed-repeats.${target}`,
  /**
   * The last batch that took rows out of a table, a replay out of the dead letters or a reingest
   * out of both; in its properties.
   */
  replayed: (target: string) => `streamlab.replayed.${target}`,
  /** Rows that upserts took the place of; in the properties of the table: `replaced_rows.ts`. */
  replacedRows: (target: string) => `streamlab.replaced-rows.${target}`,
  /** What the batch did, in the summary of the ledger's snapshot: see `batch_history.ts`. */
  batch: "streamlab.batch",
  /**
   * The id of an abandoned rewrite's intent, in the summary of the snapshot that keeps it from
   * being committed late.
   */
  fencedRewrite: "streamlab.fenced-rewrite",
  /** How many leftovers of lost commits are removed after this snapshot; in its summary. */
  fencedFiles: "streamlab.fenced-files",
} as const;

type Properties = Readonly<Record<string, string>>;

/** Targets whose batches have reached a table, by its properties. */
export function targetsOf(properties: Properties): string[] {
  return Object.keys(properties).flatMap((key) => key.startsWith(BATCH_ID) ? [key.slice(BATCH_ID.length)] : []);
}

/**
 * The last batch of a target in a table, by its properties; 0 before the first. Fails with
 * `corrupt` on anything else.
 */
export function lastBatchOf(properties: Properties, target: string): bigint {
  return batchIn(properties, streamlabKey.batchId(target));
}

/** The same of batches that take rows out of a table. */
export function lastRemovalOf(properties: Properties, target: string): bigint {
  return batchIn(properties, streamlabKey.replayed(target));
}

function batchIn(properties: Properties, key: string): bigint {
  const text = properties[key] ?? "0";
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new StreamlabError(
    "corrupt",
    `Cannot read the property ${key}: "${text}" is no batch`,
    {
      hint: "Set it to the last batch that the table holds, or restore the table",
    },
  );
}
