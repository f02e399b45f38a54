export interface Step<State> {
  name: string;
  state: State;
}

/** A state machine whose states are plain data, of which no step changes the one that it is of. */
export interface Machine<State> {
  start: State;
  steps(state: State): Iterable<Step<State>>;
  /** Undefined where the state is sound. */
  brokenInvariant(state: State): string | undefined;
  /** A short text that two states have in common exactly if they are equal. */
  key(state: State): string;
}

export interface Exploration {
  states: number;
  /** The steps to the first state that breaks an invariant, and which. */
  failure: { steps: string[]; broken: string } | undefined;
}

/**
 * Looks at every state that can be reached, breadth first, so that a failure is the shortest one.
 */
export function exploreStates<State>({ start, steps, brokenInvariant, key }: Machine<State>): Exploration {
  const seen = new Set([key(start)]);
  // Grows while it is walked.
  const reached: Reached<State>[] = [{ state: start, name: "start", from: undefined }];
  for (const from of reached) {
    const broken = brokenInvariant(from.state);
    if (broken !== undefined) return { states: seen.size, failure: { steps: stepsTo(from), broken } };
    for (const { name, state } of steps(from.state)) {
      const text = key(state);
      if (seen.has(text)) continue;
      seen.add(text);
      reached.push({ state, name, from });
    }
  }
  return { states: seen.size, failure: undefined };
}

interface Reached<State> extends Step<State> {
  from: Reached<State> | undefined;
}

function stepsTo<State>(last: Reached<State>): string[] {
  const names: string[] = [];
  for (let at: Reached<State> | undefined = last; at !== undefined; at = at.from) names.push(at.name);
  return names.reverse();
}

/** One text for one list of numbers; what each is for, those before it tell. */
export function textOf(numbers: number[]): string {
  return String.fromCharCode(...numbers);
}

/** Values that no step changes, each once: states share them, and a number stands for each. */
export class Shared<Value extends object> {
  readonly #byText = new Map<string, Value>();
  readonly #numbers = new Map<Value | null, number>([[null, 0]]);

  /** The one that is equal. */
  one(value: Value): Value {
    const text = JSON.stringify(value);
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    this.#byText.set(text, value);
    this.#numbers.set(value, this.#numbers.size);
    return value;
  }

  /** The number of one of these; 0 for null. */
  number(value: Value | null): number {
    const number = this.#numbers.get(value);
    if (number === undefined) throw new Error(`Cannot number ${JSON.stringify(value)}: it is not one of these`);
    return number;
  }
}
