import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Meter } from "../../core/base/meter.ts";
import { compact, type CompactionReport } from "../../core/maintain/compaction/compact.ts";
import { planGroups, type RewriteGroup } from "../../core/maintain/compaction/compaction_plan.ts";
import { JoiningRewriting } from "../../core/maintain/compaction/join_group.ts";
import type { Rewriting } from "../../core/maintain/compaction/rewriting.ts";
import { writeTable } from "../tables/parquet/written_table.ts";
import { damagePage, MaintainWorld } from "./maintain_world.ts";

const FILES = 4, ROWS = 30;

/** A table of such files, and where one of them is on this disk. */
async function tableOf(world: MaintainWorld): Promise<string> {
  await world.events(0);
  for (let number = 0; number < FILES; number++) {
    await world.append(await world.ownFile(`data/${number}.parquet`, number * ROWS, ROWS));
  }
  const { location } = (await world.load()).io;
  return location.store.localPath(location.pathInStore("data/2.parquet"))!;
}

/** By joining, or else by `open`. */
async function join(world: MaintainWorld, open: () => Promise<Rewriting>): Promise<CompactionReport> {
  const { surroundings } = world;
  return await compact(surroundings, await world.load(), {
    groupsOf: (files) =>
      planGroups(files, { targetFileSize: 1e6, inputsMin: 2, sorts: false }).map((group) => ({
        ...group,
        isBusy: true,
      })),
    patienceMs: 60_000,
    dryRun: false,
    signal: new AbortController().signal,
    meter: new Meter(surroundings.clock),
  }, () => new JoiningRewriting(open));
}

const never = () => Promise.reject(new Error("rows are not to be read"));

const ways: Record<string, (world: MaintainWorld) => Promise<CompactionReport>> = {
  "joined": (world) => join(world, never),
  "rewritten by SQL": (world) => world.compact(),
};

for (const [way, rewrite] of Object.entries(ways)) {
  Deno.test(`a damaged page is not copied where small files are ${way}: the file is named, and stays`, () =>
    MaintainWorld.use(async (world) => {
      const path = await tableOf(world);
      const before = await world.load();
      const bytes = damagePage(path);
      await rejects(rewrite(world), (error: Error & { kind?: string }) => {
        strictEqual(error.kind, "corrupt");
        return /Cannot rewrite .*data\/2\.parquet: it is damaged, the checksum of the page at byte \d+ does/
          .test(error.message);
      });
      strictEqual((await world.load()).metadataLocation, before.metadataLocation);
      deepStrictEqual(Deno.readFileSync(path), bytes);
      const left = (await world.paths()).filter((each) => each.includes("compact-"));
      deepStrictEqual(left, []);
    }));

  Deno.test(`sound files are ${way}, with every row`, () =>
    MaintainWorld.use(async (world) => {
      await tableOf(world);
      const rows = await world.lake.ask("SELECT * FROM bronze.events ORDER BY id");
      const { inputs, outputs } = await rewrite(world);
      deepStrictEqual([inputs.files, outputs.files, rows.length], [FILES, 1, FILES * ROWS]);
      deepStrictEqual(await world.lake.ask("SELECT * FROM bronze.events ORDER BY id"), rows);
    }));
}

Deno.test("a damaged delete file is named, and not applied", () =>
  MaintainWorld.use(async (world) => {
    await tableOf(world);
    const [first] = await world.liveFiles();
    const table = await world.deletePositions([[first!, 3]]);
    const deletes = (await world.paths()).find((path) => path.includes("by-hand"))!;
    const path = table.io.location.store.localPath(deletes)!;
    // DuckDB writes no checksums, and consume no delete files.
    const fields = [
      { id: 2147483546, name: "file_path", required: true, type: { type: "string" as const } },
      { id: 2147483545, name: "pos", required: true, type: { type: "long" as const } },
    ];
    Deno.removeSync(path);
    writeTable(path, fields, [{ file_path: first!.path, pos: 3n }]);
    damagePage(path);
    await rejects(world.compact(), /Cannot rewrite .*by-hand.*: it is damaged/);
    strictEqual((await world.load()).metadataLocation, table.metadataLocation);
  }));

Deno.test("files without checksums are not joined: their rows are read", () =>
  MaintainWorld.use(async (world) => {
    await tableOf(world);
    await world.append(await world.file("SELECT 1000::BIGINT AS id, 'x' AS text", '"id": 1, "text": 3'));
    await rejects(join(world, never), /rows are not to be read/);
    strictEqual((await world.liveFiles()).length, FILES + 1);
  }));

Deno.test("files that are read are fetched while others are joined", () =>
  MaintainWorld.use(async (world) => {
    const { specId, partition } = (await tableOf(world), (await world.liveFiles())[0]!);
    const fetched: RewriteGroup[] = [];
    const rewriter = {
      folderOf: () => "",
      prefetch: (group: RewriteGroup) => void fetched.push(group),
      settle: () => Promise.resolve(),
      rewrite: () => Promise.resolve([]),
    };
    const other = { resolveDeletes: never, rewriterOf: () => rewriter, close: () => {} };
    const joining = new JoiningRewriting(() => Promise.resolve(other)).rewriterOf(await world.load());
    const group = { specId, partition, files: [], bytes: 0, outputs: 1 };
    joining.prefetch(group);
    await joining.settle();
    deepStrictEqual(fetched, [group]);
  }));
