import { type Connection, quotePath } from "../../engine/duckdb.ts";
import { streamRows } from "../../engine/duckdb_stream.ts";
import { keyNumberSql } from "../../lake/dedupe_sql.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import type { UpsertRule } from "../../lake/upsert_rule.ts";
import { newestSql, removesSql } from "../../lake/upsert_sql.ts";
import type { RepeatPositions } from "../repeats.ts";
import { STANDING, type StandingRows } from "./standing_rows.ts";

/** What becomes of the events of a batch. */
export interface NewestRecords {
  /** Those that are no row: a newer one has their key, or they remove it. */
  superseded: RepeatPositions;
  /** All but those that remove their key, as the newest of it; undefined where there is none. */
  noTombstones: RepeatPositions | undefined;
}

export interface BatchRecords {
  rule: UpsertRule;
  /** See `keyNumberSql`. */
  secret: string;
  /** Of a column of the files. */
  kindOf: (column: string) => string | undefined;
  /** Local data files that have all of them. */
  paths: readonly string[];
}

/**
 * Of each key the newest record of a batch, where nothing newer stands. `standing` must have what
 * the table has, in the same session of DuckDB.
 */
export async function findNewest(
  connection: Connection,
  standing: StandingRows,
  records: BatchRecords,
): Promise<NewestRecords> {
  await connection.run(batchSql(records));
  await connection.run(FIRST);
  await standing.find("first");
  await connection.run(WINNERS);
  const superseded = new Map<string, number[]>(), others = new Map<string, number[]>();
  let tombstones = 0;
  const { chunks } = await streamRows(connection, OUTCOMES);
  for await (const rows of chunks) {
    for (const [file, position, outcome] of rows as [string, bigint, string][]) {
      if (outcome !== "row") add(superseded, file, Number(position));
      if (outcome === "tombstone") tombstones++;
      else add(others, file, Number(position));
    }
  }
  await connection.run("DROP TABLE batch; DROP TABLE first; DROP TABLE winners; DROP TABLE standing");
  return { superseded, noTombstones: tombstones === 0 ? undefined : others };
}

function batchSql({ rule, secret, kindOf, paths }: BatchRecords): string {
  const { sourceFile, sourcePosition } = OUR_COLUMNS;
  return `CREATE OR REPLACE TEMP TABLE batch AS
SELECT ${keyNumberSql(rule, secret)} AS key, ${newestSql(rule, kindOf(rule.newest))} AS newest, ${
    removesSql(rule)
  } AS removes, ${sourceFile} AS file, ${sourcePosition} AS position
FROM read_parquet([${paths.map(quotePath).join(", ")}], hive_partitioning = false)`;
}

const FIRST = `CREATE OR REPLACE TEMP TABLE first AS SELECT key, newest, file, position FROM (
  SELECT *, row_number() OVER (PARTITION BY key ORDER BY newest DESC, file DESC, position DESC) AS place
  FROM batch WHERE key IS NOT NULL
) WHERE place = 1`;

/** What stands is of earlier batches, so of equal ones the batch's is the later. */
const WINNERS = `CREATE OR REPLACE TEMP TABLE winners AS SELECT file, position FROM first ANTI JOIN (
  SELECT key FROM ${STANDING} s JOIN first f USING (key) GROUP BY key, f.newest HAVING max(s.newest) > f.newest
) USING (key)`;

/** A record that removes a key, and has none, is no row and removes nothing. */
const OUTCOMES = `SELECT file, position, CASE
  WHEN key IS NULL THEN CASE WHEN removes THEN 'nothing' ELSE 'row' END
  WHEN w.is_there IS NULL THEN 'nothing'
  WHEN removes THEN 'tombstone'
  ELSE 'row' END AS outcome
FROM batch LEFT JOIN (SELECT file, position, true AS is_there FROM winners) w USING (file, position)
ORDER BY file, position`;

function add(positions: Map<string, number[]>, file: string, position: number): void {
  const known = positions.get(file);
  if (known === undefined) positions.set(file, [position]);
  else known.push(position);
}
