import * as z from "zod";
import { StreamlabError } from "../base/errors.ts";
import { KEY_KINDS } from "./dedupe_rule.ts";

/** A record that has this value there removes its key: `op = "d"`. */
const DELETE_CONDITION = z.strictObject({
  column: z.string(),
  is: z.union([z.string(), z.number(), z.boolean()]),
});

export const UPSERT_RULE = z.strictObject({
  /** The columns that make a key. */
  by: z.array(z.string()),
  /** The column that says which of two records with one key is the newer. */
  newest: z.string(),
  deleteWhen: DELETE_CONDITION.optional(),
});

/**
 * The table holds, of all records with one key, the newest: by that column, where a null comes
 * before all values; of equal ones the later by batch, file and position. Where the newest one
 * removes its key, it holds none. What has a null in its key is no other's newer or older.
 */
export type UpsertRule = z.infer<typeof UPSERT_RULE>;
export type DeleteCondition = z.infer<typeof DELETE_CONDITION>;

/** Refuses, by name, columns that can make no key, have no order or have no such value. */
export function checkUpsertRule(
  { by, newest, deleteWhen }: UpsertRule,
  kindOf: (column: string) => string | undefined,
): void {
  for (const column of by) {
    const kind = kindOf(column);
    if (kind === undefined) throw refusal("--upsert-by", column, "the contract has no such column");
    if (!KEY_KINDS.has(kind)) throw refusal("--upsert-by", column, `a ${kind} can be no key`);
  }
  const kind = kindOf(newest);
  if (kind === undefined) throw refusal("--newest-by", newest, "the contract has no such column");
  if (!ORDERED_KINDS.has(kind)) {
    throw refusal("--newest-by", newest, `it is a ${kind}, and newer is a matter of times and whole numbers`);
  }
  if (deleteWhen === undefined) return;
  const { column, is } = deleteWhen;
  const compared = kindOf(column);
  if (compared === undefined) throw refusal("--delete-when", column, "the contract has no such column");
  const kinds = KINDS_BY_VALUE[typeof is as "string" | "number" | "boolean"];
  if (kinds.has(compared)) return;
  throw refusal("--delete-when", column, `it is a ${compared}, which is never ${JSON.stringify(is)}`);
}

function refusal(flag: string, column: string, why: string): StreamlabError {
  return new StreamlabError("usage", `Cannot upsert by ${column}: ${why}`, {
    hint: `Name another column with ${flag}`,
  });
}

const ORDERED_KINDS = new Set(["timestamptz", "timestamp", "date", "int", "long"]);
const KINDS_BY_VALUE = {
  string: new Set(["string"]),
  number: new Set(["int", "long"]),
  boolean: new Set(["boolean"]),
};
