import type { Random } from "../../base/random.ts";
import type { Scratch } from "../../disk/scratch.ts";
import { type Connection, quotePath } from "../../engine/duckdb.ts";
import { streamRows } from "../../engine/duckdb_stream.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DedupeRule } from "../../lake/dedupe_rule.ts";
import { eventTimeSql, keyNumberSql } from "../../lake/dedupe_sql.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import type { RepeatPositions } from "../repeats.ts";
import { KeptTimes } from "./kept_times.ts";
import { KeyIndex, type TimeSpan } from "./key_index.ts";

/** Bytes of the secret that keys are numbered with. */
const SECRET_BYTES = 16;

/** Finds the events of a batch that repeat one of the table's, or an earlier one of the batch. */
export class RepeatFinder {
  readonly #connect: () => Promise<Connection>;
  readonly #scratch: Scratch;
  readonly #secret: string;
  #connection: Connection | undefined;
  #index: { rule: string; keys: KeyIndex } | undefined;

  constructor(connect: () => Promise<Connection>, scratch: Scratch, random: Random) {
    this.#connect = connect;
    this.#scratch = scratch;
    this.#secret = random.bytes(SECRET_BYTES).toHex();
  }

  /** `paths`: local data files with the events of the batch, which are not in the table. */
  async find(rule: DedupeRule, table: LoadedTable, paths: readonly string[]): Promise<RepeatPositions> {
    if (paths.length === 0) return new Map();
    const connection = this.#connection ??= await this.#connect();
    const keys = await this.#indexOf(rule, connection);
    await connection.run(batchSql(rule, this.#secret, paths));
    const [ends] = await connection.rows("SELECT min(time) AS first, max(time) AS last FROM batch");
    if (ends!.first === null) return new Map();
    const within = BigInt(rule.withinMicros);
    const span = { from: (ends!.first as bigint) - within, to: (ends!.last as bigint) + within };
    await keys.follow(table, span);
    await connection.run(doubtfulSql(span));
    return await decide(connection, within);
  }

  close(): void {
    this.#connection?.close();
  }

  async #indexOf(rule: DedupeRule, connection: Connection): Promise<KeyIndex> {
    const text = JSON.stringify([rule.by, rule.at]);
    if (this.#index?.rule !== text) {
      const keys = new KeyIndex(connection, this.#scratch, rule, this.#secret);
      await keys.begin();
      this.#index = { rule: text, keys };
    }
    return this.#index.keys;
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
