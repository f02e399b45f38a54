import { comparePaths } from "../storage/path.ts";
import type { ListedFile, Store } from "../storage/store.ts";
import { isKind } from "../base/errors.ts";

/** More are not told one by one: to list everything is then as cheap. */
const HINTS_MAX = 10_000;

/**
 * What may have changed in a watched folder: paths in its store, or all of it. Hints only: a look
 * at everything follows now and then.
 */
export class ChangeHints {
  #paths: Set<string> | undefined;

  /** Undefined: anything. */
  note(paths: readonly string[] | undefined): void {
    if (paths === undefined) this.#paths = undefined;
    for (const path of paths ?? []) this.#paths?.add(path);
    if (this.#paths !== undefined && this.#paths.size > HINTS_MAX) this.#paths = undefined;
  }

  /** Since they were taken last; undefined, which is all there is to know at first: anything. */
  take(): readonly string[] | undefined {
    const paths = this.#paths;
    this.#paths = new Set();
    return paths && [...paths].sort(comparePaths);
  }
}

/**
 * The files at these paths or, where one is a folder, below it: as a listing of everything would
 * have them. What cannot be looked at is left to that.
 */
export async function* listHinted(store: Store, paths: readonly string[]): AsyncGenerator<ListedFile> {
  const told = new Set<string>();
  for (const path of paths) {
    try {
      for await (const file of filesAt(store, path)) {
        if (told.has(file.path)) continue;
        told.add(file.path);
        yield file;
      }
    } catch (error) {
      if (!isKind(error, "unavailable", "corrupt", "usage")) throw error;
    }
  }
}

async function* filesAt(store: Store, path: string): AsyncGenerator<ListedFile> {
  const info = await store.stat(path);
  if (info !== undefined) yield { path, info };
  else yield* store.list(`${path}/`, { onPassedOver: () => {} });
}
