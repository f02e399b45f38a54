import { dirname } from "node:path";

/** Paths of folders. What lies below one is found without a look at the others. */
export class FolderNames {
  readonly #names = new Set<string>();
  /** By each folder on the way to one of them, what is next on it. */
  readonly #next = new Map<string, Set<string>>();

  get size(): number {
    return this.#names.size;
  }

  has(path: string): boolean {
    return this.#names.has(path);
  }

  add(path: string): void {
    this.#names.add(path);
    for (let at = path, parent = dirname(at); parent !== at; at = parent, parent = dirname(at)) {
      const known = this.#next.get(parent);
      if (known?.has(at)) return;
      if (known === undefined) this.#next.set(parent, new Set([at]));
      else known.add(at);
    }
  }

  /** The folder itself, too. */
  deleteBelow(path: string): void {
    this.#next.get(dirname(path))?.delete(path);
    this.#forget(path);
  }

  clear(): void {
    this.#names.clear();
    this.#next.clear();
  }

  #forget(path: string): void {
    this.#names.delete(path);
    for (const below of this.#next.get(path) ?? []) this.#forget(below);
    this.#next.delete(path);
  }
}
