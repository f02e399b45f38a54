import { type Connection, quotePath } from "../../engine/duckdb.ts";
import { streamRows } from "../../engine/duckdb_stream.ts";
import type { DedupeRule } from "../../lake/dedupe_rule.ts";
import { eventTimeSql, keyNumberSql } from "../../lake/dedupe_sql.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import type { RepeatPositions } from "../repeats.ts";
import { KeptTimes } from "./kept_times.ts";
import type { KeyHolder } from "./key_index.ts";
import type { TimeSpan } from "./time_span.ts";

/** About a gigabyte. */
const KEYS_MAX = 40_000_000;

/** Keys in DuckDB, which spills them to scratch where memory is full. */
export class SpilledKeys implements KeyHolder {
  readonly keysMax = KEYS_MAX;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** An empty table, of these columns: `key`, `time`, and the number of a group. */
  async begin(): Promise<void> {
    await this.#connection.run("CREATE OR REPLACE TEMP TABLE kept (key UHUGEINT, time BIGINT, part INTEGER)");
  }

  async read(select: string, group: number): Promise<void> {
    await this.#connection.run(`INSERT INTO kept SELECT key, time, ${group} FROM (${select})`);
  }

  async forget(groups: ReadonlySet<number>): Promise<void> {
    await this.#connection.run(`DELETE FROM kept WHERE part IN (${[...groups].join(", ")})`);
  }

  /** Notes the events of data files; returns between which times they lie, if there are any. */
  async noteBatch(rule: DedupeRule, secret: string, paths: readonly string[]): Promise<TimeSpan | undefined> {
    await this.#connection.run(batchSql(rule, secret, paths));
    const [ends] = await this.#connection.rows("SELECT min(time) AS first, max(time) AS last FROM batch");
    return ends!.first === null ? undefined : { from: ends!.first as bigint, to: ends!.last as bigint };
  }

  /** Of the events that were noted. `span`: all of these, and what lies within reach. */
  async repeats(span: TimeSpan, within: bigint): Promise<RepeatPositions> {
    await this.#connection.run(doubtfulSql(span));
    return await decide(this.#connection, within);
  }
}

function batchSql(rule: DedupeRule, secret: string, paths: readonly string[]): string {
  const { sourceFile, sourcePosition } = OUR_COLUMNS;
  return `CREATE OR REPLACE TEMP TABLE batch AS SELECT * FROM (
    SELECT ${keyNumberSql(rule, secret)} AS key, ${
    eventTimeSql(rule)
  } AS time, ${sourceFile} AS file, ${sourcePosition} AS position
    FROM read_parquet([${paths.map(quotePath).join(", ")}], hive_partitioning = false)
  ) WHERE key IS NOT NULL AND time IS NOT NULL`;
}

/**
 * Keys of the batch that occur more than once, with all of their events. What the table keeps is
 * looked through once: it may be thousands of times as much.
 */
function doubtfulSql({ from, to }: TimeSpan): string {
  return `
  CREATE OR REPLACE TEMP TABLE near AS
  SELECT key, time FROM kept SEMI JOIN batch USING (key) WHERE time BETWEEN ${from} AND ${to};
  CREATE OR REPLACE TEMP TABLE doubtful AS
  SELECT key, time, file, position FROM batch SEMI JOIN (
    SELECT key FROM batch GROUP BY key HAVING count(*) > 1 UNION ALL SELECT key FROM near
  ) USING (key)
  UNION ALL SELECT key, time, NULL, NULL FROM near`;
}

/** Key by key: what the table has is kept; of the batch, in the order of files and positions. */
async function decide(connection: Connection, within: bigint): Promise<RepeatPositions> {
  const repeats = new Map<string, number[]>();
  const times = new KeptTimes(within);
  let last: unknown;
  const { chunks } = await streamRows(
    connection,
    "SELECT key, time, file, position FROM doubtful ORDER BY key, file NULLS FIRST, position",
  );
  for await (const rows of chunks) {
    for (const [key, at, file, position] of rows as [bigint, bigint, string | null, bigint][]) {
      if (key !== last) times.reset();
      last = key;
      if (file === null) times.note(at);
      else if (!times.keep(at)) noteRepeat(repeats, file, Number(position));
    }
  }
  for (const positions of repeats.values()) positions.sort((a, b) => a - b);
  return repeats;
}

function noteRepeat(repeats: Map<string, number[]>, file: string, position: number): void {
  const positions = repeats.get(file);
  if (positions === undefined) repeats.set(file, [position]);
  else positions.push(position);
}
