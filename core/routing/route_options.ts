import type { Meter } from "../base/meter.ts";
import type { ColumnRoom } from "../contract/extra_columns.ts";
import type { Contract, OnExtraFields, OnWrongType } from "../contract/contract.ts";
import type { Connection } from "../engine/duckdb.ts";
import type { OnEmpty } from "../lake/batch_plan.ts";
import type { Scratch } from "../disk/scratch.ts";
import type { TargetTable } from "../tables/write/target_table.ts";
import type { EventKeys, KeyRule } from "./repeats/event_keys.ts";
import type { RepeatPositions } from "./repeats.ts";
import type { ReaderPool } from "./reader/reader_pool.ts";
import type { ReaderLimits } from "./reader/reading.ts";

export interface RouteOptions {
  /** A session of DuckDB. */
  connect: () => Promise<Connection>;
  /** Counts records. */
  meter: Meter;
  readers: ReaderPool;
  limits: ReaderLimits;
  /** No record is the reader's: all are the judge's. For tests, which compare the two. */
  judgesAll: boolean;
  scratch: Scratch;
  contract: Contract;
  onExtraFields: OnExtraFields;
  onWrongType?: OnWrongType | undefined;
  onEmpty?: OnEmpty | undefined;
  /** See `RawZone`. */
  recordsAt?: string | undefined;
  /** Events that are left out. */
  repeats?: RepeatPositions | undefined;
  /** Whose keys are asked for, of the events. */
  keys?: KeyRule | undefined;
  /**
   * Says by the keys what is to be left out, before the events are written. Undefined where it
   * cannot; it is not asked where events don't fit into memory.
   */
  decide?: ((keys: EventKeys) => Promise<RepeatPositions | undefined>) | undefined;
  pathColumns?: readonly string[] | undefined;
  /** What the tables can still take of fields that the contract does not name. */
  room: ColumnRoom;
  batchId: bigint;
  /** The pinned `_ingested_at`, microseconds since 1970. */
  ingestedAtMicros: bigint;
  /**
   * The tables as they must be for a contract, which is this one or one with more columns (`add`).
   */
  tablesFor(contract: Contract): { events: TargetTable; deadLetters: TargetTable };
}
