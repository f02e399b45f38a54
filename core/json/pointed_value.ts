import type { ValuePlace } from "./element_places.ts";
import { OpenLevels } from "./open_levels.ts";
import { pointerText } from "./pointer.ts";
import { ACT, ACTION, STATE, TRANSITIONS } from "./scan_table.ts";
import type { RandomBytes } from "./value_split.ts";

/** What stands where a pointer leads to. */
export type PointedValue =
  | { readonly kind: "array" | "object"; readonly place: ValuePlace }
  /** Neither, or nothing: what is there instead, for the end of a sentence. */
  | { readonly kind: "other"; readonly found: string }
  /** What was to be looked through is no value. */
  | { readonly kind: "not_json" };

const WINDOW_BYTES = 1 << 18;
const OPEN_OBJECT = 0x7b, OPEN_ARRAY = 0x5b, BACKSLASH = 0x5c;
/** An escape takes so many bytes for a unit of UTF-16. */
const UNIT_BYTES_MAX = 6;
const INDEX = /^(0|[1-9]\d*)$/;

/** Ends of the one value, besides those of objects and arrays. */
const FINAL: ReadonlySet<number> = new Set([
  STATE.AFTER,
  STATE.ZERO,
  STATE.INTEGER,
  STATE.FRACTION,
  STATE.EXPONENT_DIGITS,
]);

const KINDS: readonly (readonly [string, string])[] = [
  ["{", "an object"],
  ["[", "an array"],
  ['"', "a string"],
  ["tf", "a boolean"],
  ["n", "null"],
];

/**
 * Finds the value that a pointer's steps lead to (RFC 6901, section 4) in the value at a place, all
 * of which is read strictly, in constant memory plus one bit for each level of nesting.
 */
export function findPointedValue(bytes: RandomBytes, place: ValuePlace, steps: readonly string[]): PointedValue {
  return new PointedValueScan(bytes, place, steps).find();
}

class PointedValueScan {
  readonly #bytes: RandomBytes;
  readonly #place: ValuePlace;
  readonly #steps: readonly string[];
  #state: number = STATE.VALUE;
  readonly #levels = new OpenLevels();
  #inKey = false;
  #keyFrom = 0;
  /** Open objects and arrays that the path leads through: the outermost ones. */
  #pathDepth = 0;
  /** Whether the next value is the one that the next step leads to. */
  #isNext = true;
  /** Steps that were found. */
  #reached = 0;
  /** Values so far of the array that the path leads through, by level. */
  readonly #indices: number[] = [];
  /** The step that was found a second time. */
  #twice: number | undefined;
  #other: string | undefined;
  #kind: "array" | "object" | undefined;
  #from = -1;
  #to = -1;

  constructor(bytes: RandomBytes, place: ValuePlace, steps: readonly string[]) {
    this.#bytes = bytes;
    this.#place = place;
    this.#steps = steps;
  }

  find(): PointedValue {
    const window = new Uint8Array(Math.min(WINDOW_BYTES, this.#place.to - this.#place.from));
    for (let at = this.#place.from; at < this.#place.to;) {
      const length = this.#bytes.readInto(at, window.subarray(0, Math.min(window.length, this.#place.to - at)));
      if (length === 0 || !this.#scan(window, length, at)) return { kind: "not_json" };
      at += length;
    }
    if (this.#levels.depth > 0 || !FINAL.has(this.#state)) return { kind: "not_json" };
    if (this.#twice !== undefined) return { kind: "other", found: `${this.#pointer(this.#twice)} twice` };
    if (this.#other !== undefined) return { kind: "other", found: this.#other };
    if (this.#kind !== undefined) return { kind: this.#kind, place: { from: this.#from, to: this.#to } };
    const missing = this.#reached + 1;
    return { kind: "other", found: missing < this.#steps.length ? `nothing at ${this.#pointer(missing)}` : "nothing" };
  }

  /** `base`: where the window is. False where it is no JSON. */
  #scan(window: Uint8Array, length: number, base: number): boolean {
    const inString = STATE.STRING << 8;
    let state = this.#state;
    for (let i = 0; i < length;) {
      const target = TRANSITIONS[(state << 8) | window[i]!]!;
      if (state <= STATE.FIRST_VALUE && startsValue(state, target)) this.#startValue(base + i, window[i]!);
      if (target === STATE.STRING) {
        do i++; while (i < length && TRANSITIONS[inString | window[i]!] === STATE.STRING);
        state = target;
        continue;
      }
      if (target < ACTION) state = target;
      else {
        const next = this.#act(target, state, base + i);
        if (next === undefined) return false;
        state = next;
      }
      i++;
    }
    this.#state = state;
    return true;
  }

  /** The next state; undefined where the byte may not stand there. */
  #act(action: number, state: number, at: number): number | undefined {
    switch (action) {
      case ACT.START_KEY:
        this.#inKey = true;
        this.#keyFrom = at + 1;
        return STATE.STRING;
      case ACT.END_STRING:
        if (!this.#inKey) return STATE.AFTER;
        this.#inKey = false;
        if (this.#isOnPath()) this.#endKey(at);
        return STATE.COLON;
      case ACT.NEWLINE:
        // It also ends a number.
        return state > STATE.DONE ? STATE.AFTER : state;
      case ACT.COMMA:
        if (this.#levels.depth === 0) return undefined;
        return this.#levels.inObject ? STATE.KEY : STATE.VALUE;
      case ACT.OPEN_OBJECT:
        this.#levels.open(true);
        return STATE.FIRST_KEY;
      case ACT.OPEN_ARRAY:
        this.#levels.open(false);
        return STATE.FIRST_VALUE;
      case ACT.CLOSE_OBJECT:
      case ACT.CLOSE_ARRAY:
        if (this.#levels.depth === 0 || this.#levels.inObject !== (action === ACT.CLOSE_OBJECT)) return undefined;
        this.#close(at);
        return STATE.AFTER;
      default:
        return undefined;
    }
  }

  #startValue(at: number, byte: number): void {
    if (this.#isOnPath() && !this.#levels.inObject) {
      const index = this.#indices[this.#levels.depth] ?? 0;
      this.#indices[this.#levels.depth] = index + 1;
      this.#isNext = this.#steps[this.#levels.depth - 1] === String(index);
      if (this.#isNext) this.#reached = this.#levels.depth;
    }
    if (!this.#isNext) return;
    this.#isNext = false;
    const isNested = byte === OPEN_OBJECT || byte === OPEN_ARRAY;
    if (this.#levels.depth === this.#steps.length) {
      if (!isNested) this.#other = kindOf(byte);
      else {
        this.#kind = byte === OPEN_OBJECT ? "object" : "array";
        this.#from = at;
      }
    } else if (byte === OPEN_OBJECT || (byte === OPEN_ARRAY && INDEX.test(this.#steps[this.#levels.depth]!))) {
      this.#pathDepth = this.#levels.depth + 1;
    } else {
      const place = this.#levels.depth === 0 ? "the top" : this.#pointer(this.#levels.depth);
      this.#other = `${kindOf(byte)} at ${place}`;
    }
  }

  /** A key of an object that the path leads through ends before `to`. */
  #endKey(to: number): void {
    const step = this.#steps[this.#levels.depth - 1]!;
    const size = to - this.#keyFrom;
    if (size > step.length * UNIT_BYTES_MAX) return;
    const text = new Uint8Array(size);
    this.#bytes.readInto(this.#keyFrom, text);
    const raw = new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
    const key = text.includes(BACKSLASH) ? JSON.parse(`"${raw}"`) as string : raw;
    if (key !== step) return;
    if (this.#reached < this.#levels.depth) {
      this.#reached = this.#levels.depth;
      this.#isNext = true;
    } else this.#twice ??= this.#levels.depth;
  }

  /** Whether the path leads through the innermost object or array that is open. */
  #isOnPath(): boolean {
    return this.#levels.depth > 0 && this.#pathDepth === this.#levels.depth;
  }

  #close(at: number): void {
    this.#levels.close();
    this.#pathDepth = Math.min(this.#pathDepth, this.#levels.depth);
    if (this.#from >= 0 && this.#to < 0 && this.#levels.depth === this.#steps.length) this.#to = at + 1;
  }

  #pointer(steps: number): string {
    return pointerText(this.#steps.slice(0, steps));
  }
}

/** Whether a byte that leads from one state to another is the first of a value. */
function startsValue(state: number, target: number): boolean {
  return state !== STATE.START && target !== state && target !== ACT.NEWLINE && target !== ACT.CLOSE_ARRAY &&
    target !== ACT.ERROR;
}

/** Of a value by its first byte. */
function kindOf(byte: number): string {
  const character = String.fromCharCode(byte);
  return KINDS.find(([first]) => first.includes(character))?.[1] ?? "a number";
}
