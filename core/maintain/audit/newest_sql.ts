import { quoteText } from "../../engine/duckdb.ts";
import type { Field } from "../../iceberg/format/type.ts";
import { keyTextSql } from "../../lake/dedupe_sql.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { TOMBSTONES_BRANCH } from "../../lake/table_names.ts";
import type { UpsertRule } from "../../lake/upsert_rule.ts";
import { newestSql, removesSql } from "../../lake/upsert_sql.ts";
import { type AskedRows, judgedBySql, parquetSql } from "./audit_sql.ts";

/** Which columns there are, and of what type. */
type KindOf = (column: string) => string | undefined;

function keyColumns(rule: UpsertRule, kindOf: KindOf): string {
  const key = rule.by.every(kindOf) ? keyTextSql(rule) : "NULL::VARCHAR";
  return `${key} AS key, ${newestSql(rule, kindOf(rule.newest))} AS newest`;
}

/**
 * Rows of the table, or tombstones, with their keys; those that other programs have added have no
 * place. Those of a batch in flight are among them: what they took the place of is gone already.
 */
export function standingSql(
  rule: UpsertRule,
  fields: readonly Field[],
  select: string,
  removes: boolean,
): string {
  const { sourceFile, sourcePosition, batchId } = OUR_COLUMNS;
  const kindOf = (column: string) => fields.find(({ name }) => name === column)?.type.type;
  return `SELECT ${sourceFile} AS name, ${batchId} AS batch_id, ${sourcePosition} AS position, ${
    keyColumns(rule, kindOf)
  }, ${removes} AS removes FROM (${select})`;
}

/** Events that raw files ask for, with their keys, from local files with columns by name. */
export function comingSql(
  rule: UpsertRule,
  fields: readonly Field[],
  { paths, columns, replay }: AskedRows,
): string {
  const { sourceFile, sourcePosition } = OUR_COLUMNS;
  const kindOf = (column: string) =>
    columns.has(column) ? fields.find(({ name }) => name === column)?.type.type : undefined;
  const removes = rule.deleteWhen === undefined || columns.has(rule.deleteWhen.column) ? removesSql(rule) : "false";
  return `SELECT portion.name, portion.batch_id, judged.position, judged.key, judged.newest, judged.removes
FROM (SELECT ${sourceFile} AS name, ${sourcePosition} AS position, ${
    keyColumns(rule, kindOf)
  }, ${removes} AS removes FROM ${parquetSql(paths)}) AS judged
JOIN portion ON portion.name = judged.name AND portion.is_last AND ${judgedBySql(replay)}`;
}

/** In the order of the rule: what no batch has brought comes before what is as new. */
function orderSql(of: string): string {
  return `{newest: ${of}.newest, batch: coalesce(${of}.batch_id, 0), name: coalesce(${of}.name, ''),
  place: coalesce(${of}.position, 0)}`;
}

/**
 * Of the records that are known, of raw files, the table and its tombstones: what is missing
 * rightly, and what is a row or no tombstone wrongly. What holds of each key does not depend on
 * how records were dealt to batches.
 */
export function newestFindingsSql(standing: string, coming: string | undefined): string {
  const none = "SELECT * FROM standing WHERE false";
  return `CREATE TEMP VIEW standing AS SELECT * FROM read_parquet(${quoteText(standing)});
CREATE TEMP VIEW coming AS ${coming === undefined ? none : `SELECT * FROM read_parquet(${quoteText(coming)})`};
CREATE TEMP TABLE newest AS SELECT key, max(${orderSql("r")}) AS last,
  max(${orderSql("r")}) FILTER (batch_id IS NOT NULL) AS last_event
FROM (FROM coming UNION ALL FROM standing) r WHERE key IS NOT NULL GROUP BY key;
INSERT INTO removed_rightly SELECT DISTINCT c.name, c.batch_id, c.position
FROM coming c ANTI JOIN (SELECT name, batch_id, position FROM places WHERE NOT wanted) p USING (name, batch_id, position)
LEFT JOIN newest n ON n.key = c.key
WHERE c.removes OR ${orderSql("c")} < n.last;
INSERT INTO kept_wrongly SELECT s.name, s.batch_id, s.position,
  'is an event, and a newer record of its key is known: record ' || n.last_event.place || ' of ' || n.last_event.name
FROM standing s JOIN newest n USING (key)
WHERE NOT s.removes AND s.batch_id IS NOT NULL AND ${orderSql("s")} < n.last_event;
INSERT INTO kept_wrongly SELECT c.name, c.batch_id, c.position, 'is an event, and must have removed its key'
FROM coming c SEMI JOIN (FROM standing WHERE NOT removes) s USING (name, batch_id, position) WHERE c.removes;
INSERT INTO kept_wrongly SELECT c.name, c.batch_id, c.position,
  'removes its key, and is not in the branch ${TOMBSTONES_BRANCH}: an older record would bring the key back'
FROM coming c ANTI JOIN standing s USING (name, batch_id, position) JOIN newest n ON n.key = c.key
WHERE c.removes AND ${orderSql("c")} = n.last`;
}
