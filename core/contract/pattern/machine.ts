import { type Alphabet, ASK, ASK_NOT, AT_START, FORK, MATCH, type Program, TAKE } from "./program.ts";

/** The letter for the end of the text, where there is no character. */
export const NO_LETTER = -1;

/** The most steps that cached states have together. Beyond that the whole cache is cleared. */
const REMEMBERED_STEPS_MAX = 200_000;
const REMEMBERED_STATES_MAX = 20_000;
/** Of all states together: each has a place for every letter. */
const REMEMBERED_LETTERS_MAX = 2_000_000;
const REMEMBERED_TURNS_MAX = 1_000;

/** The set of steps that the automaton is in before a character. */
export interface State {
  readonly steps: readonly number[];
  /** Whether the program had matched before the previous character. */
  readonly matched: boolean;
  /** Whether nothing can match from here on. */
  readonly isDead: boolean;
  /** See `Machine.onward`, by letter. */
  readonly onward: (State | undefined)[];
  /** See `Machine.next`, by what holds and the letter. */
  readonly elsewhere: Map<number, State>;
}

/**
 * Runs a program over a text as a lazily built deterministic automaton (as RE2 does): each state is
 * built once and cached. A character costs one look-up, or at most one visit to each step if the
 * state is new. No text makes it slower.
 */
export class Machine {
  readonly program: Program;
  readonly #alphabet: Alphabet;
  #states = new Map<string, State>();
  readonly #statesMax: number;
  #rememberedSteps = 0;
  readonly #seen: Int32Array;
  #round = 0;

  constructor(program: Program, alphabet: Alphabet) {
    this.program = program;
    this.#alphabet = alphabet;
    this.#seen = new Int32Array(program.kinds.length);
    this.#statesMax = Math.min(REMEMBERED_STATES_MAX, Math.max(1, Math.floor(REMEMBERED_LETTERS_MAX / alphabet.size)));
  }

  first(): State {
    return this.#state([], false);
  }

  /**
   * The state after a letter, at a place inside the text where no condition of the program holds.
   */
  onward(state: State, letter: number): State {
    return state.onward[letter] ??= this.#step(state, 0, letter, !this.program.anchored);
  }

  /** The state after a letter at any place; `holds` are the conditions that hold there, as bits. */
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
    if (this.#rememberedSteps > REMEMBERED_STEPS_MAX || this.#states.size >= this.#statesMax) {
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
