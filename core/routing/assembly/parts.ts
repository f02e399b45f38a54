import { OVERRUN, Pointer } from "./memory.ts";
import { forgetOpen, skipValue } from "./skip.ts";
import { CLOSE_ARRAY, COMMA, lineEnd, skipByteOrderMark, skipSpace } from "./text.ts";
import { findValue, Found, foundEnd } from "./values.ts";

/**
 * Where a large file may be cut: between the elements of an array, between lines, or between values
 * one after another.
 */

let elementsStop: Pointer = 0;
let isLast: i32 = 0;

/**
 * How many whole elements of an array the text begins with, each with the comma or bracket behind
 * it; strictly.
 */
export function scanElements(start: Pointer, length: u32): u32 {
  const end = start + length;
  memory.fill(end, 0, OVERRUN);
  elementsStop = start;
  isLast = 0;
  let count: u32 = 0;
  let p = start;
  while (true) {
    p = skipValue(skipSpace(p));
    if (!p) break;
    p = skipSpace(p);
    // The end may stand in the middle of a number.
    if (p >= end) break;
    const c = <u32> load<u8>(p);
    if (c != COMMA && c != CLOSE_ARRAY) break;
    count++;
    elementsStop = p;
    p++;
    if (c == CLOSE_ARRAY) {
      isLast = 1;
      break;
    }
  }
  return count;
}

/** The comma or bracket behind the last of them. */
export function elementsEnd(): Pointer {
  return elementsStop;
}

/** Whether that is the bracket. */
export function isEndOfElements(): i32 {
  return isLast;
}

/** Lines that are not blank. */
export function countLines(start: Pointer, length: u32): u32 {
  const end = start + length;
  memory.fill(end, 0, OVERRUN);
  let count: u32 = 0;
  let p = skipByteOrderMark(start, length);
  while (true) {
    p = skipSpace(p);
    if (p >= end) return count;
    count++;
    p = lineEnd(p, end);
  }
}

let valuesStop: Pointer = 0;
let valuesAreLined: bool = false;
let isRest: bool = false;

/**
 * How many values one after another, or lines that are none, the text begins with: up to its end,
 * to where values no longer have a line each, or to where all that follows is no value.
 */
export function countValues(start: Pointer, length: u32, areLined: i32, isEnd: i32): u32 {
  const end = start + length;
  memory.fill(end, 0, OVERRUN);
  forgetOpen();
  valuesAreLined = areLined != 0;
  isRest = false;
  let count: u32 = 0;
  let p = skipByteOrderMark(start, length);
  while (true) {
    p = skipSpace(p);
    valuesStop = p;
    if (p >= end) return count;
    const found = findValue(p, end, valuesAreLined, isEnd != 0);
    if (found == Found.CUT) return count;
    if (found == Found.REST) {
      isRest = true;
      return count;
    }
    if (found == Found.FREE_VALUE) {
      if (count > 0) return count;
      valuesAreLined = false;
    }
    count++;
    p = foundEnd();
  }
}

/** Where what was counted ends. */
export function valuesEnd(): Pointer {
  return valuesStop;
}

/** Whether each has a line of its own. */
export function areValuesLined(): bool {
  return valuesAreLined;
}

/** Whether what follows is no value, up to the file's end. */
export function isBrokenRest(): bool {
  return isRest;
}

/** The first byte that is no white space, or the end. */
export function spaceEnd(start: Pointer, length: u32): Pointer {
  memory.fill(start + length, 0, OVERRUN);
  return skipSpace(start);
}
