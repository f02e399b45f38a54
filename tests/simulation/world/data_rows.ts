import { createHash } from "node:crypto";
import { renumberedFile } from "../../../core/tables/write/parquet/renumbered_file.ts";
import { type Connection, DuckDb, quoteText } from "../../../core/engine/duckdb.ts";

/** A row of a data file, by column; integers as numbers. */
export type DataRow = Record<string, unknown>;

const lightMark = "ROWS\n";

/**
 * What is in data files, by their bytes: Parquet read once by DuckDB, or the rows of a
 * `LightRouter`.
 */
export class DataRows {
  readonly #memo = new Map<string, DataRow[]>();
  #opened: { database: DuckDb; connection: Connection; folder: string } | undefined;

  /** Reads Parquet now, so that `of` can answer at once later. */
  async learn(bytes: Uint8Array): Promise<void> {
    const key = digest(bytes);
    if (isLight(bytes) || this.#memo.has(key)) return;
    const { connection, folder } = await this.#open();
    // DuckDB keeps what it has read of a path.
    const path = `${folder}/${key}.parquet`;
    Deno.writeFileSync(path, bytes);
    const rows = await connection.rows(`SELECT to_json(t)::VARCHAR AS row FROM read_parquet(${quoteText(path)}) AS t`);
    this.#memo.set(key, rows.map(({ row }) => JSON.parse(row as string)));
  }

  of(bytes: Uint8Array): DataRow[] {
    if (isLight(bytes)) return lightRows(bytes);
    const rows = this.#memo.get(digest(bytes));
    if (rows === undefined) throw new Error("A data file was not learnt");
    return rows;
  }

  close(): void {
    if (this.#opened === undefined) return;
    this.#opened.connection.close();
    this.#opened.database.close();
    Deno.removeSync(this.#opened.folder, { recursive: true });
  }

  async #open() {
    if (this.#opened === undefined) {
      const database = await DuckDb.open({ threads: 1 });
      const folder = Deno.makeTempDirSync({ prefix: "streamlab-rows-" });
      this.#opened = { database, connection: await database.connect(), folder };
    }
    return this.#opened;
  }
}

/** A data file for tests that need no Parquet. */
export function lightFile(rows: readonly DataRow[]): Uint8Array {
  return new TextEncoder().encode(lightMark + rows.map((row) => JSON.stringify(row) + "\n").join(""));
}

/** Where a row of a `LightRouter` has the field id that Parquet would have in its footer. */
export const COUPON_ID = "_coupon_field_id";

/** A data file of either kind with other field ids. */
export function renumberedRows(file: Uint8Array, ids: ReadonlyMap<number, number>): Uint8Array {
  if (!isLight(file)) return renumberedFile(file, ids);
  return lightFile(
    lightRows(file).map((row) => {
      const id = ids.get(row[COUPON_ID] as number);
      return id === undefined ? row : { ...row, [COUPON_ID]: id };
    }),
  );
}

function lightRows(file: Uint8Array): DataRow[] {
  const lines = new TextDecoder().decode(file).slice(lightMark.length).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

function isLight(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, lightMark.length)) === lightMark;
}

function digest(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("hex");
}
