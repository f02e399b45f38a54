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

/**
 * SQL for a key as one number of 128 bits; NULL where a part of it is. `secret` goes before it, so
 * that nobody who writes events can choose two keys of one number, as MD5 alone would let them
 * (RFC 6151); by chance one of 10^18 keys has the number of another one.
 */
export function keyNumberSql(rule: Pick<DedupeRule, "by">, secret: string): string {
  return `md5_number('${secret}' || ${keyTextSql(rule)})`;
}
