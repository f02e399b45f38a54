import type { Random } from "../../base/random.ts";
import type { Scratch } from "../../disk/scratch.ts";
import type { Connection } from "../../engine/duckdb.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DedupeRule } from "../../lake/dedupe_rule.ts";
import type { RepeatPositions } from "../repeats.ts";
import type { EventKeys } from "./event_keys.ts";
import { HeldKeys } from "./held_keys.ts";
import { type ExpectedFiles, type KeyHolder, KeyIndex } from "./key_index.ts";
import { SpilledKeys } from "./spilled_keys.ts";
import type { TimeSpan } from "./time_span.ts";

/** Of the secret that keys are numbered with: with 39 bytes of a UUID it fits one block of MD5. */
const SECRET_BYTES = 8;

export interface RepeatFinderOptions {
  /** A session of DuckDB. */
  connect: () => Promise<Connection>;
  scratch: Scratch;
  random: Random;
  /** What keys may take of memory; more are left to DuckDB. */
  bytesMax: number;
}

/** The events of a batch, which are not in the table. */
export interface BatchEvents {
  /** Their keys, where these are known without DuckDB. */
  keys: EventKeys | undefined;
  /** Local data files that have them. */
  paths: readonly string[];
}

interface Indexed<T extends KeyHolder> {
  rule: string;
  keys: KeyIndex;
  holder: T;
}

/** A batch without its repeats, whose files are not known yet. */
interface Decided extends Omit<ExpectedFiles, "files"> {
  index: KeyIndex;
}

/** Finds the events of a batch that repeat one of the table's, or an earlier one of the batch. */
export class RepeatFinder {
  /** See `keyNumberSql`. */
  readonly secret: string;
  readonly #options: RepeatFinderOptions;
  #connection: Connection | undefined;
  #held: Indexed<HeldKeys> | undefined;
  #spilled: Indexed<SpilledKeys> | undefined;
  #decided: Decided | undefined;

  constructor(options: RepeatFinderOptions) {
    this.#options = options;
    this.secret = options.random.bytes(SECRET_BYTES).toHex();
  }

  async find(rule: DedupeRule, table: LoadedTable, { keys, paths }: BatchEvents): Promise<RepeatPositions> {
    this.#decided = undefined;
    if (paths.length === 0) return new Map();
    return (keys && await this.#findHeld(rule, table, keys)) ?? await this.#findSpilled(rule, table, paths);
  }

  /** Undefined where there is not enough memory, and only the events' files will do. */
  async findByKeys(rule: DedupeRule, table: LoadedTable, keys: EventKeys): Promise<RepeatPositions | undefined> {
    this.#decided = undefined;
    return await this.#findHeld(rule, table, keys);
  }

  /** The events of the batch without its repeats have become these files, and may be committed. */
  placed(files: readonly string[]): void {
    if (this.#decided === undefined) return;
    const { index, ...decided } = this.#decided;
    if (files.length > 0) index.expect({ ...decided, files: new Set(files) });
    this.#decided = undefined;
  }

  close(): void {
    this.#connection?.close();
  }

  async #findHeld(rule: DedupeRule, table: LoadedTable, keys: EventKeys): Promise<RepeatPositions | undefined> {
    if (keys.times.length === 0) return new Map();
    const { bytesMax } = this.#options;
    const index = this.#held = await this.#indexOf(rule, this.#held, () => {
      return Promise.resolve(new HeldKeys(() => this.#connect(), bytesMax));
    });
    const within = BigInt(rule.withinMicros);
    const span = around(endsOf(keys), within);
    // What is held stays: one late event asks for many old files, and the next batch for none.
    if (!await index.keys.follow(table, span)) return undefined;
    const { keys: decidedBy, holder } = index, decision = holder.decide(keys, span, within);
    this.#decided = {
      index: decidedBy,
      keys: decision.keys,
      add: (group) => Promise.resolve(holder.add(keys, decision, group)),
    };
    return decision.repeats;
  }

  async #findSpilled(rule: DedupeRule, table: LoadedTable, paths: readonly string[]): Promise<RepeatPositions> {
    const index = this.#spilled = await this.#indexOf(rule, this.#spilled, async () => {
      return new SpilledKeys(await this.#connect());
    });
    const ends = await index.holder.noteBatch(rule, this.secret, paths);
    if (ends === undefined) return new Map();
    const within = BigInt(rule.withinMicros);
    const span = around(ends, within);
    await index.keys.follow(table, span);
    const { repeats, keys } = await index.holder.decide(span, within);
    this.#decided = { index: index.keys, keys, add: (group) => index.holder.add(group) };
    return repeats;
  }

  async #indexOf<T extends KeyHolder>(
    rule: DedupeRule,
    known: Indexed<T> | undefined,
    make: () => Promise<T>,
  ): Promise<Indexed<T>> {
    const text = JSON.stringify([rule.by, rule.at]);
    if (known?.rule === text) return known;
    const { scratch } = this.#options;
    const holder = await make();
    const keys = new KeyIndex(holder, { connect: () => this.#connect(), scratch, rule, secret: this.secret });
    await keys.begin();
    return { rule: text, keys, holder };
  }

  async #connect(): Promise<Connection> {
    return this.#connection ??= await this.#options.connect();
  }
}

function endsOf({ times }: EventKeys): TimeSpan {
  let from = times[0]!, to = from;
  for (const time of times) {
    if (time < from) from = time;
    if (time > to) to = time;
  }
  return { from, to };
}

function around({ from, to }: TimeSpan, within: bigint): TimeSpan {
  return { from: from - within, to: to + within };
}
