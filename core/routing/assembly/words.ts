import { copyBytes } from "./bytes.ts";
import { Dictionary, newDictionary } from "./dictionary.ts";
import { alloc, OVERRUN, Pointer } from "./memory.ts";

/**
 * Words for what is wrong with records, as the other side has given them: it is asked once for each
 * different question, and what it says is kept beside it. Of questions without end, the latest.
 */

/** A longer question is asked each time. */
const QUESTION_BYTES_MAX: u32 = 1024;
const QUESTIONS_MAX: u32 = 1 << 14;
const BYTES_MAX: u32 = 4 << 20;

let questions: Dictionary = changetype<Dictionary>(0);
/** An arena alone. Where a question's answer stands in it, is noted with the question. */
let answers: Dictionary = changetype<Dictionary>(0);

let question: Pointer = 0;
let length: u32 = 0;
let isLong: bool = false;

/** Begins a question: of what kind it is, and about which field. */
export function beginQuestion(kind: i32, field: i32): void {
  if (!question) {
    question = alloc(QUESTION_BYTES_MAX + OVERRUN);
    questions = newDictionary();
    answers = newDictionary();
  }
  store<i32>(question, kind);
  store<i32>(question, field, 4);
  length = 8;
  isLong = false;
}

/** Adds a text to the question, with its length: no two questions become one. */
export function addToQuestion(from: Pointer, to: Pointer): void {
  const bytes = to - from;
  if (isLong || bytes > QUESTION_BYTES_MAX || length + 4 + bytes > QUESTION_BYTES_MAX) {
    isLong = true;
    return;
  }
  store<u32>(question + length, bytes);
  copyBytes(question + length + 4, from, bytes);
  length += 4 + bytes;
}

/** The words that answer the question, and their length; 0 where it must be asked. */
export let words: Pointer = 0;
export let wordsLength: u32 = 0;

export function findWords(): bool {
  if (isLong) return false;
  const id = questions.find(question, length);
  if (id < 0) return false;
  const answer = answers.arena + load<u32>(questions.note(id));
  words = answer + 4;
  wordsLength = load<u32>(answer);
  return true;
}

/** Keeps the words that answer the question. */
export function keepWords(text: Pointer, bytes: u32): void {
  if (isLong) return;
  if (questions.count > QUESTIONS_MAX || questions.arenaTop + answers.arenaTop > BYTES_MAX) {
    questions.clear();
    answers.clear();
  }
  store<u32>(questions.note(questions.intern(question, length)), answers.append(text, bytes));
}
