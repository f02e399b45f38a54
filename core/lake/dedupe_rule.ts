import * as z from "zod";
import { StreamlabError } from "../base/errors.ts";
import { parseRecord, type RecordFormat } from "./durable_record.ts";
import { streamlabKey } from "./keys.ts";

export const DEDUPE_RULE = z.strictObject({
  /** The columns that make a key. */
  by: z.array(z.string()),
  /** The column of the event's time. */
  at: z.string(),
  /** How far apart two events with one key may be to be the same, microseconds. */
  withinMicros: z.string().regex(/^\d{1,18}$/),
});

/**
 * When an event is a repeat: an earlier one that was kept (by batch, file and position) has the
 * same key, and a time no further away, before or after. What has a null in its key or no time
 * equals nothing.
 */
export type DedupeRule = z.infer<typeof DEDUPE_RULE>;

const ruleFromShape = z.strictObject({ from: z.number().int().positive(), rule: DEDUPE_RULE.nullable() });

const historyShape = z.strictObject({ format: z.literal(1), rules: z.array(ruleFromShape) });

/** The rule that holds from a batch on, until the next one's; null is none. */
export type RuleFrom = z.infer<typeof ruleFromShape>;
type DedupeHistory = z.infer<typeof historyShape>;

/**
 * By which rule each batch was deduplicated: in a property of the ledger, changed by the very
 * commits of the batches, so that an audit knows it of batches whose plans are long gone.
 */
const FORMAT: RecordFormat<DedupeHistory> = {
  what: "history of deduplication",
  shapes: [historyShape],
  damagedHint: "The rows are not affected: restore the ledger's metadata, so that they can be audited",
};

type Properties = Readonly<Record<string, string>>;

/** Of the ledger's properties. */
export function dedupeHistory(properties: Properties, target: string): RuleFrom[] {
  const key = streamlabKey.dedupe(target);
  const text = properties[key];
  return text === undefined ? [] : parseRecord(FORMAT, text, `in the property ${key}`).rules;
}

/** What the ledger's commit of a batch sets; nothing while the rule stays as it was. */
export function dedupeProperty(
  properties: Properties,
  target: string,
  batchId: number,
  rule: DedupeRule | undefined,
): Record<string, string> {
  const rules = dedupeHistory(properties, target);
  const last = rules.at(-1)?.rule ?? null;
  if (JSON.stringify(last) === JSON.stringify(rule ?? null)) return {};
  const history: DedupeHistory = { format: 1, rules: [...rules, { from: batchId, rule: rule ?? null }] };
  return { [streamlabKey.dedupe(target)]: JSON.stringify(history) };
}

/** Refuses, by name, columns that can make no key or tell no time. */
export function checkDedupeRule({ by, at }: DedupeRule, kindOf: (column: string) => string | undefined): void {
  checkKeyColumns(by, kindOf, "the contract");
  if (!TIME_KINDS.has(kindOf(at) ?? "")) {
    throw refusal("--event-time", at, "it is no time, and events are compared by theirs");
  }
}

/** Refuses, by name, columns that can make no key. `source`: what has columns. */
export function checkKeyColumns(
  by: readonly string[],
  kindOf: (column: string) => string | undefined,
  source: string,
): void {
  for (const column of by) {
    const kind = kindOf(column);
    if (kind === undefined) throw refusal("--dedupe-by", column, `${source} has no such column`);
    if (!KEY_KINDS.has(kind)) throw refusal("--dedupe-by", column, `a ${kind} can be no key`);
  }
}

function refusal(flag: string, column: string, why: string): StreamlabError {
  return new StreamlabError("usage", `Cannot deduplicate by ${column}: ${why}`, {
    hint: `Name another column with ${flag}`,
  });
}

/** Kinds of columns that can make a key. */
export const KEY_KINDS: ReadonlySet<string> = new Set([
  "string",
  "boolean",
  "int",
  "long",
  "decimal",
  "uuid",
  "date",
  "timestamptz",
  "timestamp",
]);
const TIME_KINDS = new Set(["timestamptz", "timestamp"]);
