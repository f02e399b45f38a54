import { ARENA_FIRST, Dictionary, newDictionary } from "./dictionary.ts";
import { Kind } from "./kind.ts";
import { alloc, allocZeroed, Pointer, realloc } from "./memory.ts";

const SLOTS_LEAST: u32 = 1024;

/** What a new column has room for: growing moves what is there, room that is never used is free. */
export let slotsFirst: u32 = SLOTS_LEAST;
let textBytesFirst: u32 = ARENA_FIRST;
let rawBytesFirst: u32 = ARENA_FIRST;

/** Powers of two: of rows, of the texts of a column, and of those that are raw records. */
export function expectRows(rows: u32, textBytes: u32, rawBytes: u32): void {
  slotsFirst = max(rows, SLOTS_LEAST);
  textBytesFirst = max(textBytes, ARENA_FIRST);
  rawBytesFirst = max(rawBytes, ARENA_FIRST);
}

/** How a text column holds its values. */
export const enum TextMode {
  /** A slot is a text's number in the dictionary. */
  NUMBERED = 0,
  /** A slot is where the text stands in the arena; equal ones stand there as often as they come. */
  PLAIN = 1,
}

/** Which modes a text column may take. */
const enum TextChoice {
  /** Numbered until that does not pay. */
  BOTH = 0,
  /** Map keys: their numbers tell a key that comes twice. */
  NUMBERED_ONLY = 1,
  /** Raw records: no two are equal. */
  PLAIN_ONLY = 2,
}

/** From so many texts on it is looked whether numbers pay. */
const DICTIONARY_TRIAL: u32 = 4096;

/** Texts of a column that is numbered: beyond this a dictionary page would not pay either. */
const DICTIONARY_BYTES_MAX: u32 = 4 << 20;

/**
 * A leaf's values as they came: a slot for each value or null, and with it, where the leaf is
 * optional or repeated, Dremel's levels (definition | repetition << 8).
 */
@unmanaged
export class Column {
  kind: i32;
  maxDefinition: i32;
  maxRepetition: i32;
  /** A slot has 1 << shift bytes. */
  shift: u32;
  values: Pointer;
  capacity: u32;
  /** Slots in use. */
  count: u32;
  /** 0 where the leaf is required. */
  levels: Pointer;
  /** Of a repeated leaf: the first slot of each row, and of the row after the last. */
  rowStarts: Pointer;
  rowCapacity: u32;
  /** Of a text column. */
  dictionary: Dictionary;
  mode: i32;
  choice: i32;
  /** Arena and mode at the end of the last row, and of the last file before this one. */
  rowArena: u32;
  rowMode: i32;
  fileArena: u32;
  fileMode: i32;

  @inline
  takeSlot(level: i32): u32 {
    const slot = this.count;
    if (slot == this.capacity) growColumn(this);
    if (this.levels) store<u16>(this.levels + (slot << 1), level);
    this.count = slot + 1;
    return slot;
  }

  @inline
  append32(value: i32, level: i32): void {
    const slot = this.takeSlot(level);
    store<i32>(this.values + (slot << 2), value);
  }

  @inline
  append64(value: i64, level: i32): void {
    const slot = this.takeSlot(level);
    store<i64>(this.values + (slot << 3), value);
  }

  @inline
  append128(value: v128, level: i32): void {
    const slot = this.takeSlot(level);
    v128.store(this.values + (slot << 4), value);
  }

  /** The slot of a null, and of an empty list or map, has no value. */
  @inline
  appendNull(level: i32): void {
    this.takeSlot(level);
  }

  @inline
  appendText(text: Pointer, length: u32, level: i32): void {
    const value = this.mode == TextMode.NUMBERED ? number(this, text, length) : this.dictionary.append(text, length);
    this.append32(value, level);
  }

  /** Where the text of a slot stands: its length in a word, and its bytes. */
  @inline
  textAt(slot: u32): Pointer {
    const value = load<u32>(this.values + (slot << 2)), texts = this.dictionary;
    return texts.arena + (this.mode == TextMode.NUMBERED ? texts.offsetOf(value) : value);
  }

  @inline
  levelAt(slot: u32): u32 {
    return load<u16>(this.levels + (slot << 1));
  }

  /** Of a text column without values: numbers are tried anew. */
  beginTexts(): void {
    this.mode = this.choice == TextChoice.PLAIN_ONLY ? TextMode.PLAIN : TextMode.NUMBERED;
    this.rowMode = this.mode;
    this.rowArena = this.dictionary.arenaTop;
    this.fileMode = this.mode;
    this.fileArena = this.rowArena;
  }

  /** Forgets what came behind slot `count`. */
  cut(count: u32): void {
    this.count = count;
    if (this.mode == TextMode.PLAIN && this.rowMode == TextMode.PLAIN) this.dictionary.arenaTop = this.rowArena;
  }
}

export function newColumn(kind: i32, shift: u32, maxDefinition: i32, maxRepetition: i32, choice: i32): Column {
  const made = changetype<Column>(allocZeroed(offsetof<Column>()));
  made.kind = kind;
  made.maxDefinition = maxDefinition;
  made.maxRepetition = maxRepetition;
  made.shift = shift;
  made.capacity = slotsFirst;
  made.values = alloc(slotsFirst << made.shift);
  if (maxDefinition | maxRepetition) made.levels = alloc(slotsFirst << 1);
  if (maxRepetition) {
    made.rowCapacity = slotsFirst;
    made.rowStarts = alloc(slotsFirst << 2);
    store<u32>(made.rowStarts, 0);
  }
  if (kind == Kind.STRING) {
    made.dictionary = newDictionary(choice == TextChoice.PLAIN_ONLY ? rawBytesFirst : textBytesFirst);
    made.choice = choice;
    made.beginTexts();
  }
  return made;
}

function growColumn(column: Column): void {
  const capacity = column.capacity << 1;
  column.values = realloc(column.values, column.capacity << column.shift, capacity << column.shift);
  if (column.levels) column.levels = realloc(column.levels, column.capacity << 1, capacity << 1);
  column.capacity = capacity;
}

/** The number of a text, or where it stands once numbers have turned out not to pay. */
@inline
function number(column: Column, text: Pointer, length: u32): u32 {
  const dictionary = column.dictionary;
  const before = dictionary.count;
  const id = dictionary.intern(text, length);
  if (id == before && before > DICTIONARY_TRIAL && isDear(column)) {
    toPlain(column);
    return dictionary.offsetOf(id);
  }
  return id;
}

function isDear(column: Column): bool {
  const texts = column.dictionary;
  return column.choice == TextChoice.BOTH &&
    (texts.count * 2 > column.count || texts.arenaTop > DICTIONARY_BYTES_MAX);
}

function toPlain(column: Column): void {
  for (let i: u32 = 0; i < column.count; i++) {
    const slot = column.values + (i << 2);
    // The slot of a null holds any number.
    const id = load<u32>(slot);
    if (id < column.dictionary.count) store<u32>(slot, column.dictionary.offsetOf(id));
  }
  column.mode = TextMode.PLAIN;
}
