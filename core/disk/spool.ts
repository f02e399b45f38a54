import { createFileSync, writeFileSync } from "./scratch.ts";

/**
 * Where a raw file's bytes are on this disk: in a file of their own, or in one that holds those of
 * many.
 */
export interface LocalBytes {
  path: string;
  /** Of the first byte; undefined where the file is theirs alone. */
  offset?: number;
}

/** Written at once. */
const BLOCK_BYTES = 1 << 20;

/**
 * Small files one after another in a single one: to make, open and remove a file for each costs
 * more than to fetch it, on file systems that look for free places slowly many times more. What was
 * added is in the file after the next `flush`.
 */
export class Spool {
  readonly #file: Deno.FsFile;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  #length = 0;
  readonly path: string;

  /** `path` must not be there yet. */
  constructor(path: string) {
    this.path = path;

    this.#file = createFileSync(path);
  }

  /** Fails with `unavailable` (disk full, say). */
  add(bytes: Uint8Array): LocalBytes {
    const offset = this.#length;
    if (this.#filled + bytes.length > BLOCK_BYTES) this.flush();
    if (bytes.length > BLOCK_BYTES) writeFileSync(this.#file, this.path, bytes);
    else {
      this.#block.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
    this.#length += bytes.length;
    return { path: this.path, offset };
  }

  /** Fails with `unavailable` (disk full, say). */
  flush(): void {
    writeFileSync(this.#file, this.path, this.#block.subarray(0, this.#filled));
    this.#filled = 0;
  }

  /** What was not flushed is lost. */
  close(): void {
    this.#file.close();
  }
}
