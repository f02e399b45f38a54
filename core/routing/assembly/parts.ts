import { lineEnd } from "./scan.ts";
import { OVERRUN, Pointer } from "./memory.ts";
import { skipValue } from "./skip.ts";
import { CLOSE_ARRAY, COMMA, skipByteOrderMark, skipSpace } from "./text.ts";

/** Where a large file may be cut: between the elements of an array, or between lines. */

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

/** The first byte that is no white space, or the end. */
export function spaceEnd(start: Pointer, length: u32): Pointer {
  memory.fill(start + length, 0, OVERRUN);
  return skipSpace(start);
}
