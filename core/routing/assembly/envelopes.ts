import { OVERRUN, Pointer } from "./memory.ts";
import { clearOdd, cutOdd, oddN } from "./odd.ts";
import { enterEnvelope, leaveEnvelope } from "./pointer.ts";
import { isLineSpace, scanElement, ScanMode, Verdict } from "./scan.ts";
import { forgetOpen, isOpen, skipValue } from "./skip.ts";
import { isFull, keepRows, Table, undoFile } from "./table.ts";
import { CLOSE_ARRAY, COMMA, lineEnd, OPEN_ARRAY, OPEN_OBJECT, skipByteOrderMark, skipSpace } from "./text.ts";
import { findValue, Found, foundEnd, isNested } from "./values.ts";

/**
 * Envelopes into rows, each in one pass: the way to its records, these, and the way out. One that
 * is not certain to be sound leaves no row, and the other side is asked to judge it.
 */

/** How envelopes stand in a text. */
const enum Form {
  /** Elements of an array that is known to be one. */
  ELEMENTS = 0,
  LINES = 1,
  /** Values one after another, each on a line of its own so far. */
  LINED_VALUES = 2,
  VALUES = 3,
}

let form: i32 = Form.LINES;
let mode: i32 = ScanMode.ROWS;
let end: Pointer = 0;
/** Where the scan goes on, and the position of the next record. */
let next: Pointer = 0;
let position: u32 = 0;

/** The envelope being read, and the end of its line. */
let from: Pointer = 0;
let feed: Pointer = 0;
/** Whether what is left of it was looked at, so that rows of it may be written. */
let isCertain: bool = false;
/** Whether the scan has stopped within it. */
let isWithin: bool = false;
/** The end of what is left to the judge. */
let judgedTo: Pointer = 0;

/** Behind the last record. */
export function envelopesPosition(): u32 {
  return position;
}

export function judgedPtr(): Pointer {
  return from;
}

export function judgedEnd(): Pointer {
  return judgedTo;
}

/** Begins a text of envelopes. To read strictly only takes no table. */
export function scanEnvelopes(table: Table, start: Pointer, length: u32, itsForm: i32, first: u32, itsMode: i32): i32 {
  end = start + length;
  memory.fill(end, 0, OVERRUN);
  form = itsForm;
  mode = itsMode;
  isWithin = false;
  forgetOpen();
  next = skipByteOrderMark(start, length);
  // Past the bracket.
  if (form == Form.ELEMENTS) next = skipSpace(next) + 1;
  return resumeEnvelopes(table, first);
}

/** Goes on once rows are written, or the judge has taken what was left to it. */
export function resumeEnvelopes(table: Table, nextPosition: u32): i32 {
  clearOdd();
  position = nextPosition;
  let before = position, odd: u32 = 0;
  while (true) {
    let past: Pointer = 0;
    if (isWithin) past = readElements(table, next);
    else {
      if (mode == ScanMode.ROWS && isFull(table)) return Verdict.FULL;
      if (!findEnvelope()) return Verdict.WHOLE;
      if (mode == ScanMode.ROWS) keepRows(table);
      before = position;
      odd = oddN();
      past = readEnvelope(table);
    }
    if (isWithin) return Verdict.FULL;
    const isSound = past != 0 && mayEnd(past);
    if (form == Form.LINES && feed != end) store<u8>(feed, 0x0a);
    if (isSound) {
      if (form == Form.LINED_VALUES && (past > feed || skipSpace(past) < feed)) form = Form.VALUES;
      next = past;
      continue;
    }
    position = before;
    cutOdd(odd);
    if (mode == ScanMode.ROWS) undoFile(table);
    findJudged();
    return Verdict.JUDGED;
  }
}

/** False behind the last. */
function findEnvelope(): bool {
  let p = skipSpace(next);
  if (form == Form.ELEMENTS) {
    if (load<u8>(p) == CLOSE_ARRAY) return false;
    if (load<u8>(p) == COMMA) p = skipSpace(p + 1);
  } else if (p >= end) {
    next = end;
    return false;
  }
  if (form == Form.LINES || form == Form.LINED_VALUES) feed = lineEnd(p, end);
  // No token goes on behind a zero: a line must not cost what the text behind it is long.
  if (form == Form.LINES) store<u8>(feed, 0);
  from = p;
  return true;
}

/** Past the envelope; 0 where that is not certain, or the scan stops within it. */
function readEnvelope(table: Table): Pointer {
  isCertain = false;
  if (form == Form.LINED_VALUES && isOpen(from)) return 0;
  const value = enterEnvelope(from);
  if (!value) return 0;
  const c = <u32> load<u8>(value);
  if (c == OPEN_OBJECT) {
    const past = scanElement(table, value, position++, mode);
    return past ? leaveEnvelope(past) : 0;
  }
  if (c != OPEN_ARRAY) return 0;
  const first = skipSpace(value + 1);
  return load<u8>(first) == CLOSE_ARRAY ? 0 : readElements(table, first);
}

function readElements(table: Table, p: Pointer): Pointer {
  isWithin = false;
  while (true) {
    p = scanElement(table, p, position++, mode);
    if (!p) return 0;
    p = skipSpace(p);
    const c = <u32> load<u8>(p++);
    if (c == CLOSE_ARRAY) return leaveEnvelope(p);
    if (c != COMMA) return 0;
    p = skipSpace(p);
    if (mode == ScanMode.ROWS && isFull(table)) {
      if (!isCertain && !isRestSound(p)) return 0;
      isCertain = isWithin = true;
      next = p;
      return 0;
    }
  }
}

/** Whether from an element on all is JSON, and leads out of the envelope. */
function isRestSound(p: Pointer): bool {
  while (true) {
    p = skipValue(p);
    if (!p) return false;
    p = skipSpace(p);
    const c = <u32> load<u8>(p++);
    if (c == CLOSE_ARRAY) break;
    if (c != COMMA) return false;
    p = skipSpace(p);
  }
  p = leaveEnvelope(p);
  return p != 0 && mayEnd(p);
}

/** By what follows on the line: see `findValue`. */
function mayEnd(past: Pointer): bool {
  if (form == Form.LINES) {
    while (isLineSpace(load<u8>(past))) past++;
    return past == feed;
  }
  if (form != Form.LINED_VALUES || past > feed) return true;
  const behind = skipSpace(past);
  return behind >= feed || (isNested(behind) && skipValue(behind) != 0);
}

/** The bounds of what the judge is to look at, which is all that follows where that is no JSON. */
function findJudged(): void {
  if (form == Form.ELEMENTS) judgedTo = next = skipValue(from);
  else if (form == Form.LINES) {
    next = feed;
    judgedTo = trimmed(feed);
  } else {
    const found = findValue(from, end, form == Form.LINED_VALUES, true);
    next = found == Found.REST ? end : foundEnd();
    judgedTo = trimmed(next);
    if (found == Found.FREE_VALUE) form = Form.VALUES;
  }
}

function trimmed(to: Pointer): Pointer {
  while (skipSpace(to - 1) != to - 1) to--;
  return to;
}
