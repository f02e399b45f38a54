import { type Connection, quoteText } from "../../engine/duckdb.ts";
import { createFileSync, type Scratch, writeFileSync } from "../../disk/scratch.ts";

/** Events with the keys that repeats are told by: those of the table, and of the raw files. */
export type Keys = "kept" | "asked";

/** Where records are and must be, as Parquet files on this disk: they may exceed memory. */
export class PlaceFiles {
  /** Without keys, and with them. */
  readonly #paths = new Map<Keys | undefined, string[]>();
  readonly #scratch: Scratch;
  #made = 0;

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  /** Keeps what a query answers. A failed one leaves nothing. */
  async keep(connection: Connection, select: string, keys?: Keys): Promise<void> {
    const path = this.#newPath(keys);
    try {
      await connection.run(`COPY (${select}) TO ${quoteText(path)} (FORMAT parquet, ROW_GROUP_SIZE 20480)`);
    } catch (error) {
      this.#scratch.removeFile(path);
      throw error;
    }
    this.#took(path, keys);
  }

  /** Keeps a file that was made elsewhere. */
  write(bytes: Uint8Array, keys?: Keys): void {
    const path = this.#newPath(keys);
    const file = createFileSync(path);
    try {
      writeFileSync(file, path, bytes);
    } finally {
      file.close();
    }
    this.#took(path, keys);
  }

  paths(keys?: Keys): readonly string[] {
    return this.#paths.get(keys) ?? [];
  }

  /** Undefined where there are none: DuckDB refuses to read no file. */
  glob(keys?: Keys): string | undefined {
    return this.paths(keys).length === 0 ? undefined : `${this.#folder(keys)}/*.parquet`;
  }

  #newPath(keys: Keys | undefined): string {
    return `${this.#folder(keys)}/${this.#made++}.parquet`;
  }

  #folder(keys: Keys | undefined): string {
    return this.#scratch.subfolder(keys === undefined ? "places" : `places/${keys}`);
  }

  #took(path: string, keys: Keys | undefined): void {
    const known = this.#paths.get(keys);
    if (known === undefined) this.#paths.set(keys, [path]);
    else known.push(path);
  }
}
