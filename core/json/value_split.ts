import { isJsonSpace } from "../base/json.ts";
import { OpenLevels } from "./open_levels.ts";
import { ACT, ACTION, STATE, TRANSITIONS } from "./scan_table.ts";

/** Bytes that can be read from any place on. */
export interface RandomBytes {
  readonly size: number;
  /** Fills the target from `offset` on; how many bytes there were. */
  readInto(offset: number, target: Uint8Array): number;
}

/** A value among others, or what is none: its bytes without surrounding white space. */
export interface Piece {
  /** `rest`: no value, and all that follows with it. A `line` may also be no value. */
  readonly kind: "value" | "line" | "rest";
  readonly from: number;
  readonly to: number;
}

const WINDOW_BYTES = 1 << 18;
const NEWLINE = 0x0a, QUOTE = 0x22, OPEN_OBJECT = 0x7b, OPEN_ARRAY = 0x5b;
/** Open objects and arrays that are remembered of a value that ends nowhere: the outermost. */
const OPEN_MAX = 1 << 20;

/** States in which a number may end. */
const NUMBERS: ReadonlySet<number> = new Set([
  STATE.ZERO,
  STATE.INTEGER,
  STATE.FRACTION,
  STATE.EXPONENT_DIGITS,
]);
const IN_NUMBER: ReadonlySet<number> = new Set([...NUMBERS, STATE.DOT, STATE.EXPONENT, STATE.EXPONENT_SIGN]);

/**
 * Splits JSON values that stand one after another, with any white space or none between them, in
 * bounded memory. What is no JSON costs its line as long as each value had a line of its own, else
 * all that follows.
 *
 * A line of a value that ends nowhere is looked at from its start to where it fails. So that this
 * costs no more than the text is long, what was open there is not tried again.
 */
export class ValueSplit {
  readonly #bytes: RandomBytes;
  readonly #window = new Uint8Array(WINDOW_BYTES);
  #windowAt = 0;
  #windowEnd = 0;
  #isByLine = true;
  readonly #isLines: boolean;
  #at: number;
  /** Where the objects and arrays started that were open at `#openUntil`. */
  #open: number[] = [];
  #openCount = 0;
  #openUntil = 0;
  readonly #levels = new OpenLevels();

  /** From `at` on. `isLines`: each line is one piece, whatever it holds. */
  constructor(bytes: RandomBytes, at: number, isLines = false) {
    this.#bytes = bytes;
    this.#isLines = isLines;
    this.#at = at;
  }

  /** Undefined at the end. */
  next(): Piece | undefined {
    const from = this.#skipSpace(this.#at);
    if (this.#byte(from) < 0) return undefined;
    const piece = this.#isByLine ? this.#nextLine(from) : this.#nextFree(from);
    this.#at = piece.to;
    return piece;
  }

  #nextLine(from: number): Piece {
    const feed = this.#lineEnd(from);
    const line = { kind: "line", from, to: this.#trimmed(from, feed) } as const;
    if (this.#isLines || this.#isOpen(from)) return line;
    const to = this.#valueEnd(from);
    if (to === undefined) return line;
    const next = this.#skipSpace(to);
    if (to <= feed && next >= feed) return line;
    if (to <= feed) {
      // Of other values a line of text may be full.
      if (!this.#isNested(from) || !this.#isNested(next)) return line;
      if (this.#valueEnd(next) === undefined) return line;
    }
    this.#isByLine = false;
    return { kind: "value", from, to };
  }

  #nextFree(from: number): Piece {
    const to = this.#valueEnd(from);
    if (to !== undefined && (this.#isNested(from) || this.#byte(from) === QUOTE || this.#mayFollow(to))) {
      return { kind: "value", from, to };
    }
    return { kind: "rest", from, to: this.#trimmed(from, this.#bytes.size) };
  }

  /** Whether a number or a literal may end here. */
  #mayFollow(at: number): boolean {
    const byte = this.#byte(at);
    return byte < 0 || isJsonSpace(byte) || byte === QUOTE || this.#isNested(at);
  }

  /** Behind the value that starts at `from`; undefined where none does. */
  #valueEnd(from: number): number | undefined {
    const open: number[] = this.#openCount === 0 || from >= this.#openUntil ? this.#open : [];
    const levels = this.#levels;
    levels.closeAll();
    let state: number = STATE.VALUE, inKey = false;
    for (let at = from;; at++) {
      const byte = this.#byte(at);
      const target = byte < 0 ? ACT.ERROR : TRANSITIONS[(state << 8) | byte]!;
      if (levels.depth === 0 && NUMBERS.has(state) && !IN_NUMBER.has(target)) return at;
      if (target < ACTION) {
        state = target;
        // Behind a literal.
        if (levels.depth === 0 && state === STATE.AFTER) return at + 1;
        continue;
      }
      switch (target) {
        case ACT.OPEN_OBJECT:
        case ACT.OPEN_ARRAY:
          if (levels.depth < OPEN_MAX) open[levels.depth] = at;
          levels.open(target === ACT.OPEN_OBJECT);
          state = target === ACT.OPEN_OBJECT ? STATE.FIRST_KEY : STATE.FIRST_VALUE;
          break;
        case ACT.START_KEY:
          inKey = true;
          state = STATE.STRING;
          break;
        case ACT.END_STRING:
          if (levels.depth === 0) return at + 1;
          state = inKey ? STATE.COLON : STATE.AFTER;
          inKey = false;
          break;
        case ACT.COMMA:
          state = levels.inObject ? STATE.KEY : STATE.VALUE;
          break;
        case ACT.NEWLINE:
          // It also ends a number.
          if (state > STATE.DONE) state = STATE.AFTER;
          break;
        case ACT.CLOSE_OBJECT:
        case ACT.CLOSE_ARRAY:
          if (levels.inObject === (target === ACT.CLOSE_OBJECT)) {
            levels.close();
            if (levels.depth === 0) return at + 1;
            state = STATE.AFTER;
            break;
          }
          return this.#noteOpen(open, levels.depth, at);
        default:
          return this.#noteOpen(open, levels.depth, at);
      }
    }
  }

  /** What fails at once has no objects or arrays, and leaves the places of others alone. */
  #noteOpen(open: number[], depth: number, failedAt: number): undefined {
    if (depth === 0) return;
    this.#open = open;
    this.#openCount = depth;
    this.#openUntil = failedAt;
  }

  /** Beyond the outermost that are remembered all count as open. */
  #isOpen(at: number): boolean {
    if (at >= this.#openUntil || this.#openCount === 0) return false;
    const kept = Math.min(this.#openCount, OPEN_MAX);
    let low = 0, high = kept;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#open[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low < kept ? this.#open[low] === at : this.#openCount > OPEN_MAX && this.#isNested(at);
  }

  #isNested(at: number): boolean {
    const byte = this.#byte(at);
    return byte === OPEN_OBJECT || byte === OPEN_ARRAY;
  }

  #skipSpace(from: number): number {
    let at = from;
    while (isJsonSpace(this.#byte(at))) at++;
    return at;
  }

  #trimmed(from: number, end: number): number {
    let to = end;
    while (to > from && isJsonSpace(this.#byteBefore(to))) to--;
    return to;
  }

  #lineEnd(from: number): number {
    for (let at = from;;) {
      if (this.#byte(at) < 0) return at;
      const found = this.#window.subarray(0, this.#windowEnd - this.#windowAt).indexOf(NEWLINE, at - this.#windowAt);
      if (found >= 0) return this.#windowAt + found;
      at = this.#windowEnd;
    }
  }

  /** -1 behind the end. */
  #byte(at: number): number {
    if (at < this.#windowAt || at >= this.#windowEnd) {
      if (at >= this.#bytes.size) return -1;
      this.#fill(at);
    }
    return at < this.#windowEnd ? this.#window[at - this.#windowAt]! : -1;
  }

  #byteBefore(at: number): number {
    if (at <= this.#windowAt || at > this.#windowEnd) this.#fill(Math.max(0, at - WINDOW_BYTES));
    return at <= this.#windowEnd ? this.#window[at - 1 - this.#windowAt]! : -1;
  }

  #fill(at: number): void {
    this.#windowAt = at;
    this.#windowEnd = at + this.#bytes.readInto(at, this.#window);
  }
}
