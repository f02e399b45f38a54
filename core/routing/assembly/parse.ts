import { Column } from "./column.ts";
import { micros, NO_DATE, readDate, readInstant } from "./instant.ts";
import { Kind } from "./kind.ts";
import { Pointer } from "./memory.ts";
import { levelOf, nextObject, Node } from "./node.ts";
import { double, long, readDouble, readLong, skipNumber, startsNumber } from "./number.ts";
import { ALSE, NULL, TRUE } from "./skip.ts";
import { Table } from "./table.ts";
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  decoded,
  decodedLength,
  decodeString,
  hexDigit,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  skipPlain,
  skipSpace,
} from "./text.ts";

/**
 * Values into columns, in one pass over the text. Each function returns the place behind what it
 * read, or 0 for what it does not take with certainty; what the columns got until then is cut off
 * by the caller.
 */

/** Set while the text is what the judge made of a record: longs and doubles come in exact forms. */
let isJudged: bool = false;

/** Set while a required field may be missing: dead letters keep what a record has. */
let mayLack: bool = false;

export function lenient(on: i32): void {
  mayLack = on != 0;
}

/** Appends what the judge made of a record, as text; not yet a row. Past it, or 0. */
export function appendRecord(table: Table, p: Pointer): Pointer {
  isJudged = true;
  const end = parseValue(table.root, p, 0);
  isJudged = false;
  if (!end) table.rollback();
  return end;
}

export function parseValue(node: Node, p: Pointer, repetition: i32): Pointer {
  const c = <u32> load<u8>(p);
  const kind = node.kind, level = levelOf(node.definition, repetition);
  if (c == QUOTE) return parseString(node, p, level);
  if (c == OPEN_OBJECT) {
    if (kind == Kind.STRUCT) return parseStruct(node, p, repetition);
    return kind == Kind.MAP ? parseMap(node, p, repetition) : 0;
  }
  if (c == OPEN_ARRAY) return kind == Kind.LIST ? parseList(node, p, repetition) : 0;
  if (c == 0x6e) {
    if (!node.nullable || load<u32>(p) != NULL) return 0;
    node.fillNull(node.definition - 1, repetition);
    return p + 4;
  }
  return startsNumber(c) ? parseNumber(node, p, level) : parseBoolean(node, p, level);
}

@inline
function parseString(node: Node, p: Pointer, level: i32): Pointer {
  const column = node.column;
  switch (node.kind) {
    case Kind.STRING:
      return parseText(column, p + 1, level);
    case Kind.INSTANT:
      p = readInstant(p + 1);
      if (p) column.append64(micros, level);
      return p;
    case Kind.DATE: {
      const day = readDate(p + 1);
      if (day == NO_DATE || load<u8>(p, 11) != QUOTE) return 0;
      column.append32(day, level);
      return p + 12;
    }
    case Kind.DOUBLE:
      if (!isJudged) return 0;
      column.append64(<i64> hex16(p + 1), level);
      return p + 18;
    default:
      return 0;
  }
}

/** The text of a string, whose first byte is at `p`. */
@inline
function parseText(column: Column, p: Pointer, level: i32): Pointer {
  const end = skipPlain(p);
  if (load<u8>(end) == QUOTE) {
    column.appendText(p, end - p, level);
    return end + 1;
  }
  const past = decodeString(p);
  if (past) column.appendText(decoded, decodedLength, level);
  return past;
}

function hex16(p: Pointer): u64 {
  let value: u64 = 0;
  for (let i: u32 = 0; i < 16; i++) value = (value << 4) | <u64> hexDigit(load<u8>(p + i));
  return value;
}

/** Digits of a long that the judge has found in range. */
const JUDGED_DIGITS: u32 = 19;
/** Digits that any long has room for. */
const SAFE_DIGITS: u32 = 18;

function parseNumber(node: Node, p: Pointer, level: i32): Pointer {
  const column = node.column;
  switch (node.kind) {
    case Kind.LONG:
      p = readLong(p, isJudged ? JUDGED_DIGITS : SAFE_DIGITS);
      if (p) column.append64(long, level);
      return p;
    case Kind.INT:
      p = readLong(p);
      if (!p || long < i32.MIN_VALUE || long > i32.MAX_VALUE) return 0;
      column.append32(<i32> long, level);
      return p;
    case Kind.DOUBLE:
      p = readDouble(p);
      if (p) column.append64(reinterpret<i64>(double), level);
      return p;
    case Kind.STRING: {
      if (!node.acceptsNumbers) return 0;
      const end = skipNumber(p);
      if (end) column.appendText(p, end - p, level);
      return end;
    }
    default:
      return 0;
  }
}

function parseBoolean(node: Node, p: Pointer, level: i32): Pointer {
  const isText = node.kind == Kind.STRING && node.acceptsBooleans;
  if (node.kind != Kind.BOOLEAN && !isText) return 0;
  const isTrue = load<u32>(p) == TRUE;
  if (!isTrue && (load<u8>(p) != 0x66 || load<u32>(p, 1) != ALSE)) return 0;
  const end = p + (isTrue ? 4 : 5);
  if (isText) node.column.appendText(p, end - p, level);
  else node.column.append32(isTrue ? 1 : 0, level);
  return end;
}

/** Whether the text at `p` starts with a quoted name. */
@inline
function startsWith(p: Pointer, quoted: Pointer, length: u32): bool {
  while (length > 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(quoted))) != 0xffff) return false;
    p += 16;
    quoted += 16;
    length -= 16;
  }
  const mask = (1 << length) - 1;
  return (i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(quoted))) & mask) == mask;
}

/** The field of a struct whose key is at `p`, in its plainest spelling; -1 where there is none. */
export function findField(node: Node, p: Pointer, previous: i32): i32 {
  if (node.fieldCount == 0) return -1;
  const guess = load<i32>(node.followerOf(previous));
  const guessed = node.field(guess);
  if (startsWith(p, guessed.quoted, guessed.quotedLength)) return guess;
  for (let i = 0; i < node.fieldCount; i++) {
    const field = node.field(i);
    if (startsWith(p, field.quoted, field.quotedLength)) {
      store<i32>(node.followerOf(previous), i);
      return i;
    }
  }
  return -1;
}

/** Past a colon that may have white space around it; 0 where there is none. */
@inline
function takeColon(p: Pointer): Pointer {
  if (load<u8>(p) != COLON) {
    p = skipSpace(p);
    if (load<u8>(p) != COLON) return 0;
  }
  return skipSpace(p + 1);
}

function parseStruct(node: Node, p: Pointer, repetition: i32): Pointer {
  const object = nextObject();
  let previous = node.fieldCount, seen = 0;
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_OBJECT) {
    p++;
  } else {
    while (true) {
      const index = findField(node, p, previous);
      if (index < 0) return 0;
      const field = node.field(index);
      previous = index;
      p = takeColon(p + field.quotedLength);
      if (!p || field.seenIn == object) return 0;
      field.seenIn = object;
      seen++;
      p = parseValue(field.node, p, repetition);
      if (!p) return 0;
      p = skipSpace(p);
      const c = <u32> load<u8>(p++);
      if (c == CLOSE_OBJECT) break;
      if (c != COMMA) return 0;
      p = skipSpace(p);
    }
  }
  return seen == node.fieldCount || fillMissing(node, object, repetition) ? p : 0;
}

/** Nulls for the fields that an object lacks; false where it lacks a required one. */
function fillMissing(node: Node, object: u32, repetition: i32): bool {
  for (let i = 0; i < node.fieldCount; i++) {
    const field = node.field(i);
    if (field.seenIn == object) continue;
    if (field.required && !(mayLack && node.isRoot)) return false;
    field.node.fillNull(field.node.definition - 1, repetition);
  }
  return true;
}

function parseMap(node: Node, p: Pointer, repetition: i32): Pointer {
  const keys = node.keyColumn;
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_OBJECT) {
    node.fillNull(node.definition, repetition);
    return p + 1;
  }
  const object = nextObject();
  while (true) {
    if (load<u8>(p) != QUOTE) return 0;
    p = parseText(keys, p + 1, levelOf(node.definition + 1, repetition));
    if (!p) return 0;
    // Keys are always numbered: with each stands the map in which it was seen last.
    const seenIn = keys.dictionary.note(load<u32>(keys.values + ((keys.count - 1) << 2)));
    if (load<u32>(seenIn) == object) return 0;
    store<u32>(seenIn, object);
    p = takeColon(p);
    if (!p) return 0;
    p = parseValue(node.inner, p, repetition);
    if (!p) return 0;
    repetition = node.repetition;
    p = skipSpace(p);
    const c = <u32> load<u8>(p++);
    if (c == CLOSE_OBJECT) return p;
    if (c != COMMA) return 0;
    p = skipSpace(p);
  }
}

function parseList(node: Node, p: Pointer, repetition: i32): Pointer {
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_ARRAY) {
    node.fillNull(node.definition, repetition);
    return p + 1;
  }
  while (true) {
    p = parseValue(node.inner, p, repetition);
    if (!p) return 0;
    repetition = node.repetition;
    p = skipSpace(p);
    const c = <u32> load<u8>(p++);
    if (c == CLOSE_ARRAY) return p;
    if (c != COMMA) return 0;
    p = skipSpace(p);
  }
}
