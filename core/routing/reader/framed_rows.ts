import { counted, formatCount } from "../../base/counted.ts";
import { createFileSync, writeFileSync } from "../../disk/scratch.ts";
import type { Connection } from "../../engine/duckdb.ts";
import { streamRows } from "../../engine/duckdb_stream.ts";
import { isOutOfMemory } from "../../engine/sql_error.ts";
import { isFileFault, parquetRows, parquetRowsSql, whyNotParquet } from "../parquet_json_sql.ts";
import { withMembers } from "../path_columns.ts";
import { headOf, otherThanParquet } from "../file_kind.ts";
import type { LocalRawFile } from "../raw_file.ts";
import type { ReadUnit } from "./reading.ts";

/** Bytes of a unit. */
const UNIT_BYTES = 8 << 20;
/** Before a record: its length and its position, a word each. */
const HEAD_BYTES = 8;

/**
 * Writes the rows of a Parquet file out as JSON in frames, for the reader, which takes no
 * separator's word for where a record ends; `members` come before a row's own. Or what is wrong
 * with the file: nothing of one that cannot be read to its end may be in a table.
 */
export async function frameRows(
  connection: Connection,
  file: LocalRawFile,
  path: string,
  members: string,
): Promise<ReadUnit[]> {
  const { number, name } = file;
  const broken = (detail: string): ReadUnit[] => {
    return [{ number, name, path: file.path, offset: 0, size: file.size, how: "broken", position: 0, detail }];
  };
  try {
    const expected = await parquetRows(connection, file);
    if (expected === 0) return [];
    const frames = new FrameWriter(path, "rows");
    frames.begin({ number, name });
    try {
      const { chunks } = await streamRows(connection, await parquetRowsSql(connection, file));
      for await (const chunk of chunks) {
        for (const [position, record] of chunk) frames.add(Number(position), withMembers(record as string, members));
      }
    } finally {
      frames.close();
    }
    if (frames.count === expected) return frames.units;
    return broken(
      `a Parquet file of ${counted(expected, "row")} by its footer, and ${formatCount(frames.count)} in its pages`,
    );
  } catch (error) {
    if (isOutOfMemory(error)) {
      return broken(`a Parquet file that takes more memory to read than --memory gives: ${error.state}`);
    }
    if (isFileFault(error)) return broken(whyNotParquet(file, error) + otherThanParquet(headOf(file)));
    throw error;
  }
}

/** Whose records they are. */
type Framed = Pick<ReadUnit, "number" | "name">;

/** Writes records out in frames, one file's after another's. */
export class FrameWriter {
  readonly units: ReadUnit[] = [];
  count = 0;
  readonly #path: string;
  readonly #how: "rows" | "letters";
  #of: Framed | undefined;
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #block = new Uint8Array(UNIT_BYTES);
  #filled = 0;
  #offset = 0;

  constructor(path: string, how: "rows" | "letters") {
    this.#path = path;
    this.#how = how;
    this.#file = createFileSync(path);
  }

  /** What is added from now on is of this file. */
  begin(of: Framed): void {
    if (of.number === this.#of?.number) return;
    this.#flush();
    this.#of = of;
  }

  add(position: number, record: string): void {
    // Three bytes at most for each unit of UTF-16.
    const bytesMax = HEAD_BYTES + record.length * 3;
    if (this.#filled + bytesMax > this.#block.length) this.#flush();
    if (bytesMax > this.#block.length) this.#block = new Uint8Array(bytesMax);
    const { written } = this.#encoder.encodeInto(record, this.#block.subarray(this.#filled + HEAD_BYTES));
    const head = new DataView(this.#block.buffer, this.#filled);
    head.setUint32(0, written, true);
    head.setUint32(4, position, true);
    this.#filled += HEAD_BYTES + written;
    this.count++;
  }

  close(): void {
    try {
      this.#flush();
    } finally {
      this.#file.close();
    }
  }

  #flush(): void {
    if (this.#filled === 0) return;
    writeFileSync(this.#file, this.#path, this.#block.subarray(0, this.#filled));
    this.units.push({
      ...this.#of!,
      path: this.#path,
      offset: this.#offset,
      size: this.#filled,
      how: this.#how,
      position: 0,
    });
    this.#offset += this.#filled;
    this.#filled = 0;
  }
}
