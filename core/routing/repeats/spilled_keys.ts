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
/** Of all keys: while fewer are gone, they are passed over, which is cheaper than moving all. */
const GONE_SHARE_MAX = 1 / 4;

/**
 * Keys in DuckDB, which spills them to scratch where memory is full. Nothing is ever deleted from
 * its table: DuckDB would keep 8 bytes of memory for each row near a deleted one, which it cannot
 * spill, for as long as the table is there.
 */
export class SpilledKeys implements KeyHolder {
  readonly keysMax = KEYS_MAX;
  readonly #connection: Connection;
  /** Keys by group, without those that are gone. */
  readonly #sizes = new Map<number, number>();
  /** Groups whose keys are passed over. */
  readonly #gone = new Set<number>();
  #count = 0;
  #goneCount = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** An empty table, of these columns: `key`, `time`, and the number of a group. */
  async begin(): Promise<void> {
    await this.#connection.run("CREATE OR REPLACE TEMP TABLE kept (key UHUGEINT, time BIGINT, part INTEGER)");
    this.#sizes.clear();
    this.#gone.clear();
    this.#count = this.#goneCount = 0;
  }

  async read(select: string, group: number): Promise<void> {
    const [inserted] = await this.#connection.rows(`INSERT INTO kept SELECT key, time, ${group} FROM (${select})`);
    const rows = Number(inserted!.Count);
    this.#sizes.set(group, (this.#sizes.get(group) ?? 0) + rows);
    this.#count += rows;
  }

  async forget(groups: ReadonlySet<number>): Promise<void> {
    for (const group of groups) {
      this.#gone.add(group);
      this.#goneCount += this.#sizes.get(group) ?? 0;
      this.#sizes.delete(group);
    }
    if (this.#goneCount <= this.#count * GONE_SHARE_MAX) return;
    await this.#connection.run(
      `CREATE OR REPLACE TEMP TABLE kept AS FROM kept WHERE part NOT IN (${[...this.#gone].join(", ")})`,
    );
    this.#count -= this.#goneCount;
    this.#goneCount = 0;
    this.#gone.clear();
  }

  /** Notes the events of data files; returns between which times they lie, if there are any. */
  async noteBatch(rule: DedupeRule, secret: string, paths: readonly string[]): Promise<TimeSpan | undefined> {
    await this.#connection.run(batchSql(rule, secret, paths));
    const [ends] = await this.#connection.rows("SELECT min(time) AS first, max(time) AS last FROM batch");
    return ends!.first === null ? undefined : { from: ends!.first as bigint, to: ends!.last as bigint };
  }

  /**
   * Of the events that were noted, which are not needed any more. `span`: all of these, and what
   * lies within reach.
   */
  async decide(span: TimeSpan, within: bigint): Promise<SpilledDecision> {
    await this.#connection.run(doubtfulSql(span));
    const repeats = await this.#repeats(within);
    await this.#noteKept(repeats);
    const [kept] = await this.#connection.rows("SELECT count(*) AS keys FROM coming");
    return { repeats, keys: Number(kept!.keys) };
  }

  /** Adds the events of the batch that was decided last, without its repeats. */
  async add(group: number): Promise<void> {
    await this.read("FROM coming", group);
  }

  /** Key by key: what the table has is kept; of the batch, in the order of files and positions. */
  async #repeats(within: bigint): Promise<RepeatPositions> {
    const repeats = new Map<string, number[]>();
    const times = new KeptTimes(within);
    let last: unknown;
    const { chunks } = await streamRows(
      this.#connection,
      "SELECT key, time, part, file, position FROM doubtful ORDER BY key, file NULLS FIRST, position",
    );
    for await (const rows of chunks) {
      for (const [key, at, part, file, position] of rows as DoubtfulRow[]) {
        if (key !== last) times.reset();
        last = key;
        if (part !== null) {
          if (!this.#gone.has(part)) times.note(at);
        } else if (!times.keep(at)) noteRepeat(repeats, file, Number(position));
      }
    }
    for (const positions of repeats.values()) positions.sort((a, b) => a - b);
    return repeats;
  }

  /** In the place of the batch, what of it may come into the table. */
  async #noteKept(repeats: RepeatPositions): Promise<void> {
    await this.#connection.run("CREATE OR REPLACE TEMP TABLE repeated (file VARCHAR, position VARCHAR)");
    await this.#connection.appendText("repeated", textRows(repeats));
    await this.#connection.run(COMING);
  }
}

/** What becomes of the events of a batch. */
export interface SpilledDecision {
  repeats: RepeatPositions;
  /** Of the others that have a key and a time. */
  keys: number;
}

/** `part` is null where the row is of the batch; else `file` and `position` are. */
type DoubtfulRow = [key: bigint, time: bigint, part: number | null, file: string, position: bigint];

const COMING = `
CREATE OR REPLACE TEMP TABLE coming AS SELECT key, time FROM batch
ANTI JOIN (SELECT file, position::BIGINT AS position FROM repeated) USING (file, position);
DROP TABLE batch; DROP TABLE near; DROP TABLE doubtful; DROP TABLE repeated`;

function* textRows(repeats: RepeatPositions): Generator<[string, string]> {
  for (const [file, positions] of repeats) for (const position of positions) yield [file, `${position}`];
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
  SELECT key, time, part FROM kept SEMI JOIN batch USING (key) WHERE time BETWEEN ${from} AND ${to};
  CREATE OR REPLACE TEMP TABLE doubtful AS
  SELECT key, time, NULL::INTEGER AS part, file, position FROM batch SEMI JOIN (
    SELECT key FROM batch GROUP BY key HAVING count(*) > 1 UNION ALL SELECT key FROM near
  ) USING (key)
  UNION ALL SELECT key, time, part, NULL, NULL FROM near`;
}

function noteRepeat(repeats: Map<string, number[]>, file: string, position: number): void {
  const positions = repeats.get(file);
  if (positions === undefined) repeats.set(file, [position]);
  else positions.push(position);
}
