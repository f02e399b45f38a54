import { copyBytes, equalBytes, hasBackslash } from "./bytes.ts";
import { Dictionary, newDictionary } from "./dictionary.ts";
import { alloc, OVERRUN, Pointer } from "./memory.ts";
import { nextObject, Node } from "./node.ts";
import { findField, parseValue } from "./parse.ts";
import { skipValue } from "./skip.ts";
import { slotsBefore, Table } from "./table.ts";
import { CLOSE_ARRAY, CLOSE_OBJECT, OPEN_ARRAY, OPEN_OBJECT, QUOTE, skipSpace, skipString } from "./text.ts";

/**
 * Records that are JSON but no plain rows, into the table of dead letters: the values of the fields
 * that are right, and a list of what is wrong for the other side to put in words.
 */

const enum Fault {
  /** The key comes a second time. */
  TWICE = 1,
  /** The value, at the addresses that stand with it, is not one of the field's. */
  VALUE = 2,
  MISSING = 3,
}

const FAULTS_MAX: i32 = 16;
const EXTRAS_MAX: i32 = 16;

/** Fault, field, from, to: a word each. */
const FAULTS: Pointer = <u32> memory.data(16 << 4, 8);
/** Keys that no field has: the addresses from and to. */
const EXTRAS: Pointer = <u32> memory.data(16 << 3, 8);
let faults: i32 = 0;
let extras: i32 = 0;

export function failsPtr(): Pointer {
  return FAULTS;
}

export function failCount(): i32 {
  return faults;
}

export function extrasPtr(): Pointer {
  return EXTRAS;
}

export function extraCount(): i32 {
  return extras;
}

const enum LetterVerdict {
  READ = 0,
  NO_OBJECT = 1,
  /** Only the judge knows; nothing is kept. */
  TOO_ODD = 2,
}

/** Reads a record, which is JSON, into a table where each value may be null; not yet a row. */
export function letterParse(table: Table, p: Pointer): i32 {
  faults = 0;
  extras = 0;
  if (load<u8>(p) != OPEN_OBJECT) {
    letterNulls(table);
    return LetterVerdict.NO_OBJECT;
  }
  const root = table.root, object = nextObject();
  const isRead = readFields(table, skipSpace(p + 1), object) && nullMissing(root, object);
  if (isRead) return LetterVerdict.READ;
  table.rollback();
  return LetterVerdict.TOO_ODD;
}

function readFields(table: Table, p: Pointer, object: u32): bool {
  const root = table.root;
  let previous = root.fieldCount;
  if (load<u8>(p) == CLOSE_OBJECT) return true;
  while (true) {
    const index = findField(root, p, previous);
    if (index < 0) {
      p = readExtra(p);
    } else {
      previous = index;
      p = readField(table, index, skipSpace(skipSpace(p + root.field(index).quotedLength) + 1), object);
    }
    if (!p) return false;
    p = skipSpace(p);
    if (load<u8>(p) == CLOSE_OBJECT) return true;
    p = skipSpace(p + 1);
  }
}

/** Past the value of a field; 0 for one fault too many. */
function readField(table: Table, index: i32, p: Pointer, object: u32): Pointer {
  const field = table.root.field(index);
  if (field.seenIn == object) {
    const past = skipValue(p);
    clearField(table, field.node);
    return addFault(Fault.TWICE, index, p, past) ? past : 0;
  }
  field.seenIn = object;
  const past = parseValue(field.node, p, 0);
  if (past) return past;
  const end = skipValue(p);
  clearField(table, field.node);
  return addFault(Fault.VALUE, index, p, end) ? end : 0;
}

/** Past a key that no field has, and its value; 0 where the judge must see them. */
function readExtra(p: Pointer): Pointer {
  const from = p + 1, past = skipString(from);
  if (extras == EXTRAS_MAX || hasBackslash(from, past)) return 0;
  const to = past - 1;
  for (let i = 0; i < extras; i++) {
    const entry = EXTRAS + (i << 3), known = load<u32>(entry);
    if (load<u32>(entry, 4) - known == to - from && equalBytes(known, from, to - from)) return 0;
  }
  const entry = EXTRAS + (extras << 3);
  store<u32>(entry, from);
  store<u32>(entry, to, 4);
  extras++;
  const value = skipSpace(skipSpace(past) + 1);
  return isSimple(value, 0) ? skipValue(value) : 0;
}

function addFault(fault: i32, field: i32, from: Pointer, to: Pointer): bool {
  if (faults == FAULTS_MAX) return false;
  const entry = FAULTS + (faults << 4);
  store<i32>(entry, fault);
  store<i32>(entry, field, 4);
  store<u32>(entry, from, 8);
  store<u32>(entry, to, 12);
  faults++;
  return true;
}

/** Null for a field that may have values in this row already. */
function clearField(table: Table, node: Node): void {
  for (let i = node.leafFrom; i < node.leafTo; i++) {
    const column = table.column(i);
    column.cut(slotsBefore(column, table.rows));
  }
  node.fillNull(node.definition - 1, 0);
}

function nullMissing(root: Node, object: u32): bool {
  for (let i = 0; i < root.fieldCount; i++) {
    const field = root.field(i);
    if (field.seenIn == object) continue;
    if (field.required && !addFault(Fault.MISSING, i, 0, 0)) return false;
    field.node.fillNull(field.node.definition - 1, 0);
  }
  return true;
}

/** Null for every field of the contract. */
export function letterNulls(table: Table): void {
  const root = table.root;
  for (let i = 0; i < root.fieldCount; i++) {
    const node = root.field(i).node;
    node.fillNull(node.definition - 1, 0);
  }
}

/** Makes what was read a row, with its reason, its detail and its text. */
export function commitLetter(
  table: Table,
  position: i32,
  reason: Pointer,
  reasonLength: u32,
  detail: Pointer,
  detailLength: u32,
  raw: Pointer,
  rawLength: u32,
): void {
  table.reasonColumn.appendText(reason, reasonLength, 0);
  table.detailColumn.appendText(detail, detailLength, 1);
  table.rawColumn.appendText(raw, rawLength, 1);
  table.commit(position);
}

const KEYS_MAX: u32 = 64;
const SIMPLE_DEPTH: i32 = 8;

/** The keys of all objects that are open in a value: address and length of each. */
const KEYS: Pointer = <u32> memory.data(64 << 3, 8);
let keys: u32 = 0;

/**
 * Whether no object in the value at `p` has a key twice and no string an escape; false also where
 * that is too much to say.
 */
function isSimple(p: Pointer, depth: i32): bool {
  const c = <u32> load<u8>(p);
  if (c == QUOTE) return !hasBackslash(p, skipString(p + 1));
  if (c != OPEN_OBJECT && c != OPEN_ARRAY) return true;
  if (depth > SIMPLE_DEPTH) return false;
  const before = keys;
  const answer = c == OPEN_ARRAY ? isSimpleList(p, depth) : isSimpleObject(p, depth);
  keys = before;
  return answer;
}

function isSimpleList(p: Pointer, depth: i32): bool {
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_ARRAY) return true;
  while (true) {
    if (!isSimple(p, depth + 1)) return false;
    p = skipSpace(skipValue(p));
    if (load<u8>(p) == CLOSE_ARRAY) return true;
    p = skipSpace(p + 1);
  }
}

function isSimpleObject(p: Pointer, depth: i32): bool {
  const first = keys;
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_OBJECT) return true;
  while (true) {
    const past = skipString(p + 1), length = past - 2 - p;
    if (keys == KEYS_MAX || hasBackslash(p, past)) return false;
    for (let i = first; i < keys; i++) {
      const known = KEYS + (i << 3);
      if (load<u32>(known, 4) == length && equalBytes(load<u32>(known), p + 1, length)) return false;
    }
    store<u32>(KEYS + (keys << 3), p + 1);
    store<u32>(KEYS + (keys << 3), length, 4);
    keys++;
    p = skipSpace(skipSpace(past) + 1);
    if (!isSimple(p, depth + 1)) return false;
    p = skipSpace(skipValue(p));
    if (load<u8>(p) == CLOSE_OBJECT) return true;
    p = skipSpace(p + 1);
  }
}

const LISTS_MAX: u32 = 5000;
const LIST_BYTES_MAX: u32 = 4096;

let lists: Dictionary = changetype<Dictionary>(0);
let listText: Pointer = 0;

/**
 * A number for the extra keys read last, in their order: equal lists have equal numbers. -1 where
 * there are too many different ones.
 */
export function extrasId(): i32 {
  if (!listText) {
    lists = newDictionary();
    listText = alloc(LIST_BYTES_MAX + OVERRUN);
  }
  if (lists.count > LISTS_MAX) return -1;
  let length: u32 = 0;
  for (let i = 0; i < extras; i++) {
    const from = load<u32>(EXTRAS + (i << 3)), keyLength = load<u32>(EXTRAS + (i << 3), 4) - from;
    if (length + keyLength + 1 > LIST_BYTES_MAX) return -1;
    copyBytes(listText + length, from, keyLength);
    // No key holds a byte of zero.
    store<u8>(listText + length + keyLength, 0);
    length += keyLength + 1;
  }
  return <i32> lists.intern(listText, length);
}
