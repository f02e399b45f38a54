import type { Clock } from "../../base/clock.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import type { LimitedAnswer } from "./limited_answer.ts";

/** Of the tables of a question; undefined for one that is not there. */
type Versions = readonly (TableMetadata | undefined)[];

interface KeptAnswer {
  answer: LimitedAnswer;
  /** Metadata is larger than answers: one that nobody else needs any more is not held for this. */
  versions: readonly (WeakRef<TableMetadata> | undefined)[];
  letters: number;
  askedAtMs: number;
}

/** Of an answer, and of all that are kept. */
const LETTERS_MAX = 200_000, ALL_LETTERS_MAX = 2_000_000;
/** What the files of a version hold never changes, but they may be lost or damaged. */
const AGE_MS_MAX = 60_000;

/** Answers to what pages ask again and again, for as long as the tables are as they were. */
export class KeptAnswers {
  readonly #clock: Clock;
  /** By question; those used longest ago first. */
  readonly #kept = new Map<string, KeptAnswer>();
  #letters = 0;
  #sweptMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sweptMs = clock.nowMs();
  }

  /**
   * `versions`, of a look before this, are those of all tables that the answer can depend on; the
   * same version is the same object. An answer of a version that came meanwhile is not given out
   * again: the next look finds that version.
   */
  async of(question: string, versions: Versions, ask: () => Promise<LimitedAnswer>): Promise<LimitedAnswer> {
    const kept = this.#kept.get(question);
    const nowMs = this.#clock.nowMs();
    this.#sweep(nowMs);
    if (kept !== undefined && nowMs - kept.askedAtMs < AGE_MS_MAX && areSame(kept.versions, versions)) {
      this.#keep(question, kept);
      return kept.answer;
    }
    this.#forget(question);
    const answer = await ask();
    const held = versions.map((version) => version && new WeakRef(version));
    this.#keep(question, { answer, versions: held, letters: lettersOf(question, answer), askedAtMs: nowMs });
    return answer;
  }

  #keep(question: string, kept: KeptAnswer): void {
    this.#forget(question);
    if (kept.letters > LETTERS_MAX) return;
    this.#kept.set(question, kept);
    this.#letters += kept.letters;
    for (const oldest of this.#kept.keys()) {
      if (this.#letters <= ALL_LETTERS_MAX) return;
      this.#forget(oldest);
    }
  }

  /** Of what is about one letter or file, hardly anybody asks twice. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < AGE_MS_MAX) return;
    this.#sweptMs = nowMs;
    for (const [question, { askedAtMs }] of this.#kept) {
      if (nowMs - askedAtMs >= AGE_MS_MAX) this.#forget(question);
    }
  }

  #forget(question: string): void {
    this.#letters -= this.#kept.get(question)?.letters ?? 0;
    this.#kept.delete(question);
  }
}

function areSame(before: KeptAnswer["versions"], now: Versions): boolean {
  return before.length === now.length &&
    now.every((version, at) => version !== undefined && version === before[at]?.deref());
}

/** A cell takes memory, whatever it holds. */
const CELL_LETTERS = 8;

function lettersOf(question: string, { rows }: LimitedAnswer): number {
  let letters = question.length;
  for (const row of rows) for (const cell of row) letters += CELL_LETTERS + (cell?.length ?? 0);
  return letters;
}
