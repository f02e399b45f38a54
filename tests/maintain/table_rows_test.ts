import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { SqlError } from "../../core/engine/sql_error.ts";
import { Scratch } from "../../core/disk/scratch.ts";
import { TableRows } from "../../core/maintain/table_rows.ts";
import { MaintainWorld } from "./maintain_world.ts";

const outOfMemory = () => new SqlError(new Error("Out of Memory Error: failed to allocate data"));

function filesIn(select: string): number {
  return new Set(select.match(/[\w-]+\.parquet/g)).size;
}

async function useRows(files: number, action: (world: MaintainWorld, rows: TableRows) => Promise<void>): Promise<void> {
  await MaintainWorld.use(async (world) => {
    const table = await world.events(files);
    const folder = await Deno.makeTempDir({ prefix: "streamlab-rows-" });
    try {
      await action(world, new TableRows(world.surroundings.catalog, table, Scratch.create(folder)));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("where memory does not do for some files, halves of them are read, and each row once", () =>
  useRows(11, async (world, rows) => {
    const ids: bigint[] = [];
    await rows.read(async (select) => {
      if (filesIn(select) > 2) throw outOfMemory();
      ids.push(...(await world.lake.connection.rows(select)).map(({ id }) => id as bigint));
    });
    deepStrictEqual(ids.sort((a, b) => Number(a - b)), Array.from({ length: 110 }, (_, id) => BigInt(id)));
    deepStrictEqual(rows.damages, []);
  }));

Deno.test("where memory does not do for one file, that is no damage, and the message says so", () =>
  useRows(2, async (_world, rows) => {
    await rejects(() => rows.read(() => Promise.reject(outOfMemory())), {
      kind: "unavailable",
      message: /^Cannot read .*\.parquet: DuckDB ran out of memory/,
      hint: /--memory/,
    });
    deepStrictEqual(rows.damages, []);
  }));

Deno.test("a file that went because the table has gone further is no damage", () =>
  useRows(3, async (world, rows) => {
    await world.compact();
    for (const path of await world.paths()) {
      if (/data\/(?!compact-).*\.parquet$/.test(path)) await Deno.remove(world.lake.store.localPath(path)!);
    }
    const read = () => rows.read(async (select) => void await world.lake.connection.rows(select));
    await rejects(read, { kind: "not-found", message: "bronze.events was changed while it was read" });
    strictEqual(rows.damages.length, 0);
  }));

Deno.test("an error that is not about the files is none of them", () =>
  useRows(2, async (_world, rows) => {
    await rejects(() => rows.read(() => Promise.reject(new Error("stopped here"))), /stopped here/);
  }));
