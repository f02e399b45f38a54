import { quoteName, quoteText } from "../engine/duckdb.ts";
import type { UpsertRule } from "./upsert_rule.ts";

/** Before all values: the newest of no other record. */
const OLDEST = "CAST(-9223372036854775808 AS BIGINT)";

/** SQL for how new a record is, a whole number. `kind`: of the column, in a contract or a table. */
export function newestSql({ newest }: Pick<UpsertRule, "newest">, kind: string | undefined): string {
  const column = quoteName(newest);
  switch (kind) {
    case undefined:
      return OLDEST;
    case "timestamptz":
    case "timestamp":
      return `coalesce(epoch_us(${column}), ${OLDEST})`;
    case "date":
      return `coalesce(datediff('day', DATE '1970-01-01', ${column}), ${OLDEST})`;
    default:
      return `coalesce(CAST(${column} AS BIGINT), ${OLDEST})`;
  }
}

/** SQL for whether a record removes its key; never NULL. */
export function removesSql({ deleteWhen }: UpsertRule): string {
  if (deleteWhen === undefined) return "false";
  const { column, is } = deleteWhen;
  return `(${quoteName(column)} IS NOT DISTINCT FROM ${typeof is === "string" ? quoteText(is) : String(is)})`;
}
