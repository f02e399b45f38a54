import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { WrittenFile } from "../../../core/engine/copy.ts";
import { DuckDb, quotePath } from "../../../core/engine/duckdb.ts";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { constantChunk } from "../../../core/tables/write/parquet/constant_chunk.ts";
import { ParquetSchema } from "../../../core/tables/write/parquet/parquet_schema.ts";
import {
  PartitionedFiles,
  type PartitionedFilesOptions,
} from "../../../core/tables/write/parquet/partitioned_files.ts";
import { inFolder } from "../../support/own_folder.ts";

const FIELDS: Field[] = [
  { id: 1, name: "partition", required: true, type: { type: "long" } },
  { id: 2, name: "turn", required: true, type: { type: "long" } },
];
const ROWS = 10;

function bytesOf(value: number): Uint8Array {
  return new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
}

interface Writing extends Partial<PartitionedFilesOptions> {
  partitions: number;
  turns: number;
  /** Of a column, so that a file is large. */
  bloomFilter?: Uint8Array;
}

/** Writes ten rows to each partition in each turn, and looks at the most handles that stay open. */
function write(folder: string, writing: Writing): { written: WrittenFile[]; handlesMax: number } {
  const { partitions, turns, bloomFilter, ...options } = writing;
  let files = 0, handlesMax = 0;
  const nextPath = () => `${folder}/${files++}.parquet`;
  const writer = new PartitionedFiles({
    schema: new ParquetSchema(FIELDS),
    nextPath,
    fileBytesTarget: 1e9,
    ...options,
  });
  for (let turn = 0; turn < turns; turn++) {
    for (let partition = 0; partition < partitions; partition++) {
      const values = [partition, turn].map(bytesOf);
      writer.writeRowGroup(String(partition), [String(partition)], ROWS, (_, i) => {
        return { ...constantChunk(values[i]!, ROWS), bloomFilter };
      });
    }
    handlesMax = Math.max(handlesMax, openHandles(folder));
  }
  return { written: writer.finish(), handlesMax };
}

function openHandles(folder: string): number {
  let open = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(folder)) open++;
    } catch {
      // The folder's own handle is gone by now.
    }
  }
  return open;
}

/** Every partition has its rows of all turns, and each file those of one partition. */
async function assertWhole(written: readonly WrittenFile[], partitions: number, turns: number): Promise<void> {
  const db = await DuckDb.open({ threads: 1 });
  try {
    const connection = await db.connect();
    const read = `read_parquet([${written.map(({ path }) => quotePath(path)).join(", ")}], filename = true)`;
    const rows = await connection.rows(
      `SELECT filename, min(partition) AS low, max(partition) AS high, count(*) AS n, count(DISTINCT turn) AS turns
       FROM ${read} GROUP BY filename`,
    );
    const files = new Map(rows.map((row) => [row.filename as string, row]));
    const turnsOf = new Map<bigint, bigint>();
    for (const { path, records, partition } of written) {
      const row = files.get(path)!;
      deepStrictEqual([row.low, row.high, row.n], [BigInt(partition[0]!), BigInt(partition[0]!), records]);
      turnsOf.set(row.low as bigint, (turnsOf.get(row.low as bigint) ?? 0n) + (row.turns as bigint));
    }
    strictEqual(turnsOf.size, partitions);
    ok([...turnsOf.values()].every((count) => count === BigInt(turns)));
  } finally {
    db.close();
  }
}

Deno.test("a partition is one file, however many there are", () =>
  inFolder(async (folder) => {
    const { written } = write(folder, { partitions: 400, turns: 4, heldBytesMax: 2_000_000 });
    strictEqual(written.length, 400);
    await assertWhole(written, 400, 4);
  }));

Deno.test(
  "large files of many partitions do not stay open",
  { ignore: Deno.build.os !== "linux" },
  () =>
    inFolder(async (folder) => {
      const bloomFilter = new Uint8Array(600_000);
      const { written, handlesMax } = write(folder, { partitions: 80, turns: 2, bloomFilter });
      strictEqual(written.length, 80);
      ok(handlesMax > 0 && handlesMax <= 64, `${handlesMax} handles`);
      await assertWhole(written, 80, 2);
    }),
);

Deno.test(
  "files of work that has broken off are closed",
  { ignore: Deno.build.os !== "linux" },
  () =>
    inFolder((folder) => {
      let files = 0;
      const nextPath = () => `${folder}/${files++}.parquet`;
      const writer = new PartitionedFiles({ schema: new ParquetSchema(FIELDS), nextPath, fileBytesTarget: 1e9 });
      const chunk = { ...constantChunk(bytesOf(1), ROWS), bloomFilter: new Uint8Array(600_000) };
      for (const key of ["a", "b"]) writer.writeRowGroup(key, [key], ROWS, () => chunk);
      strictEqual(openHandles(folder), 2);
      writer.abandon();
      deepStrictEqual([openHandles(folder), writer.finish()], [0, []]);
    }),
);

Deno.test("files are finished early where all of them together would take too much memory", () =>
  inFolder(async (folder) => {
    const { written } = write(folder, { partitions: 200, turns: 5, heldBytesMax: 50_000 });
    ok(written.length > 200 && written.length <= 1000, `${written.length} files`);
    await assertWhole(written, 200, 5);
  }));

Deno.test("a file that has reached its target is finished, and the partition goes on in another", () =>
  inFolder(async (folder) => {
    const { written } = write(folder, { partitions: 3, turns: 20, fileBytesTarget: 1000 });
    const ended = written.filter(({ size }) => size >= 1000n);
    ok(ended.length > 3, `${ended.length} files`);
    await assertWhole(written, 3, 20);
  }));

Deno.test("sizes are those of the files on disk", () =>
  inFolder(async (folder) => {
    const { written } = write(folder, { partitions: 5, turns: 2 });
    for (const { path, size } of written) strictEqual((await Deno.stat(path)).size, Number(size));
  }));
