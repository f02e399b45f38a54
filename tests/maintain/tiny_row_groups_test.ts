import { deepStrictEqual } from "node:assert/strict";
import { Scratch } from "../../core/disk/scratch.ts";
import { Meter } from "../../core/base/meter.ts";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { buildDataFile } from "../../core/iceberg/data_file_builder.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import { compact, type CompactionReport } from "../../core/maintain/compaction/compact.ts";
import { SqlRewriting } from "../../core/maintain/compaction/compact_table.ts";
import { group, planGroups } from "../../core/maintain/compaction/compaction_plan.ts";
import { paysToKeep } from "../../core/maintain/compaction/kept_rows.ts";
import { joinFiles } from "../../core/tables/write/parquet/joined_file.ts";
import { MaintainWorld } from "./maintain_world.ts";

/** A file with so many row groups of three rows. */
async function joinedFile(world: MaintainWorld, number: number, rowGroups: number): Promise<DataFile> {
  const { path, specId, partition } = await world.ownFile(`data/joined-${number}.parquet`, 3 * number, 3);
  const { io: { location }, metadata } = await world.load();
  const local = location.store.localPath(location.pathOf(path))!;
  const one = await Deno.readFile(local);
  const { bytes, rows, splitOffsets } = joinFiles(new Array(rowGroups).fill(one), rowGroups)!;
  await Deno.writeFile(local, bytes);
  const facts = { path, specId, partition, recordCount: rows, fileSizeBytes: bytes.length, columns: [] };
  return { ...buildDataFile(facts, currentSchema(metadata)), splitOffsets };
}

/** In one thread, with nowhere to spill. */
async function compactWithin(world: MaintainWorld, memory: string): Promise<CompactionReport> {
  const database = await DuckDb.open({ threads: 1, memory });
  const folder = await Deno.makeTempDir({ prefix: "streamlab-tiny-row-groups-" });
  try {
    const connection = await database.connect();
    const workshop = { connection, connect: () => database.connect(), scratch: Scratch.create(`${folder}/scratch`) };
    return await compact(world.surroundings, await world.load(), {
      groupsOf: (files) => planGroups(files, { targetFileSize: 1e6, inputsMin: 2, sorts: false }),
      patienceMs: 1_000,
      dryRun: false,
      signal: new AbortController().signal,
      meter: new Meter(world.surroundings.clock),
    }, () => new SqlRewriting(workshop, [], () => connection.close()));
  } finally {
    database.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Files with the same rows under names of their own. */
async function copiesOf(world: MaintainWorld, file: DataFile, count: number): Promise<DataFile[]> {
  const { io: { location } } = await world.load();
  const from = location.store.localPath(location.pathOf(file.path))!;
  return await Promise.all(Array.from({ length: count }, async (_, number) => {
    await Deno.copyFile(from, from.replace(/\.parquet$/, `-${number}.parquet`));
    return { ...file, path: file.path.replace(/\.parquet$/, `-${number}.parquet`) };
  }));
}

Deno.test("files of hundreds of tiny row groups are rewritten in little memory, with nowhere to spill", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    for (let number = 0; number < 4; number++) await world.append(await joinedFile(world, number, 128));
    const { inputs, outputs } = await compactWithin(world, "100MB");
    deepStrictEqual([inputs.files, outputs.files, outputs.records], [4, 1, 4 * 128 * 3]);
  }));

Deno.test("files of few row groups are read twice, not kept: rows that are alike are small in a file only", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    const rows = "SELECT i::BIGINT AS id, repeat('x', 4_000) AS text FROM range(20_000) r(i)";
    const one = await world.file(rows, '"id": 1, "text": 3');
    await world.append(...await copiesOf(world, one, 4));
    const { inputs, outputs } = await compactWithin(world, "300MB");
    deepStrictEqual([inputs.files, outputs.files, outputs.records], [4, 1, 4 * 20_000]);
  }));

Deno.test("rows are kept where many tiny row groups hold them, and they are not large", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    const file = await world.file("SELECT 1::BIGINT AS id, '' AS text", '"id": 1, "text": 3');
    const texts = (bytes: number) =>
      `SELECT 1::BIGINT AS id, NULL::TIMESTAMPTZ AS at, repeat('x', ${bytes}) AS text FROM range(9)`;
    const keeps = async (
      rowGroups: number,
      rows: number,
      rowBytes: number,
      fileSizeBytes = 1_000,
      select = texts(rowBytes),
    ) => {
      const dataFile = {
        ...file,
        recordCount: rows,
        fileSizeBytes,
        splitOffsets: new Array<number>(rowGroups).fill(4),
      };
      const whole = group([{ dataFile, deletes: [], sequenceNumber: 1n }], 1e6);
      return await paysToKeep(world.lake.connection, whole, select);
    };
    deepStrictEqual(await keeps(64, 64_000, 100), true);
    deepStrictEqual(await keeps(63, 64_000, 100), false, "few row groups");
    deepStrictEqual(await keeps(64, 640_000, 100), false, "row groups that are not tiny");
    deepStrictEqual(await keeps(64, 64_000, 4_000), false, "large rows");
    deepStrictEqual(await keeps(64, 64_000, 100, 10e6), false, "large files");
    const named = `SELECT 1::BIGINT AS r, repeat('x', 4_000) AS text FROM range(9)`;
    deepStrictEqual(await keeps(64, 64_000, 0, 1_000, named), false, "large rows beside a column named r");
    const wide = Array.from({ length: 1_500 }, (_, i) => `NULL::VARCHAR AS c${i}`).join(", ");
    deepStrictEqual(await keeps(64, 100, 0, 1_000, `SELECT ${wide}`), true, "many columns");
    deepStrictEqual(await keeps(64, 64_000, 0, 1_000, `SELECT ${wide}`), false, "many nulls, which take room");
  }));
