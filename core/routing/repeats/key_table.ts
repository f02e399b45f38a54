import { KEY_WORDS } from "./event_keys.ts";
import type { TimeSpan } from "./time_span.ts";

/** Words of an entry: the key's number, its time, the group it was added with, the next entry. */
const ENTRY_WORDS = KEY_WORDS + 4;
const TIME = KEY_WORDS, GROUP = KEY_WORDS + 2, NEXT = KEY_WORDS + 3;
/** Parts that grow each on its own, so that no step doubles all of it. */
const SHARDS = 64;
const SHARD_ENTRIES_FIRST = 256;
const GROWTH = 1.5;
/** Of all entries: while fewer are gone, they are passed over, which is cheaper than moving all. */
const GONE_SHARE_MAX = 1 / 4;

/** Keys with their times, in memory: a key may stand in it with many times. */
export class KeyTable {
  /** Groups whose entries are passed over. */
  readonly #gone = new Set<number>();
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => new Shard(this.#gone));
  /** Entries by group. */
  readonly #sizes = new Map<number, number>();
  #count = 0;
  #goneCount = 0;

  /** The key's number starts at `at` in `numbers`. `low` and `high`: the words of its time. */
  add(numbers: Uint32Array, at: number, low: number, high: number, group: number): void {
    this.#shardOf(numbers, at).add(numbers, at, low, high, group);
    this.#sizes.set(group, (this.#sizes.get(group) ?? 0) + 1);
    this.#count++;
  }

  has(numbers: Uint32Array, at: number): boolean {
    return this.#shardOf(numbers, at).find(numbers, at) !== END;
  }

  /** The times of the key that lie in the span. */
  timesOf(numbers: Uint32Array, at: number, span: TimeSpan): bigint[] {
    return this.#shardOf(numbers, at).timesOf(numbers, at, span);
  }

  /** Forgets what was added with these groups, to which nothing is added any more. */
  forget(groups: ReadonlySet<number>): void {
    for (const group of groups) {
      this.#gone.add(group);
      this.#goneCount += this.#sizes.get(group) ?? 0;
      this.#sizes.delete(group);
    }
    if (this.#goneCount <= this.#count * GONE_SHARE_MAX) return;
    for (const shard of this.#shards) shard.removeGone();
    this.#count -= this.#goneCount;
    this.#goneCount = 0;
    this.#gone.clear();
  }

  #shardOf(numbers: Uint32Array, at: number): Shard {
    return this.#shards[numbers[at]! % SHARDS]!;
  }
}

/** Behind the last entry of a chain. */
const END = 0;

/**
 * Entries in chains, the latest first, so that a key of very many times is added to as fast as any
 * other one.
 */
class Shard {
  /** Of each chain, the number of its first entry, from 1 on; as many as a power of two. */
  #chains = new Uint32Array(SHARD_ENTRIES_FIRST);
  #entries = new Uint32Array(SHARD_ENTRIES_FIRST * ENTRY_WORDS);
  #count = 0;
  readonly #gone: ReadonlySet<number>;

  constructor(gone: ReadonlySet<number>) {
    this.#gone = gone;
  }

  add(numbers: Uint32Array, at: number, low: number, high: number, group: number): void {
    this.#makeRoom();
    const place = this.#count++ * ENTRY_WORDS, entries = this.#entries;
    for (let word = 0; word < KEY_WORDS; word++) entries[place + word] = numbers[at + word]!;
    entries[place + TIME] = low;
    entries[place + TIME + 1] = high;
    entries[place + GROUP] = group;
    this.#link(place);
  }

  /** The number of the key's first entry; or of its next, behind `entry`. */
  find(numbers: Uint32Array, at: number, entry = this.#chains[this.#chainOf(numbers, at)]!): number {
    const entries = this.#entries;
    const first = numbers[at]!, second = numbers[at + 1]!, third = numbers[at + 2]!;
    for (let number = entry; number !== END;) {
      const place = (number - 1) * ENTRY_WORDS;
      const isIt = entries[place] === first && entries[place + 1] === second && entries[place + 2] === third;
      if (isIt && !this.#gone.has(entries[place + GROUP]!)) return number;
      number = entries[place + NEXT]!;
    }
    return END;
  }

  timesOf(numbers: Uint32Array, at: number, { from, to }: TimeSpan): bigint[] {
    const times: bigint[] = [];
    const entries = this.#entries;
    for (let number = this.find(numbers, at); number !== END;) {
      const place = (number - 1) * ENTRY_WORDS;
      const low = BigInt(entries[place + TIME]!), high = BigInt(entries[place + TIME + 1]!);
      const time = BigInt.asIntN(64, high << 32n | low);
      if (time >= from && time <= to) times.push(time);
      number = this.find(numbers, at, entries[place + NEXT]!);
    }
    return times;
  }

  removeGone(): void {
    const entries = this.#entries;
    let kept = 0;
    for (let place = 0; place < this.#count * ENTRY_WORDS; place += ENTRY_WORDS) {
      if (this.#gone.has(entries[place + GROUP]!)) continue;
      entries.copyWithin(kept * ENTRY_WORDS, place, place + ENTRY_WORDS);
      kept++;
    }
    if (kept === this.#count) return;
    this.#count = kept;
    this.#relink(this.#chains.length);
  }

  #makeRoom(): void {
    const entries = this.#entries;
    if ((this.#count + 1) * ENTRY_WORDS > entries.length) {
      this.#entries = new Uint32Array(Math.ceil(this.#count * GROWTH) * ENTRY_WORDS);
      this.#entries.set(entries);
    }
    if (this.#count >= this.#chains.length) this.#relink(this.#chains.length * 2);
  }

  #relink(chains: number): void {
    this.#chains = new Uint32Array(chains);
    for (let place = 0; place < this.#count * ENTRY_WORDS; place += ENTRY_WORDS) this.#link(place);
  }

  #link(place: number): void {
    const chain = this.#chainOf(this.#entries, place);
    this.#entries[place + NEXT] = this.#chains[chain]!;
    this.#chains[chain] = place / ENTRY_WORDS + 1;
  }

  #chainOf(numbers: Uint32Array, at: number): number {
    return numbers[at + 1]! & this.#chains.length - 1;
  }
}
