import { booleanHolds, doubleHolds, longHolds, textHolds, wideHolds } from "./check.ts";
import { skipClean } from "./clean.ts";
import { Column } from "./column.ts";
import { readDecimal, unscaled, unscaledHigh } from "./decimal.ts";
import { double, isExactDouble, readDouble } from "./double.ts";
import { clearExtras, extraCount, extrasText, extrasTextLength, takeExtra, writeExtras } from "./extras.ts";
import { micros, NO_DATE, readDate, readInstant } from "./instant.ts";
import { Kind } from "./kind.ts";
import { Pointer } from "./memory.ts";
import { keyEnd, levelOf, nextObject, Node, searchField, startsWith } from "./node.ts";
import { long, readLong, skipNumber, startsNumber } from "./number.ts";
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
import { readUuid, UUID } from "./uuid.ts";

/**
 * Values into columns, in one pass over the text. Each function returns the place behind what it
 * read, or 0 for what it does not take with certainty; what the columns got until then is cut off
 * by the caller.
 */

/** A shorter record cannot hold more values than the judge takes (`VALUES_MAX` of core/json). */
export const RECORD_BYTES_MAX: u32 = 2000000;

/** Slots that one record may take: an empty object in a list takes one of every column below. */
const RECORD_SLOTS_MAX: i32 = 1 << 22;

let slotsLeft: i32 = 0;

/** Set while the text is what the judge made of a record: valid, some values in exact forms. */
let isJudged: bool = false;

/** Reads a record, an object, into columns; not yet a row. */
export function parseRecord(root: Node, p: Pointer): Pointer {
  if (root.judgeAlone) return 0;
  slotsLeft = RECORD_SLOTS_MAX;
  clearExtras();
  const past = parseStruct(root, p, 0);
  if (!past || past - p > RECORD_BYTES_MAX) return 0;
  if (extraCount()) {
    writeExtras();
    root.rescued.appendText(extrasText, extrasTextLength, root.rescued.maxDefinition);
  }
  return past;
}

/** Reads the value of one field of a record. */
export function parseField(node: Node, p: Pointer): Pointer {
  slotsLeft = RECORD_SLOTS_MAX;
  const past = parseValue(node, p, 0);
  return past && past - p <= RECORD_BYTES_MAX ? past : 0;
}

/**
 * Appends what the judge made of a record, as text: no duplicates, no extra fields, doubles and
 * floats as the 16 hexadecimal digits of a double's bits. Not yet a row. Past it, or 0.
 */
export function appendRecord(table: Table, p: Pointer): Pointer {
  isJudged = true;
  slotsLeft = i32.MAX_VALUE;
  const past = parseStruct(table.root, p, 0);
  isJudged = false;
  if (!past) table.rollback();
  return past;
}

function parseValue(node: Node, p: Pointer, repetition: i32): Pointer {
  const c = <u32> load<u8>(p);
  if (node.judgeAlone && !isJudged && c != 0x6e) return 0;
  if (c == QUOTE) return parseString(node, p, levelOf(node.definition, repetition));
  if (c == OPEN_OBJECT) {
    if (node.kind == Kind.STRUCT) return parseStruct(node, p, repetition);
    return node.kind == Kind.MAP ? parseMap(node, p, repetition) : parseNested(node, p, repetition);
  }
  if (c == OPEN_ARRAY) {
    return node.kind == Kind.LIST ? parseList(node, p, repetition) : parseNested(node, p, repetition);
  }
  if (c == 0x6e) {
    if (!node.nullable || load<u32>(p) != NULL) return 0;
    node.fillNull(node.definition - 1, repetition);
    return p + 4;
  }
  const level = levelOf(node.definition, repetition);
  return startsNumber(c) ? parseNumber(node, p, level) : parseBoolean(node, p, level);
}

@inline
function parseString(node: Node, p: Pointer, level: i32): Pointer {
  if (node.kind == Kind.STRING) return parseText(node, p + 1, level);
  if (isJudged && (node.kind == Kind.DOUBLE || node.kind == Kind.FLOAT)) return parseBits(node, p + 1, level);
  const past = parseFormat(node, p + 1, level);
  // Texts without an escape: what stands in the record is what the check is about.
  if (past && changetype<u32>(node.check) && !isJudged && !textHolds(node.check, p + 1, past - p - 2)) return 0;
  return past;
}

/** The text of a string, whose first byte is at `p`. */
@inline
function parseText(node: Node, p: Pointer, level: i32): Pointer {
  const end = skipPlain(p);
  if (load<u8>(end) == QUOTE) {
    if (changetype<u32>(node.check) && !isJudged && !textHolds(node.check, p, end - p)) return 0;
    node.column.appendText(p, end - p, level);
    return end + 1;
  }
  const past = decodeString(p);
  if (!past) return 0;
  if (changetype<u32>(node.check) && !isJudged && !textHolds(node.check, decoded, decodedLength)) return 0;
  node.column.appendText(decoded, decodedLength, level);
  return past;
}

/** A string of a format, whose first byte is at `p`. */
@inline
function parseFormat(node: Node, p: Pointer, level: i32): Pointer {
  const column = node.column;
  if (node.kind == Kind.INSTANT) {
    const past = readInstant(p);
    if (past) column.append64(micros, level);
    return past;
  }
  if (node.kind == Kind.DATE) {
    const day = readDate(p);
    if (day == NO_DATE || load<u8>(p, 10) != QUOTE) return 0;
    column.append32(day, level);
    return p + 11;
  }
  if (node.kind != Kind.UUID) return 0;
  const past = readUuid(p);
  if (!past || load<u8>(past) != QUOTE) return 0;
  column.append128(v128.load(UUID), level);
  return past + 1;
}

/** The bits of a double as 16 hexadecimal digits: what the judge read is not read again. */
function parseBits(node: Node, p: Pointer, level: i32): Pointer {
  let bits: u64 = 0;
  for (let i: u32 = 0; i < 16; i++) bits = (bits << 4) | <u64> hexDigit(load<u8>(p + i));
  if (node.kind == Kind.DOUBLE) node.column.append64(bits, level);
  else node.column.append32(reinterpret<i32>(<f32> reinterpret<f64>(bits)), level);
  return p + 17;
}

/** An object or array that is kept as its text. */
function parseNested(node: Node, p: Pointer, repetition: i32): Pointer {
  if (node.kind != Kind.STRING || !node.acceptsNested) return 0;
  const past = skipClean(p);
  if (past) node.column.appendText(p, past - p, levelOf(node.definition, repetition));
  return past;
}

function parseNumber(node: Node, p: Pointer, level: i32): Pointer {
  switch (node.kind) {
    case Kind.LONG:
    case Kind.INT:
      return parseLong(node, p, level);
    case Kind.DOUBLE:
    case Kind.FLOAT:
      return parseDouble(node, p, level);
    case Kind.DECIMAL:
      return parseDecimal(node, p, level);
    case Kind.STRING: {
      if (!node.acceptsNumbers) return 0;
      const past = skipNumber(p);
      if (past) node.column.appendText(p, past - p, level);
      return past;
    }
    default:
      return 0;
  }
}

@inline
function parseLong(node: Node, p: Pointer, level: i32): Pointer {
  const past = readLong(p);
  if (!past || (changetype<u32>(node.check) && !isJudged && !longHolds(node.check, long))) return 0;
  if (node.kind == Kind.LONG) {
    node.column.append64(long, level);
  } else {
    if (long < i32.MIN_VALUE || long > i32.MAX_VALUE) return 0;
    node.column.append32(<i32> long, level);
  }
  return past;
}

function parseDouble(node: Node, p: Pointer, level: i32): Pointer {
  const past = readDouble(p);
  if (!past || (changetype<u32>(node.check) && !doubleHolds(node.check, double))) return 0;
  if (node.kind == Kind.DOUBLE) {
    node.column.append64(reinterpret<i64>(double), level);
    return past;
  }
  const single = <f32> double;
  if (abs(single) == Infinity || isMiddle(double, single)) return 0;
  node.column.append32(reinterpret<i32>(single), level);
  return past;
}

/** Whether what was read may be nearer to another float: a double has it in the middle of two. */
@inline
function isMiddle(double: f64, single: f32): bool {
  const rest = double - <f64> single;
  if (rest == 0 || isExactDouble()) return false;
  // Without the sign, bits are in the order of what they stand for.
  const step = abs(double) > abs(<f64> single) ? 1 : -1;
  return <f64> reinterpret<f32>(reinterpret<i32>(single) + step) - double == rest;
}

function parseDecimal(node: Node, p: Pointer, level: i32): Pointer {
  const past = readDecimal(p, node.precision, node.scale), column = node.column;
  if (!past) return 0;
  if (changetype<u32>(node.check) && !isJudged) {
    const isNarrow = unscaledHigh == unscaled >> 63;
    if (isNarrow ? !longHolds(node.check, unscaled) : !wideHolds(node.check, unscaled, unscaledHigh)) return 0;
  }
  if (column.shift == 2) column.append32(<i32> unscaled, level);
  else if (column.shift == 3) column.append64(unscaled, level);
  else column.append128(i64x2.replace_lane(i64x2.splat(unscaled), 1, unscaledHigh), level);
  return past;
}

function parseBoolean(node: Node, p: Pointer, level: i32): Pointer {
  const isText = node.kind == Kind.STRING && node.acceptsBooleans;
  if (node.kind != Kind.BOOLEAN && !isText) return 0;
  const isTrue = load<u32>(p) == TRUE;
  if (!isTrue && (load<u8>(p) != 0x66 || load<u32>(p, 1) != ALSE)) return 0;
  const past = p + (isTrue ? 4 : 5);
  if (isText) {
    node.column.appendText(p, past - p, level);
    return past;
  }
  if (changetype<u32>(node.check) && !booleanHolds(node.check, isTrue)) return 0;
  node.column.append32(isTrue ? 1 : 0, level);
  return past;
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
      let index = load<i32>(node.followerOf(previous)), field = node.field(index), end = p + field.quotedLength;
      if (!startsWith(p, field.quoted, field.quotedLength)) {
        index = searchField(node, p, previous);
        field = node.field(index);
        end = keyEnd;
      }
      if (index < 0) {
        p = changetype<u32>(node.rescued) ? takeExtra(p, false) : 0;
      } else {
        previous = index;
        p = takeColon(end);
        if (!p || field.seenIn == object) return 0;
        field.seenIn = object;
        seen++;
        p = parseValue(field.node, p, repetition);
      }
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
function fillMissing(node: Node, object: u64, repetition: i32): bool {
  for (let i = 0; i < node.fieldCount; i++) {
    const field = node.field(i);
    if (field.seenIn == object) continue;
    if (field.required && !isJudged) return false;
    field.node.fillNull(field.node.definition - 1, repetition);
  }
  return true;
}

/** Counts the slots of one more list element or map entry; false where they are too many. */
@inline
function takeSlots(node: Node): bool {
  slotsLeft -= node.leafTo - node.leafFrom;
  return slotsLeft >= 0;
}

/** The entry of a map that was begun last: its key with its quotes, and its value, or 0. */
export let entryKey: Pointer = 0;
export let entryValue: Pointer = 0;
/** Whether the map has its key already. */
export let isEntryTwice: bool = false;

export function forgetEntry(): void {
  entryKey = 0;
  entryValue = 0;
  isEntryTwice = false;
}

function parseMap(node: Node, p: Pointer, repetition: i32): Pointer {
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_OBJECT) {
    node.fillNull(node.definition, repetition);
    return p + 1;
  }
  const object = nextObject();
  while (true) {
    entryKey = p;
    entryValue = 0;
    if (load<u8>(p) != QUOTE || !takeSlots(node)) return 0;
    p = parseKey(node, p + 1, levelOf(node.definition + 1, repetition), object);
    if (!p) return 0;
    p = takeColon(p);
    if (!p) return 0;
    entryValue = p;
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

/** A map's key, whose first byte is at `p`; 0 also where the map has it already. */
@inline
function parseKey(node: Node, p: Pointer, level: i32, object: u64): Pointer {
  const column = node.keyColumn, texts = column.dictionary;
  const end = skipPlain(p), isPlain = load<u8>(end) == QUOTE;
  const past = isPlain ? end + 1 : decodeString(p);
  if (!past) return 0;
  const text = isPlain ? p : decoded, length = isPlain ? end - p : decodedLength;
  // Keys are always numbered: with each stands the map in which it was seen last.
  const id = texts.intern(text, length), seenIn = texts.note(id);
  if (!isJudged) {
    if (load<u64>(seenIn) == object) {
      isEntryTwice = true;
      return 0;
    }
    if (changetype<u32>(node.keyCheck) && !textHolds(node.keyCheck, text, length)) return 0;
  }
  store<u64>(seenIn, object);
  column.append32(id, level);
  return past;
}

function parseList(node: Node, p: Pointer, repetition: i32): Pointer {
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_ARRAY) {
    node.fillNull(node.definition, repetition);
    return p + 1;
  }
  while (true) {
    if (!takeSlots(node)) return 0;
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
