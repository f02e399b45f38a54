import { counted } from "../base/counted.ts";
import { StreamlabError } from "../base/errors.ts";
import { clip } from "../json/pointer.ts";

/** One thing for which a contract cannot be used: where in its document, and why. */
export class ContractProblem extends Error {
  readonly pointer: string;
  readonly hint: string | undefined;

  constructor(pointer: string, reason: string, hint: string | undefined) {
    super(reason);
    this.pointer = pointer;
    this.hint = hint;
  }
}

export function contractError(pointer: string, reason: string, hint?: string): ContractProblem {
  return new ContractProblem(pointer, reason, hint);
}

/** Everything that is wrong with one document, so that its owner reads it once. */
export class ContractProblems {
  /** By place and reason: what several references lead to is told once. */
  readonly #problems = new Map<string, ContractProblem>();

  add(problem: ContractProblem): void {
    this.#problems.set(`${problem.pointer} ${problem.message}`, problem);
    if (this.#problems.size >= PROBLEMS_MAX) this.refuse();
  }

  /** What `read` returns; undefined where it met a problem, which is noted. */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ContractProblem)) throw error;
      this.add(error);
      return undefined;
    }
  }

  /** Fails with `usage` if there is any. */
  refuse(): void {
    const problems = [...this.#problems.values()];
    if (problems.length === 0) return;
    const byReason = [...Map.groupBy(problems, ({ message }) => message)];
    const places = byReason.slice(0, REASONS_MAX).map(([reason, found]) =>
      `${placesText(found.map(({ pointer }) => pointer))}, ${clip(reason, REASON_LENGTH_MAX)}`
    );
    const more = byReason.length - places.length;
    if (more > 0) places.push(`and ${counted(more, "more mistake")}`);
    const hints = [...new Set(problems.flatMap(({ hint }) => hint === undefined ? [] : [hint]))];
    throw new StreamlabError(
      "usage",
      `Cannot use the contract: ${places.join("; ")}`,
      hints.length === 0 ? {} : { hint: hints.slice(0, HINTS_MAX).join("; ") },
    );
  }
}

/** A document with so many is no schema, or one of a kind that is not known. */
const PROBLEMS_MAX = 5_000;
const HINTS_MAX = 3;
/** What one message shows. */
const REASONS_MAX = 50, REASON_LENGTH_MAX = 1_000, POINTER_LENGTH_MAX = 300;
/** Beyond these, one reason would hide the others. */
const PLACES_MAX = 20;

function placesText(pointers: readonly string[]): string {
  const shown = pointers.slice(0, PLACES_MAX).map((pointer) =>
    pointer === "" ? "its top level" : clip(pointer, POINTER_LENGTH_MAX)
  );
  const more = pointers.length - shown.length;
  if (more > 0) shown.push(counted(more, "more place"));
  return `at ${shown.length === 1 ? shown[0] : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`}`;
}
