import { createFileSync, writeAllSync } from "../engine/scratch.ts";

/** Where a raw file's bytes are on this disk: in a file of their own, or in one that holds those of many. */
export interface LocalBytes {
  path: string;
  /** Of the first byte; undefined where the file is theirs alone. */
  offset?: number;
}

/**
 * Small files one after another in a single one: to make, open and remove a file for each costs more than to fetch it, on file systems
 * that look for free places slowly many times more.
 */
export class Spool {
  readonly #file: Deno.FsFile;
  #length = 0;

  /** `path` must not be there yet. */
  constructor(readonly path: string) {
    this.#file = createFileSync(path);
  }

  /** Fails with `unavailable` (disk full, say). */
  add(bytes: Uint8Array): LocalBytes {
    const offset = this.#length;
    writeAllSync(this.#file, this.path, bytes);
    this.#length += bytes.length;
    return { path: this.path, offset };
  }

  close(): void {
    this.#file.close();
  }
}
