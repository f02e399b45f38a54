import { quoteText } from "../../engine/duckdb.ts";
import type { DedupeRule, RuleFrom } from "../../lake/dedupe_rule.ts";
import { eventTimeSql, keyTextSql } from "../../lake/dedupe_sql.ts";
import type { RemovedRepeats } from "../../lake/removed_repeats.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { quoteName } from "../../engine/duckdb.ts";
import { type AskedRows, judgedBySql, parquetSql } from "./audit_sql.ts";

/** By what repeats were left out of a table: at once, by `consume`, and later, by `maintain`. */
export interface RepeatRules {
  dropped: readonly RuleFrom[];
  removed: readonly RemovedRepeats[];
}

/** Columns that make a key, and that of the time, where it counts: rules may share them. */
export type Keying = Pick<DedupeRule, "by"> & Partial<Pick<DedupeRule, "at">>;

/** Each once, of all rules that there have been. */
export function keyingsOf({ dropped, removed }: RepeatRules): Keying[] {
  const rules: Keying[] = [...dropped.flatMap(({ rule }) => rule ?? []), ...removed];
  const found = new Map(rules.map(({ by, at }) => [keyOf({ by, at }), { by, at }]));
  return [...found.values()];
}

function keyOf({ by, at }: { [K in keyof Keying]: Keying[K] | undefined }): string {
  return JSON.stringify([by, at ?? null]);
}

/** Keys and times of rows, each as the keyings have them; NULL where the rows lack a column. */
function keyColumns(keyings: readonly Keying[], present: (name: string) => boolean): { name: string; sql: string }[] {
  return keyings.flatMap(({ by, at }, index) => {
    const isThere = [...by, ...at === undefined ? [] : [at]].every(present);
    const time = at === undefined || !isThere ? "NULL::BIGINT" : eventTimeSql({ at });
    return [
      { name: `key_${index}`, sql: isThere ? keyTextSql({ by }) : "NULL::VARCHAR" },
      { name: `time_${index}`, sql: time },
    ];
  });
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
  ${
    keyColumns(keyings, present).map(({ name, sql }) => `${sql} AS ${name}`).join(", ")
  } FROM (${select}) WHERE coalesce(${batchId}, 0) <= ${last}`;
}

/**
 * Events that raw files ask for, with their keys, from local files with columns by name: each file
 * as it was judged last.
 */
export function askedSql(keyings: readonly Keying[], { paths, columns, replay }: AskedRows): string {
  const { sourceFile, sourcePosition } = OUR_COLUMNS;
  return `SELECT portion.name, portion.batch_id, judged.${quoteName(sourcePosition)} AS position, key_columns.*
FROM (SELECT ${sourceFile}, ${sourcePosition}, struct_pack(${
    keyColumns(keyings, (name) => columns.has(name)).map(({ name, sql }) => `${name} := ${sql}`).join(", ")
  }) AS key_columns FROM ${
    parquetSql(paths)
  }) AS judged JOIN portion ON portion.name = judged.${sourceFile} AND portion.is_last AND ${judgedBySql(replay)}`;
}

/**
 * The findings about repeats: what was rightly dropped, by `consume`, or removed, by `maintain`,
 * and what had to be dropped and was not.
 */
export const REPEAT_TABLES = `
CREATE TEMP TABLE dropped_rightly (name VARCHAR, batch_id BIGINT, position BIGINT);
CREATE TEMP TABLE removed_rightly (name VARCHAR, batch_id BIGINT, position BIGINT);
CREATE TEMP TABLE kept_wrongly (name VARCHAR, batch_id BIGINT, position BIGINT, problem VARCHAR);`;

/** What the statements below read, from the files with the answers to the queries above. */
export function repeatViewsSql(kept: string, asked: string | undefined): string {
  const lacking = asked === undefined
    ? "SELECT * FROM kept WHERE false"
    : `SELECT * FROM read_parquet(${quoteText(asked)})
ANTI JOIN (SELECT name, batch_id, position FROM places WHERE NOT wanted) USING (name, batch_id, position)`;
  return `CREATE TEMP VIEW kept AS SELECT * FROM read_parquet(${quoteText(kept)});
CREATE TEMP TABLE lacking AS ${lacking};
-- What stands for a repeat that was dropped may have been removed later, as a repeat of another one by another key.
CREATE TEMP VIEW stands AS SELECT * FROM kept UNION ALL SELECT * FROM lacking SEMI JOIN removed_rightly USING (name, batch_id, position)`;
}

/**
 * Finds what was rightly removed: an event that is missing, and an earlier one with its key stands.
 * To be repeated until it finds no more.
 */
export function removedSql(rules: RepeatRules): string {
  const keyings = keyingsOf(rules).map(keyOf);
  return rules.removed.map((removed) => {
    const key = `key_${keyings.indexOf(keyOf(removed))}`;
    return `INSERT INTO removed_rightly SELECT DISTINCT d.name, d.batch_id, d.position
FROM (FROM lacking ANTI JOIN removed_rightly USING (name, batch_id, position)) d JOIN stands k ON k.${key} = d.${key}
WHERE d.batch_id <= ${removed.through} AND (k.batch_id IS NULL OR ${isEarlier("d")} OR EXISTS (
  -- As an event it may have come with a replay, which is later than its file.
  FROM replayed_from r WHERE r.name = d.name AND r.batch_id = d.batch_id AND k.batch_id <= r.replay_id))`;
  }).join(";\n");
}

/**
 * What is missing from a file whose counts add up, where a raw file is gone: what it held may have
 * stood for these, and be removed itself by now, by another key. So they are known by their number,
 * as those of the file that is gone.
 */
export function countedSql({ removed }: RepeatRules): string {
  const through = removed.reduce((last, each) => Math.max(last, each.through), 0);
  return `INSERT INTO removed_rightly SELECT name, batch_id, position FROM lacking SEMI JOIN (
  SELECT name, batch_id FROM files JOIN (SELECT name, batch_id, count(*) AS missing FROM lacking GROUP BY ALL)
    USING (name, batch_id)
  LEFT JOIN (SELECT name, batch_id, count(*) AS there FROM places WHERE NOT wanted AND kind = 'event' GROUP BY ALL)
    USING (name, batch_id)
  WHERE batch_id <= ${through} AND missing = duplicates + events - coalesce(there, 0)
) USING (name, batch_id) WHERE EXISTS (FROM files WHERE state = 'gone' AND batch_id <= ${through})`;
}

/**
 * Finds, for the batches of each rule, what was rightly dropped and what was wrongly kept. What is
 * dropped by a rule is defined event by event, in order; a set of kept events is that one exactly
 * if each event that is missing has an earlier one near it, and none of the others has.
 */
export function droppedSql(rules: RepeatRules): string {
  const keyings = keyingsOf(rules).map(keyOf);
  return rules.dropped.flatMap(({ from, rule }, index) => {
    if (rule === null) return [];
    const to = rules.dropped[index + 1]?.from;
    const batches = `BETWEEN ${from} AND ${to === undefined ? "9223372036854775807" : to - 1}`;
    return ruleSql(keyings.indexOf(keyOf(rule)), BigInt(rule.withinMicros), batches);
  }).join(";\n");
}

function isEarlier(other: string): string {
  return `(k.batch_id, k.name, k.position) < (${other}.batch_id, ${other}.name, ${other}.position)`;
}

function ruleSql(keying: number, within: bigint, batches: string): string[] {
  const key = `key_${keying}`, time = `time_${keying}`;
  const isNear = (other: string) =>
    `k.${key} = ${other}.${key} AND k.${time} BETWEEN ${other}.${time} - ${within} AND ${other}.${time} + ${within}`;
  return [
    `INSERT INTO dropped_rightly SELECT DISTINCT d.name, d.batch_id, d.position
FROM lacking d JOIN stands k ON ${isNear("d")}
WHERE d.batch_id ${batches} AND (k.batch_id IS NULL OR ${isEarlier("d")})`,
    `INSERT INTO kept_wrongly SELECT e.name, e.batch_id, e.position,
  'is an event, and must have been dropped: it repeats record ' || any_value(k.position) || ' of ' || any_value(k.name)
FROM kept e JOIN kept k ON ${isNear("e")}
WHERE e.batch_id ${batches} AND k.batch_id IS NOT NULL AND ${isEarlier("e")} GROUP BY e.name, e.batch_id, e.position`,
  ];
}
