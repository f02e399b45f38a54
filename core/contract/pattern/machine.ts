import { type Alphabet, ASK, ASK_NOT, AT_START, FORK, MATCH, type Program, TAKE } from "./program.ts";

/** The letter that stands for no character: at the end of the text. */
export const NO_LETTER = -1;

/** Steps that remembered states have together; with more, all are forgotten and made anew. */
const REMEMBERED_STEPS_MAX = 200_000;
const REMEMBERED_STATES_MAX = 20_000;
const REMEMBERED_TURNS_MAX = 1_000;

/** The steps that a program stands at, all at once, in front of a character. */
export interface State {
  readonly steps: readonly number[];
  /** Whether the program had come to its end where the character before this one begins. */
  readonly matched: boolean;
  /** Whether nothing can match from here on. */
  readonly isDead: boolean;
  /** See `Machine.onward`, by letter. */
  readonly onward: (State | undefined)[];
  /** See `Machine.next`, by what holds and the letter. */
  readonly elsewhere: Map<number, State>;
}

/**
 * Runs a program over a text, every way at once: one state after another, each made once and then
 * remembered (as RE2 does). A character costs one look-up, or, where the state is new, no more than
 * the program has steps: no text makes it slower than that.
 */
export class Machine {
  readonly program: Program;
  readonly #alphabet: Alphabet;
  #states = new Map<string, State>();
  #rememberedSteps = 0;
  readonly #seen: Int32Array;
  #round = 0;

  constructor(program: Program, alphabet: Alphabet) {
    this.program = program;
    this.#alphabet = alphabet;
    this.#seen = new Int32Array(program.kinds.length);
  }

  first(): State {
    return this.#state([], false);
  }

  /**
   * Where a state goes over a letter from a place inside of the text at which nothing holds that
   * the program asks about.
   */
  onward(state: State, letter: number): State {
    return state.onward[letter] ??= this.#step(state, 0, letter, !this.program.anchored);
  }

  /**
   * The same from any place: `holds` are the bits that hold there. A match may begin at the text's
   * start.
   */
  next(state: State, holds: number, letter: number): State {
    const begins = !this.program.anchored || (holds & AT_START) !== 0;
    const asked = holds & this.program.asks;
    const key = (asked * 2 + Number(begins)) * (this.#alphabet.size + 1) + letter + 1;
    let next = state.elsewhere.get(key);
    if (next === undefined) {
      if (state.elsewhere.size >= REMEMBERED_TURNS_MAX) state.elsewhere.clear();
      state.elsewhere.set(key, next = this.#step(state, asked, letter, begins));
    }
    return next;
  }

  #step(state: State, holds: number, letter: number, begins: boolean): State {
    const { kinds, operands, next, other } = this.program;
    const { members, size } = this.#alphabet;
    const round = ++this.#round;
    const waiting = [...state.steps];
    if (begins) waiting.push(0);
    const reached: number[] = [];
    let matched = false;
    for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
      if (this.#seen[step] === round) continue;
      this.#seen[step] = round;
      switch (kinds[step]) {
        case TAKE:
          if (letter >= 0 && members[operands[step]! * size + letter] === 1) reached.push(next[step]!);
          break;
        case FORK:
          if (other[step]! >= 0) waiting.push(other[step]!);
          waiting.push(next[step]!);
          break;
        case ASK:
          if ((holds & operands[step]!) !== 0) waiting.push(next[step]!);
          break;
        case ASK_NOT:
          if ((holds & operands[step]!) === 0) waiting.push(next[step]!);
          break;
        case MATCH:
          matched = true;
      }
    }
    return this.#state(reached, matched);
  }

  #state(reached: number[], matched: boolean): State {
    const steps = [...new Set(reached)].sort((a, b) => a - b);
    const key = `${steps.join(",")}${matched ? "!" : ""}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    this.#rememberedSteps += steps.length;
    if (this.#rememberedSteps > REMEMBERED_STEPS_MAX || this.#states.size >= REMEMBERED_STATES_MAX) {
      this.#states = new Map();
      this.#rememberedSteps = steps.length;
    }
    const isDead = steps.length === 0 && this.program.anchored;
    const state: State = {
      steps,
      matched,
      isDead,
      onward: new Array(this.#alphabet.size).fill(undefined),
      elsewhere: new Map(),
    };
    this.#states.set(key, state);
    return state;
  }
}
