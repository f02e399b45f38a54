import { copyBytes, equalBytes } from "./bytes.ts";
import { hashBytes } from "./hash.ts";
import { alloc, allocZeroed, dealloc, OVERRUN, Pointer, realloc } from "./memory.ts";

const TEXTS_FIRST: u32 = 256;
const SLOTS_FIRST: u32 = 1024;
export const ARENA_FIRST: u32 = 1 << 16;

/** Offset 0 means no text. */
const ARENA_START: u32 = 16;

const RECENT_BITS: i32 = 14;
/** 2^64 divided by the golden ratio. */
const RECENT_MIX: u64 = 0x9e3779b97f4a7c15;
/**
 * Numbers + 1 of texts that came before, of all dictionaries, by the texts' ends: what is found
 * there takes no hash. Whose a number is, is not said; the text that it stands for is compared.
 */
const RECENT: Pointer = <u32> memory.data(1 << (RECENT_BITS + 2), 16);

/**
 * Texts by number: each different one once, in an arena of length (u32) and bytes. A slot of the
 * table is a hash of 32 bits above a number + 1.
 */
@unmanaged
export class Dictionary {
  arena: Pointer;
  arenaBytes: u32;
  arenaTop: u32;
  /** Where each text stands in the arena. */
  offsets: Pointer;
  /** What its users keep with each text: a stamp of 64 bits, and a word. */
  notes: Pointer;
  capacity: u32;
  count: u32;
  table: Pointer;
  tableMask: u32;

  /** The number of a text, which is kept where it is new. */
  @inline
  intern(text: Pointer, length: u32): u32 {
    const recent = RECENT + recentPlace(changetype<u32>(this), text, length);
    const guess = load<u32>(recent) - 1;
    if (guess < this.count) {
      const known = this.arena + load<u32>(this.offsets + (guess << 2));
      if (load<u32>(known) == length && equalBytes(known + 4, text, length)) return guess;
    }
    const id = internByHash(this, text, length);
    store<u32>(recent, id + 1);
    return id;
  }

  /** The number of a text; -1 where it is not known. */
  find(text: Pointer, length: u32): i32 {
    const hash = hashBytes(text, length);
    let slot = hash & this.tableMask;
    while (true) {
      const entry = load<u64>(this.table + (slot << 3));
      if (!entry) return -1;
      if (<u32> (entry >> 32) == hash) {
        const id = <u32> entry - 1;
        const known = this.arena + load<u32>(this.offsets + (id << 2));
        if (load<u32>(known) == length && equalBytes(known + 4, text, length)) return id;
      }
      slot = (slot + 1) & this.tableMask;
    }
  }

  /** Keeps a text without looking whether it is known; where it stands in the arena. */
  @inline
  append(text: Pointer, length: u32): u32 {
    const offset = this.arenaTop;
    if (offset + length + OVERRUN > this.arenaBytes) growArena(this, offset + length + OVERRUN);
    store<u32>(this.arena + offset, length);
    copyBytes(this.arena + offset + 4, text, length);
    this.arenaTop = offset + 4 + length;
    return offset;
  }

  @inline
  note(id: u32): Pointer {
    return this.notes + (id << 4);
  }

  @inline
  offsetOf(id: u32): u32 {
    return load<u32>(this.offsets + (id << 2));
  }

  clear(): void {
    this.arenaTop = ARENA_START;
    if (this.count) memory.fill(this.table, 0, (this.tableMask + 1) << 3);
    this.count = 0;
  }
}

/** Where a text is looked for first; whoever chooses texts can only make it be in vain. */
@inline
function recentPlace(dictionary: u32, text: Pointer, length: u32): u32 {
  const key = length < 8
    ? load<u64>(text) << ((8 - length) << 3)
    : load<u64>(text) ^ rotl<u64>(load<u64>(text + length - 8), 29);
  return <u32> (((key + (dictionary ^ length)) * RECENT_MIX) >> (64 - <u64> RECENT_BITS)) << 2;
}

export function newDictionary(arenaBytes: u32 = ARENA_FIRST): Dictionary {
  const made = changetype<Dictionary>(allocZeroed(offsetof<Dictionary>()));
  made.arenaBytes = arenaBytes;
  made.arena = alloc(arenaBytes);
  made.arenaTop = ARENA_START;
  made.capacity = TEXTS_FIRST;
  made.offsets = alloc(TEXTS_FIRST << 2);
  made.notes = allocZeroed(TEXTS_FIRST << 4);
  made.tableMask = SLOTS_FIRST - 1;
  made.table = allocZeroed(SLOTS_FIRST << 3);
  return made;
}

/** What `intern` does where the text did not come a short while ago. */
function internByHash(texts: Dictionary, text: Pointer, length: u32): u32 {
  const hash = hashBytes(text, length);
  const table = texts.table, mask = texts.tableMask;
  let slot = hash & mask;
  while (true) {
    const entry = load<u64>(table + (slot << 3));
    if (!entry) return addText(texts, text, length, hash, slot);
    if (<u32> (entry >> 32) == hash) {
      const id = <u32> entry - 1;
      const known = texts.arena + load<u32>(texts.offsets + (id << 2));
      if (load<u32>(known) == length && equalBytes(known + 4, text, length)) return id;
    }
    slot = (slot + 1) & mask;
  }
}

function addText(to: Dictionary, text: Pointer, length: u32, hash: u32, slot: u32): u32 {
  const offset = to.append(text, length);
  const id = to.count++;
  if (id == to.capacity) {
    to.offsets = realloc(to.offsets, id << 2, id << 3);
    to.notes = realloc(to.notes, id << 4, id << 5);
    to.capacity = id << 1;
  }
  store<u32>(to.offsets + (id << 2), offset);
  // What a text before a `clear` had there is not this one's.
  memory.fill(to.note(id), 0, 16);
  store<u64>(to.table + (slot << 3), (<u64> hash << 32) | <u64> (id + 1));
  if (to.count * 2 > to.tableMask) growTable(to);
  return id;
}

function growArena(texts: Dictionary, needed: u32): void {
  let bytes = texts.arenaBytes << 1;
  while (bytes < needed) bytes <<= 1;
  texts.arena = realloc(texts.arena, texts.arenaBytes, bytes);
  texts.arenaBytes = bytes;
}

function growTable(texts: Dictionary): void {
  const old = texts.table, oldSlots = texts.tableMask + 1;
  const mask = (oldSlots << 1) - 1;
  const table = allocZeroed((mask + 1) << 3);
  for (let i: u32 = 0; i < oldSlots; i++) {
    const entry = load<u64>(old + (i << 3));
    if (!entry) continue;
    let slot = <u32> (entry >> 32) & mask;
    while (load<u64>(table + (slot << 3))) slot = (slot + 1) & mask;
    store<u64>(table + (slot << 3), entry);
  }
  dealloc(old, oldSlots << 3);
  texts.table = table;
  texts.tableMask = mask;
}
