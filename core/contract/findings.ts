import { type JsonPath, pointerText } from "../json/pointer.ts";
import type { ExtraField } from "./judgement.ts";

/** What was found until some place of a record. */
export interface FindingsMark {
  readonly problem: string | undefined;
  readonly problems: number;
  readonly typeFaults: number;
  readonly extras: number;
}

/** What the judge has found in a record so far. */
export class Findings {
  /** The first problem, in words. */
  problem: string | undefined;
  /** The number of problems so far: whatever was read between two equal counts is valid. */
  problems = 0;
  /** How many of them are only that a value is not of its declared type. */
  typeFaults = 0;
  extras: ExtraField[] = [];

  clear(): void {
    this.problem = undefined;
    if (this.extras.length > 0) this.extras = [];
  }

  note(path: JsonPath, words: string): void {
    this.problems++;
    this.problem ??= `${path.length === 0 ? "the record" : pointerText(path)}: ${words}`;
  }

  mark(): FindingsMark {
    const { problem, problems, typeFaults, extras } = this;
    return { problem, problems, typeFaults, extras: extras.length };
  }

  /** Forgets the problems since, as what they were found in is read in another way. */
  returnTo({ problem, problems, typeFaults, extras }: FindingsMark, { keepsExtras }: { keepsExtras: boolean }): void {
    this.problem = problem;
    this.problems = problems;
    this.typeFaults = typeFaults;
    const since = this.extras.splice(extras);
    if (keepsExtras) this.extras.push(...since.filter(({ isOfWrongType }) => !isOfWrongType));
  }

  /** Whether types are all that was wrong since. */
  areOnlyTypes({ problems, typeFaults }: FindingsMark): boolean {
    return this.problems - problems === this.typeFaults - typeFaults;
  }

  /** What was wrong since is more than a matter of types: it is in a field that must be there. */
  harden({ typeFaults }: FindingsMark): void {
    this.typeFaults = typeFaults;
  }
}
