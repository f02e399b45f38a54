import { quoteName } from "../engine/duckdb.ts";
import type { DedupeRule } from "./dedupe_rule.ts";

/**
 * SQL for a key as one text, NULL where a part of it is null. Each part says its length: ('ab',
 * 'c') is not ('a', 'bc').
 */
export function keyTextSql({ by }: Pick<DedupeRule, "by">, valueOf: (column: string) => string = quoteName): string {
  return by.map((column) => {
    const text = `CAST(${valueOf(column)} AS VARCHAR)`;
    return `strlen(${text}) || ':' || ${text}`;
  }).join(" || ");
}

/** SQL for an event's time, microseconds since 1970. */
export function eventTimeSql(
  { at }: Pick<DedupeRule, "at">,
  valueOf: (column: string) => string = quoteName,
): string {
  return `epoch_us(${valueOf(at)})`;
}
