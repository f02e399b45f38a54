import { Pointer } from "./memory.ts";
import { explainValue, failedAt, isOpen, skipValue } from "./skip.ts";
import { lineEnd, OPEN_ARRAY, OPEN_OBJECT, QUOTE, skipSpace, skipString } from "./text.ts";

/** What stands at a place among values one after another. */
export const enum Found {
  /** A value; on a line of its own, if all before it are. */
  VALUE = 0,
  /** A value that shares a line, or has several: from here on lines mean nothing. */
  FREE_VALUE = 1,
  /** No value, which costs the line. */
  LINE = 2,
  /** No value, which costs all that follows. */
  REST = 3,
  /** Only what stands behind the text can tell. */
  CUT = 4,
}

let past: Pointer = 0;

/** Behind the value, or the line, that was found last. */
export function foundEnd(): Pointer {
  return past;
}

/**
 * What starts at `p`, where no white space is. `isEnd`: whether nothing follows the text. Each
 * value is passed over as often as it is long at most twice: what was open where one failed is not
 * tried again.
 */
export function findValue(p: Pointer, end: Pointer, isByLine: bool, isEnd: bool): Found {
  return isByLine ? findLine(p, end, isEnd) : findFree(p, end, isEnd);
}

function findLine(p: Pointer, end: Pointer, isEnd: bool): Found {
  const feed = lineEnd(p, end);
  const isCut = feed == end && !isEnd;
  past = feed;
  if (!isCut && isOpen(p)) return Found.LINE;
  const behind = skipValue(p);
  if (!behind) return !isCut && isNoValue(p, end, isEnd) ? Found.LINE : Found.CUT;
  if (behind > feed) {
    past = behind;
    return Found.FREE_VALUE;
  }
  const next = skipSpace(behind);
  if (next < feed) {
    // Of other values a line of text may be full.
    if (!isNested(p) || !isNested(next)) return isCut ? Found.CUT : Found.LINE;
    if (!skipValue(next)) return !isCut && isNoValue(next, end, isEnd) ? Found.LINE : Found.CUT;
  } else if (isCut) return Found.CUT;
  past = behind;
  return next < feed ? Found.FREE_VALUE : Found.VALUE;
}

function findFree(p: Pointer, end: Pointer, isEnd: bool): Found {
  past = skipValue(p);
  if (!past) return isNoValue(p, end, isEnd) ? Found.REST : Found.CUT;
  if (isNested(p) || load<u8>(p) == QUOTE) return Found.VALUE;
  if (past == end) return isEnd ? Found.VALUE : Found.CUT;
  return skipSpace(past) != past || isNested(past) || load<u8>(past) == QUOTE ? Found.VALUE : Found.REST;
}

@inline
export function isNested(p: Pointer): bool {
  const c = <u32> load<u8>(p);
  return c == OPEN_OBJECT || c == OPEN_ARRAY;
}

/** Whether no text behind the end can make a value of it. */
function isNoValue(p: Pointer, end: Pointer, isEnd: bool): bool {
  explainValue(p);
  if (isEnd) return true;
  const token = failedAt();
  if (token >= end) return false;
  if (load<u8>(token) != QUOTE) return wordEnd(token, end) < end;
  const behind = skipString(token + 1);
  if (behind) return skipSpace(behind) < end;
  for (let at = token + 1; at < end; at++) if (load<u8>(at) < 0x20) return true;
  return false;
}

/** Behind a number or a literal, or what begins as one. */
function wordEnd(p: Pointer, end: Pointer): Pointer {
  while (p < end) {
    const c = <u32> load<u8>(p);
    const isLetter = (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a;
    if (!isLetter && !(c >= 0x30 && c <= 0x39) && c != 0x2b && c != 0x2d && c != 0x2e) break;
    p++;
  }
  return p;
}
