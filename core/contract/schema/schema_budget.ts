import { contractError, type ContractProblems } from "../contract_error.ts";
import { Pattern } from "../pattern/pattern.ts";

/** All of GitHub's events as alternatives of one value take a quarter of it. */
const STEPS_MAX = 1_000_000;
/** At any depth. */
const FIELDS_MAX = 20_000;
/** Of all columns together. A table keeps its contract's text in its properties. */
const CHARACTERS_MAX = 16_000_000;
/** Every code point is looked at for a property of Unicode, once. */
const PROPERTY_STEPS = 40_000;
/** Pointers are copied with each schema that they lead to. */
const POINTER_STEPS = 32;

const HINT = 'Say "x-json": true where the value may be kept as JSON text';

/**
 * What reading one contract may cost. A reference is a few characters, and what it leads to may be
 * any size and refer further: a schema can stand for more than any memory holds.
 */
export class SchemaBudget {
  readonly #problems: ContractProblems;
  readonly #patterns = new Map<string, number>();
  readonly #properties = new Set<string>();
  #steps = STEPS_MAX;
  #fields = FIELDS_MAX;
  #characters = CHARACTERS_MAX;

  constructor(problems: ContractProblems) {
    this.#problems = problems;
  }

  /** Before so many schemas or values at a place are looked at. */
  take(steps: number, pointer: string): void {
    this.#steps -= steps;
    if (this.#steps >= 0) return;
    this.#refuse(pointer, `with its references followed, the schema has more than ${STEPS_MAX} parts`);
  }

  /** A schema at a place, whose pointer is kept. */
  takeSchema(pointer: string): void {
    this.take(1 + Math.floor(pointer.length / POINTER_STEPS), pointer);
  }

  /** A column, or what is inside one. */
  takeField(pointer: string): void {
    if (--this.#fields >= 0) return;
    this.#refuse(pointer, `with its references followed, the schema has more than ${FIELDS_MAX} fields`);
  }

  /** Fails with `PatternError` if it is none. */
  takePattern(source: string, pointer: string): void {
    let cost = this.#patterns.get(source);
    if (cost === undefined) {
      const properties = new Set(source.match(/\\[pP]\{[\w=]+\}/g)).difference(this.#properties);
      this.take(properties.size * PROPERTY_STEPS, pointer);
      for (const property of properties) this.#properties.add(property);
      cost = new Pattern(source).steps;
      this.#patterns.set(source, cost);
    }
    this.take(cost, pointer);
  }

  /** Before texts of so many characters become part of a column. */
  keep(characters: number, pointer: string): void {
    this.#characters -= characters;
    if (this.#characters >= 0) return;
    this.#refuse(pointer, `with its references followed, the schema has more than ${CHARACTERS_MAX} characters`);
  }

  /** Whatever is left of the document would only fail again. */
  #refuse(pointer: string, reason: string): void {
    this.#problems.add(contractError(pointer, reason, HINT));
    this.#problems.refuse();
  }
}

/** The characters of texts that a column keeps. */
export function charactersOf(texts: Iterable<string>): number {
  let count = 0;
  for (const text of texts) count += text.length;
  return count;
}
