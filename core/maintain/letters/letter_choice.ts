import type { DeadLetterReason } from "../../contract/contract.ts";
import type { Judge } from "../../contract/judge.ts";
import type { ReplayedFile } from "../../lake/batch_plan.ts";
import { holdsRecord, type Letter } from "./letter_groups.ts";

/** A letter of a raw file that the ledger knows. */
export interface ReplayedLetter extends Pick<Letter, "reason" | "detail" | "raw" | "file" | "position"> {
  batchId: number;
  etag: string;
  size: number;
}

/** Letters of one reason. */
export interface ChosenLetters {
  reason: DeadLetterReason;
  letters: number;
  /** Those that are events by now. */
  taken: number;
  /** Those that are letters for another reason, or with another detail. */
  changed: number;
}

/** Of a batch: its plan names each letter and each raw file, and their texts are read at once. */
export interface ChoiceLimits {
  lettersMax: number;
  filesMax: number;
  /** Characters. */
  textMax: number;
}

const LIMITS: ChoiceLimits = { lettersMax: 500_000, filesMax: 10_000, textMax: 1e9 };

/** What became of letters that were judged again; in a dry run only `reasons` says something. */
export interface ReplayReport {
  reasons: ChosenLetters[];
  /** Also one that an earlier replay had begun. */
  batches: number;
  events: number;
  changed: number;
}

/** How far a replay is: what was done, and what is under way. */
export interface ReplayProgress extends Omit<ReplayReport, "reasons"> {
  step: "judging" | "moving";
  /** Those judged so far, or those of the batch under way. */
  letters: number;
}

/** Of letters those that are events by now, or letters for another reason. */
export class LetterChoice {
  readonly #judge: Judge;
  readonly #reasons = new Map<DeadLetterReason, ChosenLetters>();
  readonly #files = new Map<string, ReplayedFile>();
  readonly #limits: ChoiceLimits;
  #judged = 0;
  #chosen = 0;
  #text = 0;
  /** Whether letters are left for another batch. */
  isCut = false;

  constructor(judge: Judge, limits = LIMITS) {
    this.#judge = judge;
    this.#limits = limits;
  }

  add(letter: ReplayedLetter): void {
    const { reason } = letter;
    const counts = this.#reasons.get(reason) ?? { reason, letters: 0, taken: 0, changed: 0 };
    this.#reasons.set(reason, counts);
    counts.letters++;
    this.#judged++;
    if (!holdsRecord(letter)) return;
    const judgement = this.#judge.judge(letter.raw);
    if (judgement.kind === "event") counts.taken++;
    // What is no JSON is none by now either; a longer detail says the same with a note.
    else if (judgement.kind === "not_json") return;
    else if (judgement.reason === reason && letter.detail.startsWith(judgement.detail)) return;
    else counts.changed++;
    this.#choose(letter);
  }

  /** So many letters were looked at. */
  get judged(): number {
    return this.#judged;
  }

  /** Letters of the files that are for a plan. */
  get chosen(): number {
    return this.#chosen;
  }

  get reasons(): ChosenLetters[] {
    return [...this.#reasons.values()].sort((a, b) => b.letters - a.letters);
  }

  /** For a plan. */
  get files(): ReplayedFile[] {
    return [...this.#files.values()].map((file) => ({ ...file, positions: file.positions.toSorted((a, b) => a - b) }));
  }

  /** In a batch a name stands for one version of the file. */
  #choose({ file: name, position, batchId, etag, size, raw }: ReplayedLetter): void {
    const { lettersMax, filesMax, textMax } = this.#limits;
    const known = this.#files.get(name) ?? { name, etag, size, batchId, positions: [] };
    const isFull = this.#chosen >= lettersMax || this.#text >= textMax ||
      (known.positions.length === 0 && this.#files.size >= filesMax);
    if (known.batchId !== batchId || isFull) {
      this.isCut = true;
      return;
    }
    this.#files.set(name, known);
    known.positions.push(Number(position));
    this.#chosen++;
    this.#text += raw.length;
  }
}
