import { copyBytes } from "./bytes.ts";
import { alloc, OVERRUN, Pointer, realloc } from "./memory.ts";

/**
 * JSON's white space and strings (RFC 8259, sections 2 and 7), over UTF-8 (Unicode, table 3-7).
 * Input ends with zeros, which end every string and number, so that nothing looks where it ends.
 */

export const QUOTE: u32 = 0x22;
export const COMMA: u32 = 0x2c;
export const COLON: u32 = 0x3a;
export const OPEN_ARRAY: u32 = 0x5b;
export const CLOSE_ARRAY: u32 = 0x5d;
export const OPEN_OBJECT: u32 = 0x7b;
export const CLOSE_OBJECT: u32 = 0x7d;
const BACKSLASH: u32 = 0x5c;
const SPACE: u32 = 0x20;

export function skipByteOrderMark(start: Pointer, length: u32): Pointer {
  const isMarked = length >= 3 && load<u8>(start) == 0xef && load<u8>(start, 1) == 0xbb && load<u8>(start, 2) == 0xbf;
  return isMarked ? start + 3 : start;
}

@inline
export function skipSpace(p: Pointer): Pointer {
  while (load<u8>(p) <= SPACE) {
    const c = load<u8>(p);
    if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) break;
    p++;
  }
  return p;
}

/** The next line feed from `p` on, or the end. */
export function lineEnd(p: Pointer, end: Pointer): Pointer {
  const feed = i8x16.splat(0x0a);
  while (p < end) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(p), feed));
    if (found) return min(p + ctz(found), end);
    p += 16;
  }
  return end;
}

/** How many line feeds there are. */
export function lineFeeds(from: Pointer, to: Pointer): u32 {
  const feed = i8x16.splat(0x0a);
  let count: u32 = 0;
  for (let p = from; p < to; p += 16) {
    let found = i8x16.bitmask(i8x16.eq(v128.load(p), feed));
    if (to - p < 16) found &= (1 << (to - p)) - 1;
    count += popcnt(found);
  }
  return count;
}

/** The first byte from `p` on that is a quote, a backslash, a control character or not ASCII. */
@inline
export function skipPlain(p: Pointer): Pointer {
  const quote = i8x16.splat(<i8> QUOTE), backslash = i8x16.splat(<i8> BACKSLASH), space = i8x16.splat(<i8> SPACE);
  while (true) {
    const bytes = v128.load(p);
    // Signed, bytes from 0x80 on are less than a space too.
    const special = v128.or(
      v128.or(i8x16.eq(bytes, quote), i8x16.eq(bytes, backslash)),
      i8x16.lt_s(bytes, space),
    );
    const found = i8x16.bitmask(special);
    if (found) return p + ctz(found);
    p += 16;
  }
}

/** The length of the well-formed sequence at `p` of bytes from 0x80 on; 0 where there is none. */
function utf8Length(p: Pointer): u32 {
  const first = load<u8>(p), second = load<u8>(p, 1);
  if (first < 0xc2) return 0;
  if (first < 0xe0) return isContinuation(second) ? 2 : 0;
  if (first < 0xf0) {
    if (!isContinuation(second) || !isContinuation(load<u8>(p, 2))) return 0;
    if (first == 0xe0 && second < 0xa0) return 0;
    // Halves of surrogate pairs.
    if (first == 0xed && second > 0x9f) return 0;
    return 3;
  }
  if (first > 0xf4) return 0;
  if (!isContinuation(second) || !isContinuation(load<u8>(p, 2)) || !isContinuation(load<u8>(p, 3))) return 0;
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second > 0x8f) return 0;
  return 4;
}

@inline
function isContinuation(byte: u32): bool {
  return (byte & 0xc0) == 0x80;
}

export function isUtf8(p: Pointer, length: u32): bool {
  const end = p + length;
  while (p < end) {
    if (p + 16 <= end && !i8x16.bitmask(v128.load(p))) {
      p += 16;
    } else if (load<u8>(p) < 0x80) {
      p++;
    } else {
      const taken = utf8Length(p);
      if (!taken || p + taken > end) return false;
      p += taken;
    }
  }
  return true;
}

const NO_HEX: u32 = 0x10000;

@inline
export function hexDigit(c: u32): u32 {
  if (c - 0x30 <= 9) return c - 0x30;
  const lower = c | 0x20;
  return lower - 0x61 <= 5 ? lower - 0x57 : NO_HEX;
}

/** The number that four hexadecimal digits write; above 0xffff where they are none. */
@inline
function hex4(p: Pointer): u32 {
  const high = (hexDigit(load<u8>(p)) << 12) | (hexDigit(load<u8>(p, 1)) << 8);
  return high | (hexDigit(load<u8>(p, 2)) << 4) | hexDigit(load<u8>(p, 3));
}

/** The character that an escape of one letter means; 0 where it means none. */
function escaped(letter: u32): u32 {
  switch (letter) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return letter;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return 0;
  }
}

/** Past the closing quote of the string whose first byte is at `p`; 0 where it is no string. */
export function skipString(p: Pointer): Pointer {
  while (true) {
    p = skipPlain(p);
    const c = load<u8>(p);
    if (c == QUOTE) return p + 1;
    if (c == BACKSLASH) {
      const letter = load<u8>(p, 1);
      if (letter == 0x75) {
        if (hex4(p + 2) > 0xffff) return 0;
        p += 6;
      } else if (escaped(letter)) {
        p += 2;
      } else {
        return 0;
      }
    } else if (c < SPACE) {
      return 0;
    } else {
      const taken = utf8Length(p);
      if (!taken) return 0;
      p += taken;
    }
  }
}

const DECODED_FIRST: u32 = 1 << 16;

/** What `decodeString` made. */
export let decoded: Pointer = 0;
export let decodedLength: u32 = 0;
let decodedBytes: u32 = 0;

/**
 * Reads the string whose first byte is at `p` into `decoded`. Past its closing quote; 0 where it is
 * no string, or where an escape is half a surrogate pair: no text in Unicode is that.
 */
export function decodeString(p: Pointer): Pointer {
  decodedLength = 0;
  while (true) {
    const end = skipPlain(p), length = end - p;
    reserveDecoded(decodedLength + length + OVERRUN);
    copyBytes(decoded + decodedLength, p, length);
    decodedLength += length;
    p = end;
    const c = load<u8>(p);
    if (c == QUOTE) return p + 1;
    if (c == BACKSLASH) {
      p = decodeEscape(p);
      if (!p) return 0;
    } else if (c < SPACE) {
      return 0;
    } else {
      const taken = utf8Length(p);
      if (!taken) return 0;
      store<u32>(decoded + decodedLength, load<u32>(p));
      decodedLength += taken;
      p += taken;
    }
  }
}

function reserveDecoded(wanted: u32): void {
  if (wanted <= decodedBytes) return;
  let bytes = max<u32>(decodedBytes << 1, DECODED_FIRST);
  while (bytes < wanted) bytes <<= 1;
  decoded = decodedBytes ? realloc(decoded, decodedBytes, bytes) : alloc(bytes);
  decodedBytes = bytes;
}

/** Decodes the escape whose backslash is at `p`; past it (a surrogate pair of two is one), or 0. */
function decodeEscape(p: Pointer): Pointer {
  const letter = load<u8>(p, 1);
  if (letter != 0x75) {
    const character = escaped(letter);
    if (!character) return 0;
    store<u8>(decoded + decodedLength, character);
    decodedLength++;
    return p + 2;
  }
  let unit = hex4(p + 2);
  if (unit > 0xffff) return 0;
  p += 6;
  if (unit >= 0xd800 && unit <= 0xdfff) {
    if (unit > 0xdbff || load<u16>(p) != 0x755c) return 0;
    const low = hex4(p + 2);
    if (low < 0xdc00 || low > 0xdfff) return 0;
    p += 6;
    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  }
  putCodePoint(unit);
  return p;
}

function putCodePoint(unit: u32): void {
  const at = decoded + decodedLength;
  if (unit < 0x80) {
    store<u8>(at, unit);
    decodedLength++;
  } else if (unit < 0x800) {
    store<u8>(at, 0xc0 | (unit >> 6));
    store<u8>(at, 0x80 | (unit & 63), 1);
    decodedLength += 2;
  } else if (unit < 0x10000) {
    store<u8>(at, 0xe0 | (unit >> 12));
    store<u8>(at, 0x80 | ((unit >> 6) & 63), 1);
    store<u8>(at, 0x80 | (unit & 63), 2);
    decodedLength += 3;
  } else {
    store<u8>(at, 0xf0 | (unit >> 18));
    store<u8>(at, 0x80 | ((unit >> 12) & 63), 1);
    store<u8>(at, 0x80 | ((unit >> 6) & 63), 2);
    store<u8>(at, 0x80 | (unit & 63), 3);
    decodedLength += 4;
  }
}
