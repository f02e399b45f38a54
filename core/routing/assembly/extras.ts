import { copyBytes, equalBytes, hasBackslash } from "./bytes.ts";
import { skipClean } from "./clean.ts";
import { alloc, OVERRUN, Pointer, realloc } from "./memory.ts";
import { COLON, decoded, decodedLength, decodeString, QUOTE, skipSpace, skipString } from "./text.ts";

/** Members of a record whose keys no field has: each with the places of its key and its value. */

const EXTRAS_MAX: i32 = 64;
/** Two words each. */
const KEYS: Pointer = <u32> memory.data(64 << 3, 8);
const VALUES: Pointer = <u32> memory.data(64 << 3, 8);
let count: i32 = 0;

/** The one key that may be spelled with escapes, and what it reads. */
const NO_KEY: i32 = -1;
const ESCAPED_BYTES_MAX: u32 = 256;
const ESCAPED: Pointer = <u32> memory.data(256 + 64, 16);
let escapedKey: i32 = NO_KEY;
let escapedLength: u32 = 0;

export function extrasPtr(): Pointer {
  return KEYS;
}

export function extraCount(): i32 {
  return count;
}

export function clearExtras(): void {
  count = 0;
  escapedKey = NO_KEY;
}

@inline
export function extraKey(index: i32): Pointer {
  return load<u32>(KEYS + (<u32> index << 3));
}

@inline
export function extraKeyLength(index: i32): u32 {
  return spanLength(KEYS + (<u32> index << 3));
}

@inline
function spanLength(span: Pointer): u32 {
  return load<u32>(span, 4) - load<u32>(span);
}

/**
 * Past the member at `p`; 0 where it is not clean, or stands twice, or is one too many, or where a
 * key has escapes: one may, where the members' text is not asked for, which spells it otherwise.
 */
export function takeExtra(p: Pointer, mayHaveEscapes: bool): Pointer {
  if (load<u8>(p) != QUOTE) return 0;
  const from = p + 1, past = skipString(from);
  if (!past || count == EXTRAS_MAX) return 0;
  const to = past - 1;
  if (hasBackslash(from, past)) {
    if (!mayHaveEscapes || !takeEscaped(from)) return 0;
  } else if (hasKey(from, to - from)) {
    return 0;
  }
  const colon = skipSpace(past);
  if (load<u8>(colon) != COLON) return 0;
  const value = skipSpace(colon + 1), end = skipClean(value);
  if (!end) return 0;
  store<u32>(KEYS + (count << 3), from);
  store<u32>(KEYS + (count << 3), to, 4);
  store<u32>(VALUES + (count << 3), value);
  store<u32>(VALUES + (count << 3), end, 4);
  count++;
  return end;
}

/** Keeps what the key reads that comes next; false where only the judge is to say. */
function takeEscaped(from: Pointer): bool {
  if (escapedKey != NO_KEY || !decodeString(from) || decodedLength > ESCAPED_BYTES_MAX) return false;
  if (hasKey(decoded, decodedLength)) return false;
  copyBytes(ESCAPED, decoded, decodedLength);
  escapedLength = decodedLength;
  escapedKey = count;
  return true;
}

/** Whether there is a key that reads so. */
function hasKey(text: Pointer, length: u32): bool {
  for (let i = 0; i < count; i++) {
    const isEscaped = i == escapedKey;
    if ((isEscaped ? escapedLength : extraKeyLength(i)) != length) continue;
    if (equalBytes(isEscaped ? ESCAPED : extraKey(i), text, length)) return true;
  }
  return false;
}

/** What `writeExtras` wrote. */
export let extrasText: Pointer = 0;
export let extrasTextLength: u32 = 0;
let capacity: u32 = 0;

const TEXT_FIRST: u32 = 1 << 12;

/** The members as one JSON object, each value as its very text. */
export function writeExtras(): void {
  let wanted: u32 = 2;
  for (let i = 0; i < count; i++) {
    wanted += extraKeyLength(i) + spanLength(VALUES + (i << 3)) + 4;
  }
  if (wanted + OVERRUN > capacity) {
    let bytes = max<u32>(capacity, TEXT_FIRST);
    while (bytes < wanted + OVERRUN) bytes <<= 1;
    extrasText = capacity ? realloc(extrasText, capacity, bytes) : alloc(bytes);
    capacity = bytes;
  }
  let to = extrasText;
  for (let i = 0; i < count; i++) {
    const keyLength = extraKeyLength(i), valueLength = spanLength(VALUES + (i << 3));
    store<u8>(to, i == 0 ? 0x7b : 0x2c);
    // With its quotes, which stand around it.
    memory.copy(to + 1, extraKey(i) - 1, keyLength + 2);
    to += keyLength + 3;
    store<u8>(to, COLON);
    memory.copy(to + 1, load<u32>(VALUES + (i << 3)), valueLength);
    to += valueLength + 1;
  }
  store<u8>(to, 0x7d);
  extrasTextLength = to + 1 - extrasText;
}
