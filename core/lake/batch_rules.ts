import * as z from "zod";
import type { Json } from "../base/json.ts";
import { sha256 } from "../base/sha256.ts";
import { schemaFromJson, schemaToJson } from "../iceberg/format/schema.ts";
import { type BatchPlan, PLAN_OPTIONS } from "./batch_plan.ts";
import { parseRecord, type RecordFormat, recordText } from "./durable_record.ts";
import { lastBatchOf, streamlabKey } from "./keys.ts";
import { zoneOptions } from "./raw_zone.ts";
import type { RoutedBatch } from "./routed_batch.ts";

export const RULES = z.strictObject({
  format: z.literal(1),
  /** The whole contract, as canonical JSON Schema text. */
  contract: z.string(),
  options: PLAN_OPTIONS.omit({ dedupe: true, upsert: true }),
  /**
   * Of the table of events, where fields become columns: which columns were there decides what
   * becomes of a field. As the table's metadata spells it.
   */
  schema: z.unknown().optional(),
});

/**
 * By what the records of a batch were judged. Deduplication has its own history, for it is about
 * events and not about what makes one.
 */
export type BatchRules = z.infer<typeof RULES>;

export const RULES_FORMAT: RecordFormat<BatchRules> = {
  what: "rules of batches",
  shapes: [RULES],
  damagedHint: "The rows are not affected: restore or delete it; --contract names another for the audit",
};

const historyShape = z.strictObject({
  format: z.literal(1),
  /** The last batch that it tells of. */
  through: z.number().int().positive(),
  /**
   * The first batch of each, and the name of its rules; null where a streamlab that writes none
   * down went on.
   */
  batches: z.array(z.tuple([z.number().int().positive(), z.string().nullable()])),
  /** The name of the history before it, which was moved into a file. */
  before: z.string().optional(),
});

/**
 * By which rules each batch was judged: in a property of the ledger, changed by the very commits of
 * the batches. The rules themselves are files: contracts may be large, and each commit writes all
 * properties anew.
 */
export type RulesHistory = z.infer<typeof historyShape>;

export const RULES_HISTORY_FORMAT: RecordFormat<RulesHistory> = {
  what: "history of rules",
  shapes: [historyShape],
  damagedHint: "The rows are not affected: restore the ledger's metadata, so that they can be audited",
};

/** Longer ones move into a file: whoever changes rules with each run must not fill metadata. */
export const RULES_IN_PROPERTY_MAX = 100;

type Properties = Readonly<Record<string, string>>;

/** The rules of a batch as it was planned and routed: of these, whoever commits it. */
export function rulesOfBatch(
  { contract, options }: Pick<BatchPlan, "contract" | "options">,
  { events }: Pick<RoutedBatch, "events">,
): BatchRules {
  const { onExtraFields, onWrongType } = options;
  const written = { ...schemaFromJson(events.schema as Json), schemaId: 0 };
  return {
    format: 1,
    contract,
    options: { onExtraFields, onWrongType, ...zoneOptions(options) },
    schema: onExtraFields === "add" ? schemaToJson(written) : undefined,
  };
}

/** After their content, so that each is kept once, and never changes. */
export function nameOfRecord(record: BatchRules | RulesHistory): string {
  const hash = sha256();
  hash.update(new TextEncoder().encode(recordText(record)));
  return hash.hex().slice(0, 32);
}

/** Undefined in a lake whose batches wrote none down. */
export function rulesHistory(properties: Properties, target: string): RulesHistory | undefined {
  const key = streamlabKey.rules(target);
  const text = properties[key];
  return text === undefined ? undefined : parseRecord(RULES_HISTORY_FORMAT, text, `in the property ${key}`);
}

/**
 * Whether the ledger knows by which rules each of its batches was judged, so that the next may be
 * read in another way. Not asked of rules that have moved into a file.
 */
export function areAllRulesKnown(properties: Properties, target: string): boolean {
  const history = rulesHistory(properties, target);
  if (history === undefined || history.before !== undefined) return false;
  const { through, batches } = history;
  return batches[0]?.[0] === 1 && batches.every(([, rules]) => rules !== null) &&
    lastBatchOf(properties, target) === BigInt(through);
}

/** Names of files that are there already. */
export interface KeptRules {
  /** Of the rules of the batch. */
  rules: string;
  /** Of the ledger's history, where it is too long to grow further. */
  before?: string | undefined;
}

/** What the ledger's commit of a batch sets; without rules where the batch has no files. */
export function rulesProperty(
  properties: Properties,
  target: string,
  batchId: number,
  kept: KeptRules | undefined,
): Record<string, string> {
  const known = rulesHistory(properties, target);
  if (known === undefined && kept === undefined) return {};
  const history = known === undefined ? { through: batchId - 1, batches: [] } : withoutMoved(known, kept?.before);
  const batches = [...history.batches];
  // Batches in between are those of a streamlab that writes no rules down.
  if (history.through + 1 < batchId) batches.push([history.through + 1, null]);
  if (kept !== undefined && batches.at(-1)?.[1] !== kept.rules) batches.push([batchId, kept.rules]);
  const next: RulesHistory = { format: 1, through: batchId, batches, before: history.before };
  return { [streamlabKey.rules(target)]: JSON.stringify(next) };
}

function withoutMoved(known: RulesHistory, before: string | undefined): Omit<RulesHistory, "format"> {
  if (before === undefined || before !== nameOfRecord(known)) return known;
  return { ...known, batches: [], before };
}
