import { extraCount, extraKey, extraKeyLength } from "./extras.ts";
import { commitLetter, failCount, faultAt, letterParse, LetterVerdict } from "./letter.ts";
import { Pointer } from "./memory.ts";
import { NOT_JSON, oddFrom, oddPosition, oddTo } from "./odd.ts";
import { Table } from "./table.ts";
import { addToQuestion, beginQuestion, findWords, keepWords, words, wordsLength } from "./words.ts";

/**
 * Odd records into the table of dead letters as far as the other side has said before what is wrong
 * with such ones.
 */

/** Kinds of questions besides those of faults. */
const RECORD: i32 = 100, EXTRAS: i32 = 101;

/** How many letters were added for each reason since the last `takeLetters`. */
let invalid: u32 = 0;
let extra: u32 = 0;

let invalidReason: Pointer = 0, invalidLength: u32 = 0;
let extraReason: Pointer = 0, extraLength: u32 = 0;

export function setReasons(invalidAt: Pointer, invalidBytes: u32, extraAt: Pointer, extraBytes: u32): void {
  invalidReason = invalidAt;
  invalidLength = invalidBytes;
  extraReason = extraAt;
  extraLength = extraBytes;
}

export function takeInvalid(): u32 {
  const count = invalid;
  invalid = 0;
  return count;
}

export function takeExtraLetters(): u32 {
  const count = extra;
  extra = 0;
  return count;
}

/** The first of the odd records from `entry` to `end` that the other side must see; or `end`. */
export function addKnownLetters(table: Table, entry: u32, end: u32, bytesMax: u32): u32 {
  while (entry < end && addKnownLetter(table, oddPosition(entry), oddFrom(entry), oddTo(entry), bytesMax)) entry++;
  return entry;
}

function addKnownLetter(table: Table, position: u32, from: Pointer, to: Pointer, bytesMax: u32): bool {
  if (from >= NOT_JSON || to - from > bytesMax) return false;
  const verdict = letterParse(table, from);
  if (verdict == LetterVerdict.TOO_ODD) return false;
  if (!findLetterWords(verdict, from, to)) {
    table.rollback();
    return false;
  }
  const isInvalid = verdict == LetterVerdict.NO_OBJECT || failCount() > 0;
  if (isInvalid) invalid++;
  else extra++;
  const reason = isInvalid ? invalidReason : extraReason, reasonLength = isInvalid ? invalidLength : extraLength;
  commitLetter(table, position, reason, reasonLength, words, wordsLength, from, to - from);
  return true;
}

/** What is wrong first; false where that is not known, or not of everything whether it is wrong. */
function findLetterWords(verdict: i32, from: Pointer, to: Pointer): bool {
  if (verdict == LetterVerdict.NO_OBJECT) {
    beginQuestion(RECORD, 0);
    addToQuestion(from, to);
    return findWords();
  }
  const faults = failCount();
  if (!faults) {
    if (!extraCount()) return false;
    askExtras();
    return findWords();
  }
  for (let i = faults - 1; i >= 0; i--) {
    askFault(i);
    if (!findWords()) return false;
  }
  return true;
}

function askFault(index: i32): void {
  const at = faultAt(index);
  beginQuestion(at.fault, at.field);
  addToQuestion(at.keyFrom, at.keyTo);
  addToQuestion(at.from, at.to);
}

function askExtras(): void {
  beginQuestion(EXTRAS, 0);
  for (let i = 0; i < extraCount(); i++) addToQuestion(extraKey(i), extraKey(i) + extraKeyLength(i));
}

/** Keeps the words for a record that is no object. */
export function keepRecordWords(from: Pointer, to: Pointer, text: Pointer, length: u32): void {
  beginQuestion(RECORD, 0);
  addToQuestion(from, to);
  keepWords(text, length);
}

/** The same for a fault of the record that was parsed last. */
export function keepFaultWords(index: i32, text: Pointer, length: u32): void {
  askFault(index);
  keepWords(text, length);
}

/** The same for its extra fields. */
export function keepExtrasWords(text: Pointer, length: u32): void {
  askExtras();
  keepWords(text, length);
}
