import { Machine, NO_LETTER } from "./machine.ts";
import { parsePattern } from "./parse_pattern.ts";
import { AT_BOUNDARY, AT_END, AT_START, type CompiledPattern, compilePattern, type Look } from "./program.ts";

/**
 * The limit for characters times steps of the pattern: some seconds at worst. It depends only on
 * pattern and text, so that a record is always judged the same way.
 */
const WORK_MAX = 2 ** 28;

/**
 * An ECMAScript regular expression with the u flag that runs in linear time for every pattern. The
 * JavaScript engine backtracks: some patterns take years on texts of 30 characters. One caller at a
 * time.
 *
 * Look-ahead and look-behind are evaluated first, for every place in the text, in one pass each.
 * Back references are refused: an automaton cannot match them.
 */
export class Pattern {
  readonly source: string;
  readonly #compiled: CompiledPattern;
  readonly #main: Machine;
  readonly #looks: { look: Look; machine: Machine }[];
  /** Whether conditions must be evaluated at every place, not only at both ends. */
  readonly #asksEverywhere: boolean;
  /** The letter of each character of the current text. */
  #letters = new Uint16Array(INITIAL_LENGTH);
  #length = 0;
  /** The conditions that hold, as bits, by place. */
  #held = new Int32Array(0);

  /** Fails with `PatternError`. */
  constructor(source: string) {
    this.source = source;
    this.#compiled = compilePattern(parsePattern(source));
    const { main, looks, alphabet } = this.#compiled;
    this.#main = new Machine(main, alphabet);
    this.#asksEverywhere = (main.asks & ~(AT_START | AT_END)) !== 0;
    this.#looks = looks.map((look) => ({ look, machine: new Machine(look.program, alphabet) }));
  }

  /** How many steps it has, with its repetitions written out. */
  get steps(): number {
    return this.#compiled.steps;
  }

  /** Whether it matches anywhere in the text; undefined if that would exceed the limit. */
  test(text: string): boolean | undefined {
    this.#spell(text);
    if (this.#looks.length > 0) {
      if (this.#length * this.#compiled.steps > WORK_MAX) return undefined;
      this.#held = new Int32Array(this.#length + 1);
      for (const { look, machine } of this.#looks) this.#answer(look, machine);
    }
    return this.#run();
  }

  #run(): boolean | undefined {
    const { steps } = this.#compiled;
    const machine = this.#main;
    const everywhere = this.#asksEverywhere;
    const last = this.#length;
    const placesMax = Math.floor(WORK_MAX / steps);
    let state = machine.first();
    for (let place = 0; place <= last; place++) {
      const letter = place < last ? this.#letters[place]! : NO_LETTER;
      state = everywhere || place === 0 || place === last
        ? machine.next(state, this.#holdsAt(place), letter)
        : machine.onward(state, letter);
      if (state.matched) return true;
      if (state.isDead) return false;
      if (place > placesMax) return undefined;
    }
    return false;
  }

  /** Finds every place where a look holds, before any negation. */
  #answer({ ahead, bit }: Look, machine: Machine): void {
    let state = machine.first();
    for (let step = 0; step <= this.#length; step++) {
      const place = ahead ? this.#length - step : step;
      const over = ahead ? place - 1 : place;
      const letter = step < this.#length ? this.#letters[over]! : NO_LETTER;
      state = machine.next(state, this.#holdsAt(place), letter);
      if (state.matched) this.#held[place]! |= bit;
    }
  }

  #holdsAt(place: number): number {
    const last = this.#length;
    let holds = this.#looks.length > 0 ? this.#held[place]! : 0;
    if (place === 0) holds |= AT_START;
    if (place === last) holds |= AT_END;
    const { isWord } = this.#compiled.alphabet;
    const before = place > 0 ? isWord[this.#letters[place - 1]!]! : 0;
    const after = place < last ? isWord[this.#letters[place]!]! : 0;
    return before === after ? holds : holds | AT_BOUNDARY;
  }

  #spell(text: string): void {
    if (this.#letters.length < text.length || this.#letters.length > KEPT_LENGTH_MAX) {
      this.#letters = new Uint16Array(Math.max(INITIAL_LENGTH, text.length));
    }
    const { alphabet } = this.#compiled;
    let length = 0;
    const letters = this.#letters;
    for (let at = 0; at < text.length; at++) {
      let point = text.charCodeAt(at);
      if (point >= 0xd800 && point < 0xdc00) {
        point = text.codePointAt(at)!;
        if (point > 0xffff) at++;
      }
      letters[length++] = alphabet.letterOf(point);
    }
    this.#length = length;
  }
}

const INITIAL_LENGTH = 256, KEPT_LENGTH_MAX = 1 << 20;
