import { CODE_POINT_MAX, type CodePoints, WORD } from "./code_points.ts";
import { PatternError, type PatternNode } from "./parse_pattern.ts";

/** Conditions at a place between two characters, as bits. The bits of looks follow these. */
export const AT_START = 1, AT_END = 2, AT_BOUNDARY = 4;
const FIRST_LOOK_BIT = 3, LOOKS_MAX = 24;

/** The most steps of a program, with repetitions expanded. A state has no more steps than that. */
const STEPS_MAX = 10_000;
/** Sets times ranges that they cut the characters into: what an alphabet takes in memory. */
const CELLS_MAX = 1 << 20;

/**
 * A nondeterministic automaton (Thompson's construction). Its steps are numbered from 0. A step
 * takes a character, forks to two others, or passes only if a condition holds.
 */
export interface Program {
  /** By step. The operand is the number of a set, or the bit of a condition. */
  readonly kinds: Uint8Array;
  readonly operands: Int32Array;
  /** The next step, and the second one of a fork. */
  readonly next: Int32Array;
  readonly other: Int32Array;
  /** A match can only begin at the start of the text. */
  readonly anchored: boolean;
  /** The conditions that the steps test, as bits. */
  readonly asks: number;
}

export const TAKE = 0, FORK = 1, ASK = 2, ASK_NOT = 3, MATCH = 4;

/** A program for a look. If the look holds at a place, the bit `bit` is set there. */
export interface Look {
  readonly ahead: boolean;
  readonly bit: number;
  /** For a look-ahead it runs from the end of the text to its start. */
  readonly program: Program;
}

export interface CompiledPattern {
  readonly main: Program;
  /** Inner ones first. */
  readonly looks: readonly Look[];
  readonly alphabet: Alphabet;
  /** The number of steps in all programs together. */
  readonly steps: number;
}

/** Fails with `PatternError` if the pattern is too large. */
export function compilePattern(node: PatternNode): CompiledPattern {
  const compiler = new Compiler();
  const main = compiler.program(node);
  return {
    main,
    looks: compiler.looks,
    alphabet: new Alphabet(compiler.sets),
    steps: compiler.looks.reduce((sum, { program }) => sum + program.kinds.length, main.kinds.length),
  };
}

class Compiler {
  readonly looks: Look[] = [];
  readonly sets: CodePoints[] = [];
  readonly #setNumbers = new Map<string, number>();
  /** What is repeated is met again: its ranges are written out once. */
  readonly #met = new Map<CodePoints, number>();
  readonly #lookBits = new Map<PatternNode, number>();
  #steps = 0;

  program(node: PatternNode): Program {
    const code: Step[] = [];
    this.#emit(node, code);
    this.#add(code, { kind: MATCH, operand: 0 });
    return {
      kinds: Uint8Array.from(code, ({ kind }) => kind),
      operands: Int32Array.from(code, ({ operand }) => operand),
      next: Int32Array.from(code, ({ next }, step) => next ?? step + 1),
      other: Int32Array.from(code, ({ other }) => other ?? -1),
      anchored: isAnchored(node),
      asks: code.reduce((bits, { kind, operand }) => kind === ASK || kind === ASK_NOT ? bits | operand : bits, 0),
    };
  }

  #emit(node: PatternNode, code: Step[]): void {
    switch (node.kind) {
      case "set":
        return void this.#add(code, { kind: TAKE, operand: this.#setNumber(node.set) });
      case "start":
        return void this.#add(code, { kind: ASK, operand: AT_START });
      case "end":
        return void this.#add(code, { kind: ASK, operand: AT_END });
      case "boundary":
        return void this.#add(code, { kind: node.negated ? ASK_NOT : ASK, operand: AT_BOUNDARY });
      case "look":
        return void this.#add(code, { kind: node.negated ? ASK_NOT : ASK, operand: this.#look(node) });
      case "sequence":
        return node.items.forEach((item) => this.#emit(item, code));
      case "choice":
        return this.#emitChoice(node.items, code);
      case "repeat":
        return this.#emitRepeat(node.item, node.min, node.max, code);
    }
  }

  #emitChoice(items: readonly PatternNode[], code: Step[]): void {
    const ends: Step[] = [];
    items.forEach((item, index) => {
      if (index === items.length - 1) return this.#emit(item, code);
      const fork = this.#add(code, { kind: FORK, operand: 0 });
      this.#emit(item, code);
      ends.push(this.#add(code, { kind: FORK, operand: 0 }));
      fork.other = code.length;
    });
    for (const end of ends) end.next = code.length;
  }

  #emitRepeat(item: PatternNode, min: number, max: number, code: Step[]): void {
    for (let count = 0; count < min; count++) {
      const before = code.length;
      this.#emit(item, code);
      // What takes no step is the same however often it is repeated, and may be so for years.
      if (code.length === before) return;
    }
    if (max === Infinity) {
      const fork = this.#add(code, { kind: FORK, operand: 0 });
      const start = code.length - 1;
      this.#emit(item, code);
      this.#add(code, { kind: FORK, operand: 0, next: start });
      fork.other = code.length;
      return;
    }
    const forks: Step[] = [];
    for (let count = min; count < max; count++) {
      forks.push(this.#add(code, { kind: FORK, operand: 0 }));
      this.#emit(item, code);
    }
    for (const fork of forks) fork.other = code.length;
  }

  #look(node: PatternNode & { kind: "look" }): number {
    const known = this.#lookBits.get(node);
    if (known !== undefined) return known;
    const program = this.program(node.ahead ? reversed(node.item) : node.item);
    if (this.looks.length === LOOKS_MAX) {
      throw new PatternError(`more than ${LOOKS_MAX} looks ahead or behind are not supported`, undefined);
    }
    const bit = 1 << (FIRST_LOOK_BIT + this.looks.length);
    this.looks.push({ ahead: node.ahead, bit, program });
    this.#lookBits.set(node, bit);
    return bit;
  }

  #add(code: Step[], step: Step): Step {
    if (++this.#steps > STEPS_MAX) {
      const reason = `with its repetitions written out it has more than ${STEPS_MAX} steps`;
      throw new PatternError(reason, undefined);
    }
    code.push(step);
    return step;
  }

  #setNumber(set: CodePoints): number {
    const met = this.#met.get(set);
    if (met !== undefined) return met;
    const key = set.join(" ");
    const number = this.#setNumbers.get(key) ?? this.sets.push(set) - 1;
    this.#setNumbers.set(key, number);
    this.#met.set(set, number);
    return number;
  }
}

interface Step {
  kind: number;
  operand: number;
  next?: number;
  other?: number;
}

/** The pattern for the same texts read backwards. Conditions are the same in both directions. */
function reversed(node: PatternNode): PatternNode {
  switch (node.kind) {
    case "sequence":
      return { ...node, items: node.items.map(reversed).reverse() };
    case "choice":
      return { ...node, items: node.items.map(reversed) };
    case "repeat":
      return { ...node, item: reversed(node.item) };
    default:
      return node;
  }
}

function isAnchored(node: PatternNode): boolean {
  if (node.kind === "start") return true;
  if (node.kind === "sequence") return node.items.length > 0 && isAnchored(node.items[0]!);
  return node.kind === "choice" && node.items.every(isAnchored);
}

/**
 * Groups code points into letters: no set of the pattern separates two code points of one letter.
 */
export class Alphabet {
  readonly size: number;
  /** Whether a letter is in a set: `members[set * size + letter]`. */
  readonly members: Uint8Array;
  readonly isWord: Uint8Array;
  readonly #plain = new Uint16Array(0x100);
  readonly #starts: Uint32Array;
  readonly #letters: Uint16Array;

  constructor(sets: readonly CodePoints[]) {
    const all = [...sets, WORD];
    const starts = new Set([0]);
    for (const [from, to] of all.flat()) {
      starts.add(from);
      if (to < CODE_POINT_MAX) starts.add(to + 1);
    }
    this.#starts = Uint32Array.from(starts).sort();
    if (all.length * starts.size > CELLS_MAX) {
      throw new PatternError("it tells too many different characters apart", undefined);
    }
    const places = new Map([...this.#starts].map((start, index) => [start, index]));
    const holds = all.map((set) => {
      const inside = new Uint8Array(this.#starts.length);
      for (const [from, to] of set) inside.fill(1, places.get(from), places.get(to + 1));
      return inside;
    });
    const numbers = new Map<string, number>();
    const kinds: Uint8Array[] = [];
    this.#letters = Uint16Array.from(this.#starts, (_start, place) => {
      const kind = Uint8Array.from(holds, (inside) => inside[place]!);
      const key = kind.join("");
      const letter = numbers.get(key) ?? numbers.size;
      if (!numbers.has(key)) kinds.push(kind);
      numbers.set(key, letter);
      return letter;
    });
    this.size = kinds.length;
    this.members = Uint8Array.from(sets.flatMap((_set, index) => kinds.map((kind) => kind[index]!)));
    this.isWord = Uint8Array.from(kinds, (kind) => kind.at(-1)!);
    for (let point = 0; point < this.#plain.length; point++) this.#plain[point] = this.#search(point);
  }

  letterOf(point: number): number {
    return point < this.#plain.length ? this.#plain[point]! : this.#search(point);
  }

  #search(point: number): number {
    let low = 0, high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= point) low = middle;
      else high = middle - 1;
    }
    return this.#letters[low]!;
  }
}
