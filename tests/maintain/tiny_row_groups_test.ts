import { deepStrictEqual } from "node:assert/strict";
import { Scratch } from "../../core/disk/scratch.ts";
import { Meter } from "../../core/base/meter.ts";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { buildDataFile } from "../../core/iceberg/data_file_builder.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import { compact } from "../../core/maintain/compaction/compact.ts";
import { SqlRewriting } from "../../core/maintain/compaction/compact_table.ts";
import { planGroups } from "../../core/maintain/compaction/compaction_plan.ts";
import { joinFiles } from "../../core/tables/write/parquet/joined_file.ts";
import { MaintainWorld } from "./maintain_world.ts";

/** A file with so many row groups of three rows. */
async function joinedFile(world: MaintainWorld, number: number, rowGroups: number): Promise<DataFile> {
  const { path, specId, partition } = await world.ownFile(`data/joined-${number}.parquet`, 3 * number, 3);
  const { io: { location }, metadata } = await world.load();
  const local = location.store.localPath(location.pathOf(path))!;
  const one = await Deno.readFile(local);
  const { bytes, rows } = joinFiles(new Array(rowGroups).fill(one), rowGroups)!;
  await Deno.writeFile(local, bytes);
  const facts = { path, specId, partition, recordCount: rows, fileSizeBytes: bytes.length, columns: [] };
  return buildDataFile(facts, currentSchema(metadata));
}

Deno.test("files of hundreds of tiny row groups are rewritten in little memory, with nowhere to spill", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    for (let number = 0; number < 4; number++) await world.append(await joinedFile(world, number, 128));
    const database = await DuckDb.open({ threads: 1, memory: "100MB" });
    const folder = await Deno.makeTempDir({ prefix: "streamlab-tiny-row-groups-" });
    try {
      const connection = await database.connect();
      const workshop = { connection, connect: () => database.connect(), scratch: Scratch.create(`${folder}/scratch`) };
      const report = await compact(world.surroundings, await world.load(), {
        groupsOf: (files) => planGroups(files, { targetFileSize: 1e6, inputsMin: 2, sorts: false }),
        patienceMs: 1_000,
        dryRun: false,
        signal: new AbortController().signal,
        meter: new Meter(world.surroundings.clock),
      }, () => new SqlRewriting(workshop, [], () => connection.close()));
      deepStrictEqual([report.inputs.files, report.outputs.files, report.outputs.records], [4, 1, 4 * 128 * 3]);
    } finally {
      database.close();
      await Deno.remove(folder, { recursive: true });
    }
  }));
