import { OVERRUN, Pointer } from "./memory.ts";
import { addOdd, clearOdd, NOT_JSON } from "./odd.ts";
import { parseRecord } from "./parse.ts";
import { forgetOpen, skipValue } from "./skip.ts";
import { isFull, Table } from "./table.ts";
import { CLOSE_ARRAY, COMMA, lineEnd, OPEN_ARRAY, OPEN_OBJECT, skipByteOrderMark, skipSpace } from "./text.ts";
import { findValue, Found, foundEnd } from "./values.ts";

/**
 * A file's text into rows. Input needs OVERRUN bytes of room behind it: they are filled with zeros,
 * which end every token.
 */

/** Verdicts on an array, or on lines. */
export const enum Verdict {
  WHOLE = 0,
  NO_ARRAY = 1,
  /** The table is full: `resumeArray` or `resumeLines` goes on once its rows are written. */
  FULL = 2,
  /** Of envelopes: the judge must look at one before the scan goes on. */
  JUDGED = 3,
}

/** What a scan does besides being strict; the last is for measuring. */
export const enum ScanMode {
  ROWS = 0,
  STRICT_ONLY = 1,
  ROWS_DROPPED = 2,
}

/** Of the first record of the text: it may be a part of a file. */
let firstPosition: u32 = 0;

export function setFirstPosition(position: u32): void {
  firstPosition = position;
}

const FRAME_HEAD: u32 = 8;

let records: u32 = 0;
let lastGood: Pointer = 0;

export function recordCount(): u32 {
  return records;
}

/** The last record that starts well, where the text is no array: what is wrong stands behind. */
export function lastGoodPtr(): Pointer {
  return lastGood;
}

/** Starts a scan: the first byte behind a byte order mark. */
function begin(start: Pointer, length: u32): Pointer {
  memory.fill(start + length, 0, OVERRUN);
  clearOdd();
  records = 0;
  lastGood = start;
  return skipByteOrderMark(start, length);
}

/** Where a scan goes on that has stopped because the table was full. */
let next: Pointer = 0;
let nextPosition: u32 = 0;
let end: Pointer = 0;

/** A whole array; its odd records are left out and noted. */
export function scanArray(table: Table, start: Pointer, length: u32, mode: i32): i32 {
  end = start + length;
  nextPosition = firstPosition;
  const p = skipSpace(begin(start, length));
  if (load<u8>(p) != OPEN_ARRAY) return Verdict.NO_ARRAY;
  next = skipSpace(p + 1);
  return load<u8>(next) == CLOSE_ARRAY ? Verdict.NO_ARRAY : scanFrom(table, mode);
}

/** Goes on with an array; what was odd before is forgotten. */
export function resumeArray(table: Table): i32 {
  clearOdd();
  return scanFrom(table, ScanMode.ROWS);
}

/** Whether the array is one up to its end, so that the rows before it may be written. */
export function isRestSound(table: Table): bool {
  const at = next, position = nextPosition;
  const verdict = scanFrom(table, ScanMode.STRICT_ONLY);
  next = at;
  nextPosition = position;
  return verdict == Verdict.WHOLE;
}

function scanFrom(table: Table, mode: i32): i32 {
  let p = next, position = nextPosition;
  while (true) {
    if (position != firstPosition) lastGood = p;
    const past = scanElement(table, p, position, mode);
    if (!past) return Verdict.NO_ARRAY;
    position++;
    p = skipSpace(past);
    const c = <u32> load<u8>(p++);
    if (c == CLOSE_ARRAY) break;
    if (c != COMMA) return Verdict.NO_ARRAY;
    p = skipSpace(p);
    if (isFull(table) && mode == ScanMode.ROWS) {
      next = p;
      nextPosition = position;
      return Verdict.FULL;
    }
  }
  records = position - firstPosition;
  return skipSpace(p) == end ? Verdict.WHOLE : Verdict.NO_ARRAY;
}

/** Past one record; 0 where it is no JSON. */
@inline
export function scanElement(table: Table, p: Pointer, position: u32, mode: i32): Pointer {
  if (mode == ScanMode.STRICT_ONLY) return skipValue(p);
  if (load<u8>(p) == OPEN_OBJECT) {
    const past = parseRecord(table.root, p);
    if (past && mode == ScanMode.ROWS) table.commit(position);
    else table.rollback();
    if (past) return past;
  }
  const past = skipValue(p);
  if (past) addOdd(position, p, past);
  return past;
}

@inline
export function isLineSpace(c: u32): bool {
  return c == 0x20 || c == 0x0d || c == 0x09;
}

/** Lines, whatever is in them; blank ones do not count. */
export function scanLines(table: Table, start: Pointer, length: u32): i32 {
  end = start + length;
  next = begin(start, length);
  nextPosition = firstPosition;
  return scanLinesFrom(table);
}

export function resumeLines(table: Table): i32 {
  clearOdd();
  return scanLinesFrom(table);
}

function scanLinesFrom(table: Table): i32 {
  let p = next, position = nextPosition;
  while (true) {
    p = skipSpace(p);
    records = position - firstPosition;
    if (p >= end) return Verdict.WHOLE;
    if (isFull(table)) {
      next = p;
      nextPosition = position;
      return Verdict.FULL;
    }
    const past = load<u8>(p) == OPEN_OBJECT ? plainLine(table, p, end) : 0;
    if (past) {
      table.commit(position);
      p = past;
    } else {
      p = oddLine(p, end, position);
    }
    position++;
  }
}

/** Reads a record that is alone on its line: its line feed, or 0 with nothing kept. */
function plainLine(table: Table, p: Pointer, end: Pointer): Pointer {
  const past = parseRecord(table.root, p);
  if (past) {
    let feed = past;
    while (isLineSpace(load<u8>(feed))) feed++;
    // JSON's white space has line feeds, a line has none.
    if ((feed == end || load<u8>(feed) == 0x0a) && lineEnd(p, past) == past) return feed;
  }
  table.rollback();
  return 0;
}

function oddLine(p: Pointer, end: Pointer, position: u32): Pointer {
  const feed = lineEnd(p, end);
  let last = feed;
  while (isLineSpace(load<u8>(last - 1))) last--;
  // No token goes on behind a zero: a line must not cost what the text behind it is long.
  store<u8>(feed, 0);
  addOdd(position, skipValue(p) == last ? p : p | NOT_JSON, last);
  if (feed != end) store<u8>(feed, 0x0a);
  return feed;
}

/** Whether every value so far stood on a line of its own. */
let isByLine: bool = true;

/**
 * Values one after another, with any white space or none between them. What is no JSON costs as
 * little as can be: while each value stands on a line of its own, its line; else all that follows.
 * `areLined`: whether each before this text did.
 */
export function scanValues(table: Table, start: Pointer, length: u32, areLined: i32): i32 {
  end = start + length;
  next = begin(start, length);
  nextPosition = firstPosition;
  isByLine = areLined != 0;
  forgetOpen();
  return scanValuesFrom(table);
}

export function resumeValues(table: Table): i32 {
  clearOdd();
  return scanValuesFrom(table);
}

function scanValuesFrom(table: Table): i32 {
  let p = next, position = nextPosition;
  while (true) {
    p = skipSpace(p);
    records = position - firstPosition;
    if (p >= end) return Verdict.WHOLE;
    if (isFull(table)) {
      next = p;
      nextPosition = position;
      return Verdict.FULL;
    }
    p = scanOneValue(table, p, position);
    position++;
  }
}

/** Past a value, or past what is none. */
function scanOneValue(table: Table, p: Pointer, position: u32): Pointer {
  if (load<u8>(p) == OPEN_OBJECT) {
    const past = isByLine ? plainLine(table, p, end) : plainValue(table, p);
    if (past) {
      table.commit(position);
      return past;
    }
  }
  const found = findValue(p, end, isByLine, true);
  if (found == Found.LINE) return oddLine(p, end, position);
  if (found == Found.REST) {
    let last = end;
    while (skipSpace(last - 1) != last - 1) last--;
    addOdd(position, p | NOT_JSON, last);
    return end;
  }
  if (found == Found.FREE_VALUE) {
    isByLine = false;
    return scanElement(table, p, position, ScanMode.ROWS);
  }
  addOdd(position, p, foundEnd());
  return foundEnd();
}

function plainValue(table: Table, p: Pointer): Pointer {
  const past = parseRecord(table.root, p);
  if (!past) table.rollback();
  return past;
}

/**
 * Records in frames: the length and the position of each in a word, and its bytes. They come from
 * elsewhere than a text, and may hold anything.
 */
export function scanFrames(table: Table, start: Pointer, length: u32): i32 {
  end = start + length;
  memory.fill(end, 0, OVERRUN);
  clearOdd();
  records = 0;
  next = start;
  return scanFramesFrom(table);
}

export function resumeFrames(table: Table): i32 {
  clearOdd();
  return scanFramesFrom(table);
}

function scanFramesFrom(table: Table): i32 {
  for (let frame = next; frame < end;) {
    if (isFull(table)) {
      next = frame;
      return Verdict.FULL;
    }
    const from = frame + FRAME_HEAD, to = from + load<u32>(frame), position = load<u32>(frame, 4);
    const past = load<u8>(from) == OPEN_OBJECT ? parseRecord(table.root, from) : 0;
    if (past == to) table.commit(position);
    else {
      table.rollback();
      addOdd(position, skipValue(from) == to ? from : from | NOT_JSON, to);
    }
    records++;
    frame = to;
  }
  return Verdict.WHOLE;
}
