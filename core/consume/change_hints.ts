import { eventFileKind } from "../lake/event_file.ts";
import type { RawZone } from "../lake/raw_zone.ts";
import { comparePaths, isPath } from "../storage/path.ts";
import type { ListedFile, Store } from "../storage/store.ts";
import { isKind } from "../base/errors.ts";

/** More are not told one by one: to list everything is then as cheap. */
const HINTS_MAX = 10_000;

/** Paths in the store that may have changed; `anything`: the end of a listing does not do. */
export type Changed = string[] | "anything";

/**
 * What may have changed in a watched folder or bucket: paths in its store, or all of it. Hints
 * only: a look at everything follows now and then.
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
  take(): string[] | undefined {
    const paths = this.#paths;
    this.#paths = new Set();
    return paths && [...paths].sort(comparePaths);
  }
}

/** Paths in the zone's store of the event files among these objects. */
export function pathsInZone({ store, prefix, format }: RawZone, uris: readonly string[]): string[] {
  const base = `${store.root}/`;
  return uris.filter((uri) => uri.startsWith(base + prefix)).map((uri) => uri.slice(base.length)).filter((path) => {
    return isPath(path) && eventFileKind(path.slice(prefix.length), format) !== undefined;
  });
}

/** Whether what was hinted at is only not to be looked at, now or at all. */
export function isUnseen(error: unknown): boolean {
  return isKind(error, "unavailable", "corrupt", "usage");
}

/**
 * The files at these paths or, where one is a folder, below it: as a listing of everything would
 * have them. What cannot be looked at is left to that. Elsewhere than on a disk only names, which
 * are looked at where they are compared, many at a time: there are no folders.
 */
export async function* listHinted(store: Store, paths: readonly string[]): AsyncGenerator<ListedFile> {
  if (store.localPath("x") === undefined) return yield* paths.map((path) => ({ path }));
  const told = new Set<string>();
  for (const path of paths) {
    try {
      for await (const file of filesAt(store, path)) {
        if (told.has(file.path)) continue;
        told.add(file.path);
        yield file;
      }
    } catch (error) {
      if (!isUnseen(error)) throw error;
    }
  }
}

async function* filesAt(store: Store, path: string): AsyncGenerator<ListedFile> {
  const info = await store.stat(path);
  if (info !== undefined) yield { path, info };
  else yield* store.list(`${path}/`, { onPassedOver: () => {} });
}
