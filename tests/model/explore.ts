export interface Step<State> {
  name: string;
  state: State;
}

/** A state machine whose states are plain data. */
export interface Machine<State> {
  start: State;
  steps(state: State): Iterable<Step<State>>;
  /** Undefined where the state is sound. */
  brokenInvariant(state: State): string | undefined;
}

export interface Exploration {
  states: number;
  /** The steps to the first state that breaks an invariant, and which. */
  failure: { steps: string[]; broken: string } | undefined;
}

/**
 * Looks at every state that can be reached, breadth first, so that a failure is the shortest one.
 */
export function exploreStates<State>({ start, steps, brokenInvariant }: Machine<State>): Exploration {
  const seen: Seen = new Map();
  let frontier = [start];
  seen.set(JSON.stringify(start), { from: undefined, name: "start" });
  while (frontier.length > 0) {
    const next: State[] = [];
    for (const state of frontier) {
      const from = JSON.stringify(state);
      const broken = brokenInvariant(state);
      if (broken !== undefined) return { states: seen.size, failure: { steps: stepsTo(seen, from), broken } };
      for (const step of steps(state)) {
        const key = JSON.stringify(step.state);
        if (seen.has(key)) continue;
        seen.set(key, { from, name: step.name });
        next.push(step.state);
      }
    }
    frontier = next;
  }
  return { states: seen.size, failure: undefined };
}

type Seen = Map<string, { from: string | undefined; name: string }>;

function stepsTo(seen: Seen, last: string): string[] {
  const names: string[] = [];
  for (let key: string | undefined = last; key !== undefined; key = seen.get(key)!.from) {
    names.push(seen.get(key)!.name);
  }
  return names.reverse();
}

/** The state after a change of it. */
export function change<State>(name: string, state: State, apply: (copy: State) => void): Step<State> {
  const copy = structuredClone(state);
  apply(copy);
  return { name, state: copy };
}
