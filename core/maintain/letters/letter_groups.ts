import type { DeadLetterReason } from "../../contract/contract.ts";
import type { Judge } from "../../contract/judge.ts";

/** A dead letter, as its table has it. */
export interface Letter {
  reason: DeadLetterReason;
  detail: string;
  /** The text of its record, or of its file. */
  raw: string;
  file: string;
  /** Null where it is a whole file. */
  position: bigint | null;
  ingestedAtMs: number;
}

/** Letters of one day that fell for one reason at one place. */
export interface LetterGroup {
  /** In UTC: `2026-03-01`. */
  day: string;
  reason: DeadLetterReason;
  /**
   * The field, as a JSON pointer with a star for any element of a list. Empty where the reason has
   * no place in the record.
   */
  place: string;
  letters: number;
  /** How many of them the contract takes by now. */
  taken: number;
  /** The first that was met. */
  example: Pick<Letter, "file" | "position" | "detail">;
}

export interface LetterCounts {
  letters: number;
  /** Of them, those that hold a whole file: their records are not judged one by one. */
  wholeFiles: number;
  taken: number;
  /** The largest first. */
  groups: LetterGroup[];
}

/** Places are fields of contracts, mostly; keys of maps and extra fields can be any. */
const GROUPS_MAX = 5_000;
/** The place of letters for which there is no group any more. */
const OTHER_PLACES = "other places";

/** Counts letters by day, reason and place, in memory that does not grow with their number. */
export class LetterGroups {
  readonly #judge: Judge | undefined;
  readonly #groups = new Map<string, LetterGroup>();
  #wholeFiles = 0;

  /** By `judge` it is told which letters would be events by now; none, where that is unknown. */
  constructor(judge: Judge | undefined) {
    this.#judge = judge;
  }

  add(letter: Letter): void {
    const group = this.#groupOf(letter);
    group.letters++;
    if (letter.position === null) this.#wholeFiles++;
    else if (holdsRecord(letter) && this.#judge?.judge(letter.raw).kind === "event") group.taken++;
  }

  counts(): LetterCounts {
    const groups = [...this.#groups.values()].sort((a, b) => b.letters - a.letters || compare(keyOf(a), keyOf(b)));
    return {
      letters: groups.reduce((sum, { letters }) => sum + letters, 0),
      wholeFiles: this.#wholeFiles,
      taken: groups.reduce((sum, { taken }) => sum + taken, 0),
      groups,
    };
  }

  #groupOf({ reason, detail, file, position, ingestedAtMs }: Letter): LetterGroup {
    const named = { day: new Date(ingestedAtMs).toISOString().slice(0, 10), reason, place: placeOf(detail) };
    let key = keyOf(named);
    if (!this.#groups.has(key) && this.#groups.size >= GROUPS_MAX) key = keyOf({ ...named, place: OTHER_PLACES });
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { ...named, letters: 0, taken: 0, example: { file, position, detail } };
      if (this.#groups.size >= GROUPS_MAX) group.place = OTHER_PLACES;
      this.#groups.set(key, group);
    }
    return group;
  }
}

/**
 * Whether it holds a record. What is corrupted does not: it is no JSON, or an envelope without
 * records, which a contract for records may well take.
 */
export function holdsRecord({ reason, position }: Pick<Letter, "reason" | "position">): boolean {
  return position !== null && (reason === "invalid_schema" || reason === "extra_fields");
}

/** What a detail begins with, or the first extra field. */
const PLACE = /^(\/.*?): |^expected only fields .*?, found (\/[^,]*)/su;

/** The field that a detail names: letters of all elements of a list belong together. */
function placeOf(detail: string): string {
  const found = PLACE.exec(detail);
  return (found?.[1] ?? found?.[2] ?? "").replaceAll(/\/\d+(?=\/|$)/g, "/*");
}

function keyOf({ day, reason, place }: Pick<LetterGroup, "day" | "reason" | "place">): string {
  return `${day} ${reason} ${place}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
