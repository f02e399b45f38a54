import { KEY_WORDS } from "./event_keys.ts";
import type { TimeSpan } from "./time_span.ts";

/**
 * Words of an entry: the key's number, its time, and the group it was added with. Of a key with
 * many times they stand in a list: the first is where its time would be.
 */
const ENTRY_WORDS = KEY_WORDS + 3;
const TIME = KEY_WORDS, FIRST = KEY_WORDS, GROUP = KEY_WORDS + 2;
/** In the place of a group. */
const NONE = 0, MANY = 2 ** 32 - 1;
/** Words of a time in a list: the time, its group, the next one. */
const LISTED_WORDS = 4;
const LISTED_GROUP = 2, LISTED_NEXT = 3;
/** Parts that grow each on its own, so that no step doubles all of it. */
const SHARDS = 64;
const ENTRIES_FIRST = 256;
const LOAD_MAX = 0.8;
/** Little, as what it leaves free is memory that holds no key. */
const GROWTH = 1.1;
/** Of all entries: while fewer are gone, they are passed over, which is cheaper than moving all. */
const GONE_SHARE_MAX = 1 / 12;

/** Keys with their times, in memory: a key may stand in it with many times. */
export class KeyTable {
  /** Groups whose entries are passed over. */
  readonly #gone = new Set<number>();
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => new Shard(this.#gone));
  /** Entries by group. */
  readonly #sizes = new Map<number, number>();
  #count = 0;
  #goneCount = 0;

  /**
   * The key's number starts at `at` in `numbers`. `low` and `high`: the words of its time. Groups
   * count from 1.
   */
  add(numbers: Uint32Array, at: number, low: number, high: number, group: number): void {
    this.#shardOf(numbers, at).add(numbers, at, { low, high, group });
    this.#sizes.set(group, (this.#sizes.get(group) ?? 0) + 1);
    this.#count++;
  }

  has(numbers: Uint32Array, at: number): boolean {
    return this.#shardOf(numbers, at).has(numbers, at);
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

interface Timed {
  low: number;
  high: number;
  group: number;
}

/**
 * An entry stands at its key's place or, where that is taken, behind it: looking for it reads one
 * piece of memory. Times of a key beyond the first stand in lists, the latest first, so that a key
 * of very many times is added to as fast as any other one.
 */
class Shard {
  #entries = emptyEntries(0);
  #keys = 0;
  /** Numbered from 1 on. */
  #listed = new Uint32Array(0);
  #listedCount = 0;
  readonly #gone: ReadonlySet<number>;

  constructor(gone: ReadonlySet<number>) {
    this.#gone = gone;
  }

  add(numbers: Uint32Array, at: number, timed: Timed): void {
    const place = this.#placeOf(numbers, at), entries = this.#entries;
    const group = entries[place + GROUP]!;
    if (group === NONE || this.#gone.has(group)) {
      for (let word = 0; word < KEY_WORDS; word++) entries[place + word] = numbers[at + word]!;
      entries[place + TIME] = timed.low;
      entries[place + TIME + 1] = timed.high;
      entries[place + GROUP] = timed.group;
      if (group === NONE && ++this.#keys > entries.length / ENTRY_WORDS * LOAD_MAX) this.#grow();
      return;
    }
    if (group !== MANY) {
      const known = { low: entries[place + TIME]!, high: entries[place + TIME + 1]!, group };
      entries[place + FIRST] = this.#list(known, NONE);
      entries[place + GROUP] = MANY;
    }
    entries[place + FIRST] = this.#list(timed, entries[place + FIRST]!);
  }

  has(numbers: Uint32Array, at: number): boolean {
    const place = this.#placeOf(numbers, at);
    const group = this.#entries[place + GROUP]!;
    if (group !== MANY) return group !== NONE && !this.#gone.has(group);
    return this.#timesAt(place).next().done !== true;
  }

  timesOf(numbers: Uint32Array, at: number, { from, to }: TimeSpan): bigint[] {
    const times: bigint[] = [];
    for (const { low, high } of this.#timesAt(this.#placeOf(numbers, at))) {
      const time = BigInt.asIntN(64, BigInt(high) << 32n | BigInt(low));
      if (time >= from && time <= to) times.push(time);
    }
    return times;
  }

  removeGone(): void {
    const old = new Shard(this.#gone);
    old.#take(this);
    this.#entries = emptyEntries(old.#countLive());
    for (let place = 0; place < old.#entries.length; place += ENTRY_WORDS) {
      for (const timed of old.#timesAt(place)) this.add(old.#entries, place, timed);
    }
  }

  /** Entries that are not gone, or may not be. */
  #countLive(): number {
    let live = 0;
    for (let place = GROUP; place < this.#entries.length; place += ENTRY_WORDS) {
      const group = this.#entries[place]!;
      if (group !== NONE && !this.#gone.has(group)) live++;
    }
    return live;
  }

  /** Takes all that the other one has, which is empty then. */
  #take(other: Shard): void {
    this.#entries = other.#entries;
    this.#listed = other.#listed;
    this.#listedCount = other.#listedCount;
    other.#entries = emptyEntries(0);
    other.#listed = new Uint32Array(0);
    other.#keys = other.#listedCount = 0;
  }

  /** Of the entry at that place, without those that are gone. */
  *#timesAt(place: number): Generator<Timed> {
    const entries = this.#entries, listed = this.#listed;
    const group = entries[place + GROUP]!;
    if (group !== MANY) {
      if (group === NONE || this.#gone.has(group)) return;
      yield { low: entries[place + TIME]!, high: entries[place + TIME + 1]!, group };
      return;
    }
    for (let number = entries[place + FIRST]!; number !== NONE;) {
      const from = (number - 1) * LISTED_WORDS;
      const timed = { low: listed[from]!, high: listed[from + 1]!, group: listed[from + LISTED_GROUP]! };
      if (!this.#gone.has(timed.group)) yield timed;
      number = listed[from + LISTED_NEXT]!;
    }
  }

  /** Where the key's entry is, or can be put. */
  #placeOf(numbers: Uint32Array, at: number): number {
    const entries = this.#entries;
    const first = numbers[at]!, second = numbers[at + 1]!, third = numbers[at + 2]!;
    // By the second word: the first one tells the shards apart.
    let place = Math.floor(second / 2 ** 32 * (entries.length / ENTRY_WORDS)) * ENTRY_WORDS;
    for (;;) {
      if (entries[place + GROUP] === NONE) return place;
      if (entries[place] === first && entries[place + 1] === second && entries[place + 2] === third) return place;
      place += ENTRY_WORDS;
      if (place === entries.length) place = 0;
    }
  }

  /** Returns its number. */
  #list({ low, high, group }: Timed, next: number): number {
    const from = this.#listedCount++ * LISTED_WORDS;
    if (from === this.#listed.length) {
      const grown = new Uint32Array(Math.ceil(this.#listedCount * GROWTH) * LISTED_WORDS);
      grown.set(this.#listed);
      this.#listed = grown;
    }
    this.#listed.set([low, high, group, next], from);
    return this.#listedCount;
  }

  #grow(): void {
    const old = this.#entries;
    this.#entries = new Uint32Array(Math.ceil(old.length / ENTRY_WORDS * GROWTH) * ENTRY_WORDS);
    for (let from = 0; from < old.length; from += ENTRY_WORDS) {
      if (old[from + GROUP] === NONE) continue;
      const place = this.#placeOf(old, from);
      for (let word = 0; word < ENTRY_WORDS; word++) this.#entries[place + word] = old[from + word]!;
    }
  }
}

/** With room for so many before it grows. */
function emptyEntries(keys: number): Uint32Array {
  return new Uint32Array(Math.max(ENTRIES_FIRST, Math.ceil(keys / LOAD_MAX) + 1) * ENTRY_WORDS);
}
