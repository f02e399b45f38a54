import { createFileSync, writeFileSync } from "./scratch.ts";

/** Where a raw file's bytes are on this disk: in their own file, or in a shared one. */
export interface LocalBytes {
  path: string;
  /** Of the first byte; undefined where the file is theirs alone. */
  offset?: number;
}

/** Written at once. */
const BLOCK_BYTES = 1 << 20;

/**
 * Many small files in a single one: creating, opening and removing a file costs more than fetching
 * it, on some file systems many times more. Added bytes are in the file after the next `flush`.
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

  /** Unflushed bytes are lost. */
  close(): void {
    this.#file.close();
  }
}
