import type { Field } from "./type.ts";

interface Place {
  field: Field;
  before: Place | undefined;
  after: Place | undefined;
}

/**
 * The fields of one struct while they are changed one after another: a change takes as long for ten
 * thousand of them as for ten. No two have one name.
 */
export class Siblings {
  readonly #places = new Map<string, Place>();
  #first: Place | undefined;
  #last: Place | undefined;

  constructor(fields: readonly Field[]) {
    for (const field of fields) this.append(field);
  }

  get(name: string): Field | undefined {
    return this.#places.get(name)?.field;
  }

  /** At the end. */
  append(field: Field): void {
    const place: Place = { field, before: undefined, after: undefined };
    this.#places.set(field.name, place);
    this.#insert(place, this.#last);
  }

  /** Puts a field in the place of that of the same name. */
  replace(field: Field): void {
    this.#places.get(field.name)!.field = field;
  }

  /** To the first place, or right behind another. */
  move(name: string, behind: string | undefined): void {
    const place = this.#places.get(name)!;
    const { before, after } = place;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    this.#insert(place, behind === undefined ? undefined : this.#places.get(behind)!);
  }

  /** In their order. */
  list(): Field[] {
    const fields: Field[] = [];
    for (let place = this.#first; place !== undefined; place = place.after) fields.push(place.field);
    return fields;
  }

  #insert(place: Place, before: Place | undefined): void {
    const after = before === undefined ? this.#first : before.after;
    place.before = before;
    place.after = after;
    if (before === undefined) this.#first = place;
    else before.after = place;
    if (after === undefined) this.#last = place;
    else after.before = place;
  }
}
