import { quoteText } from "../../engine/duckdb.ts";
import type { DedupeRule, RuleFrom } from "../../lake/dedupe_rule.ts";
import { eventTimeSql, keyTextSql } from "../../lake/dedupe_sql.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { quoteName } from "../../engine/duckdb.ts";
import { parquetSql } from "./audit_sql.ts";

/** Columns that make a key, and that of the time: rules may share them. */
export type Keying = Pick<DedupeRule, "by" | "at">;

/** Each once, of all rules that there have been. */
export function keyingsOf(rules: readonly RuleFrom[]): Keying[] {
  const found = new Map<string, Keying>();
  for (const { rule } of rules) if (rule !== null) found.set(keyOf(rule), { by: rule.by, at: rule.at });
  return [...found.values()];
}

function keyOf({ by, at }: Keying): string {
  return JSON.stringify([by, at]);
}

/** Keys and times of rows, each as the keyings have them; NULL where the rows lack a column. */
function keyColumns(keyings: readonly Keying[], present: (name: string) => boolean): string {
  const columns = keyings.flatMap(({ by, at }, index) => {
    const isThere = [...by, at].every(present);
    return isThere
      ? [`${keyTextSql({ by })} AS key_${index}`, `${eventTimeSql({ at })} AS time_${index}`]
      : [`NULL::VARCHAR AS key_${index}`, `NULL::BIGINT AS time_${index}`];
  });
  return columns.join(", ");
}

/**
 * Events of the table with their keys; those that other programs have added have no place. `last`:
 * the ledger's last batch.
 */
export function keptSql(
  keyings: readonly Keying[],
  fields: readonly { name: string }[],
  select: string,
  last: bigint,
): string {
  const { sourceFile, sourcePosition, batchId } = OUR_COLUMNS;
  const present = (name: string) => fields.some((field) => field.name === name);
  return `SELECT ${sourceFile} AS name, ${batchId} AS batch_id, ${sourcePosition} AS position,
  ${keyColumns(keyings, present)} FROM (${select}) WHERE coalesce(${batchId}, 0) <= ${last}`;
}

/** Events that raw files ask for, with their keys, from local files with columns by name. */
export function askedSql(keyings: readonly Keying[], paths: readonly string[], columns: ReadonlySet<string>): string {
  const { sourceFile, sourcePosition } = OUR_COLUMNS;
  return `SELECT files.name, files.batch_id, judged.${quoteName(sourcePosition)} AS position, key_columns.*
FROM (SELECT ${sourceFile}, ${sourcePosition}, struct_pack(${
    keyings.flatMap((_keying, index) => [`key_${index} := key_${index}`, `time_${index} := time_${index}`]).join(", ")
  }) AS key_columns FROM (SELECT *, ${keyColumns(keyings, (name) => columns.has(name))} FROM ${
    parquetSql(paths)
  })) AS judged JOIN files ON files.name = judged.${sourceFile} AND files.state = 'same'`;
}

/** The findings about repeats: what was rightly dropped, and what had to be and was not. */
export const REPEAT_TABLES = `
CREATE TEMP TABLE dropped_rightly (name VARCHAR, batch_id BIGINT, position BIGINT);
CREATE TEMP TABLE kept_wrongly (name VARCHAR, batch_id BIGINT, position BIGINT, problem VARCHAR);`;

/**
 * Fills `REPEAT_TABLES` for the batches of each rule, from the files with the answers to the
 * queries above. What is dropped by a rule is defined event by event, in order; a set of kept
 * events is that one exactly if each event that is missing has an earlier one near it, and none of
 * the others has.
 */
export function repeatsSql(rules: readonly RuleFrom[], kept: string, asked: string | undefined): string {
  const keyings = keyingsOf(rules).map(keyOf);
  const statements = rules.flatMap(({ from, rule }, index) => {
    if (rule === null) return [];
    const to = rules[index + 1]?.from;
    const batches = `BETWEEN ${from} AND ${to === undefined ? "9223372036854775807" : to - 1}`;
    return ruleSql(keyings.indexOf(keyOf(rule)), BigInt(rule.withinMicros), batches, asked !== undefined);
  });
  return [
    `CREATE TEMP VIEW kept AS SELECT * FROM read_parquet(${quoteText(kept)})`,
    ...(asked === undefined ? [] : [
      `CREATE TEMP TABLE lacking AS SELECT * FROM read_parquet(${
        quoteText(asked)
      }) ANTI JOIN kept USING (name, batch_id, position)`,
    ]),
    ...statements,
  ].join(";\n");
}

function ruleSql(keying: number, within: bigint, batches: string, anyAsked: boolean): string[] {
  const key = `key_${keying}`, time = `time_${keying}`;
  const isNear = (other: string) =>
    `k.${key} = ${other}.${key} AND k.${time} BETWEEN ${other}.${time} - ${within} AND ${other}.${time} + ${within}`;
  const isEarlier = (other: string) =>
    `(k.batch_id, k.name, k.position) < (${other}.batch_id, ${other}.name, ${other}.position)`;
  const dropped = `INSERT INTO dropped_rightly SELECT DISTINCT d.name, d.batch_id, d.position
FROM lacking d JOIN kept k ON ${isNear("d")}
WHERE d.batch_id ${batches} AND (k.batch_id IS NULL OR ${isEarlier("d")})`;
  const keptToo = `INSERT INTO kept_wrongly SELECT e.name, e.batch_id, e.position,
  'is an event, and must have been dropped: it repeats record ' || any_value(k.position) || ' of ' || any_value(k.name)
FROM kept e JOIN kept k ON ${isNear("e")}
WHERE e.batch_id ${batches} AND k.batch_id IS NOT NULL AND ${isEarlier("e")} GROUP BY e.name, e.batch_id, e.position`;
  return anyAsked ? [dropped, keptToo] : [keptToo];
}
