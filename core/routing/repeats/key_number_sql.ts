import type { DedupeRule } from "../../lake/dedupe_rule.ts";
import { keyTextSql } from "../../lake/dedupe_sql.ts";

/**
 * SQL for a key as one number of 128 bits; NULL where a part of it is. `secret` goes before it, so
 * that nobody who writes events can choose two keys of one number, as MD5 alone would let them
 * (RFC 6151); by chance one of 10^18 keys has the number of another one.
 */
export function keyNumberSql(rule: Pick<DedupeRule, "by">, secret: string): string {
  return `md5_number('${secret}' || ${keyTextSql(rule)})`;
}
