/**
 * What a schema has looked at of one value (JSON Schema 2020-12, core, section 11). Of most values
 * that is nothing, and there may be a million of them.
 */
export class Evaluated {
  #names: Set<string> | undefined;
  #items: Set<number> | undefined;

  addName(name: string): void {
    (this.#names ??= new Set()).add(name);
  }

  addItem(index: number): void {
    (this.#items ??= new Set()).add(index);
  }

  hasName(name: string): boolean {
    return this.#names?.has(name) === true;
  }

  hasItem(index: number): boolean {
    return this.#items?.has(index) === true;
  }

  addAll(other: Evaluated): void {
    for (const name of other.#names ?? []) this.addName(name);
    for (const index of other.#items ?? []) this.addItem(index);
  }
}
