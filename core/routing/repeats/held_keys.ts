import type { Connection } from "../../engine/duckdb.ts";
import { streamWords } from "../../engine/duckdb_stream.ts";
import type { RepeatPositions } from "../repeats.ts";
import { type EventKeys, KEY_WORDS } from "./event_keys.ts";
import { KeptTimes } from "./kept_times.ts";
import type { KeyHolder } from "./key_index.ts";
import { KeyTable } from "./key_table.ts";
import type { TimeSpan } from "./time_span.ts";

/** Of memory: 24, with what growth leaves free, and entries that are gone and not yet removed. */
const KEY_BYTES = 36;
/** Of a key's number of 128 bits, of which the low `KEY_WORDS` are taken. */
const READ_KEY_WORDS = 4;
/**
 * Of what fits, as much as may be needed at once: the rest is for what is not needed any more, so
 * that it need not be made anew for every batch to get rid of that.
 */
const NEEDED_SHARE_MAX = 7 / 8;

/** Events of a batch that are no repeats, and the repeats. */
export interface Decision {
  repeats: RepeatPositions;
  /** Of each event: 1 for a repeat. */
  isRepeat: Uint8Array;
  /** Of the others. */
  keys: number;
}

/** Keys in memory. */
export class HeldKeys implements KeyHolder {
  readonly keysMax: number;
  readonly neededMax: number;
  readonly #connect: () => Promise<Connection>;
  #table = new KeyTable();

  /** `bytesMax`: what they may take. */
  constructor(connect: () => Promise<Connection>, bytesMax: number) {
    this.keysMax = Math.floor(bytesMax / KEY_BYTES);
    this.neededMax = Math.floor(this.keysMax * NEEDED_SHARE_MAX);
    this.#connect = connect;
  }

  begin(): Promise<void> {
    this.#table = new KeyTable();
    return Promise.resolve();
  }

  async read(select: string, group: number): Promise<void> {
    const sql = `SELECT key, time FROM (${select})`;
    for await (const { rows, columns } of streamWords(await this.#connect(), sql)) {
      const [keys, times] = columns as [Uint32Array, Uint32Array];
      for (let row = 0; row < rows; row++) {
        this.#table.add(keys, row * READ_KEY_WORDS, times[row * 2]!, times[row * 2 + 1]!, group);
      }
    }
  }

  forget(groups: ReadonlySet<number>): Promise<void> {
    this.#table.forget(groups);
    return Promise.resolve();
  }

  /** Adds the events of a batch that were kept. */
  add({ numbers, times }: EventKeys, { isRepeat }: Decision, group: number): void {
    const words = new Uint32Array(times.buffer, times.byteOffset, times.length * 2);
    for (let row = 0; row < times.length; row++) {
      if (isRepeat[row] !== 0) continue;
      this.#table.add(numbers, row * KEY_WORDS, words[row * 2]!, words[row * 2 + 1]!, group);
    }
  }

  /**
   * Key by key: what the table has is kept; of the batch, in the order of files and positions.
   * `span`: all times of the batch, and what lies within reach.
   */
  decide(batch: EventKeys, span: TimeSpan, within: bigint): Decision {
    const isRepeat = new Uint8Array(batch.times.length);
    const firsts = firstRows(batch);
    const rows = this.#doubtful(batch, firsts), before = orderOf(batch);
    const kept = new KeptTimes(within);
    let last: number | undefined;
    for (const row of rows.sort((a, b) => firsts[a]! - firsts[b]! || before(a, b))) {
      if (firsts[row] !== last) {
        kept.reset();
        kept.noteAll(this.#table.timesOf(batch.numbers, row * KEY_WORDS, span));
      }
      last = firsts[row];
      if (!kept.keep(batch.times[row]!)) isRepeat[row] = 1;
    }
    const keys = isRepeat.reduce((sum, repeat) => sum - repeat, isRepeat.length);
    return { repeats: positionsOf(batch, isRepeat), isRepeat, keys };
  }

  /** The rows of keys that occur more than once, in the batch or with the table. */
  #doubtful({ numbers }: EventKeys, firsts: Uint32Array): Uint32Array {
    const isDoubtful = new Uint8Array(firsts.length);
    for (const [row, first] of firsts.entries()) {
      if (first !== row || this.#table.has(numbers, row * KEY_WORDS)) isDoubtful[first] = 1;
    }
    let count = 0;
    const rows = new Uint32Array(firsts.length);
    for (const [row, first] of firsts.entries()) if (isDoubtful[first] === 1) rows[count++] = row;
    return rows.subarray(0, count);
  }
}

/** Of each row, the first one with its key. */
function firstRows({ numbers, times }: EventKeys): Uint32Array {
  const rows = times.length;
  const firsts = new Uint32Array(rows), next = new Int32Array(rows);
  const chains = new Int32Array(2 ** Math.ceil(Math.log2(rows + 1))).fill(-1);
  for (let row = 0; row < rows; row++) {
    const at = row * KEY_WORDS, chain = numbers[at]! & (chains.length - 1);
    let first = chains[chain]!;
    while (first !== -1 && !sameKey(numbers, first * KEY_WORDS, at)) first = next[first]!;
    firsts[row] = first === -1 ? row : first;
    if (first !== -1) continue;
    next[row] = chains[chain]!;
    chains[chain] = row;
  }
  return firsts;
}

function sameKey(numbers: Uint32Array, a: number, b: number): boolean {
  for (let word = 0; word < KEY_WORDS; word++) if (numbers[a + word] !== numbers[b + word]) return false;
  return true;
}

/** Files by the bytes of their names, as SQL orders them; within one by position. */
function orderOf({ files, fileOf, positions }: EventKeys): (a: number, b: number) => number {
  const encoder = new TextEncoder();
  const encoded = files.map((name, index) => ({ index, bytes: encoder.encode(name) }));
  const ranks = new Uint32Array(files.length);
  encoded.sort((a, b) => compareBytes(a.bytes, b.bytes)).forEach(({ index }, rank) => ranks[index] = rank);
  return (a, b) => ranks[fileOf[a]!]! - ranks[fileOf[b]!]! || positions[a]! - positions[b]!;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) if (a[at] !== b[at]) return a[at]! - b[at]!;
  return a.length - b.length;
}

function positionsOf({ files, fileOf, positions }: EventKeys, isRepeat: Uint8Array): RepeatPositions {
  const repeats = new Map<string, number[]>();
  for (let row = 0; row < isRepeat.length; row++) {
    if (isRepeat[row] === 0) continue;
    const file = files[fileOf[row]!]!;
    const known = repeats.get(file);
    if (known === undefined) repeats.set(file, [positions[row]!]);
    else known.push(positions[row]!);
  }
  for (const found of repeats.values()) found.sort((a, b) => a - b);
  return repeats;
}
