import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Meter } from "../../core/base/meter.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { compact, type CompactionReport, type GroupsAtOnce } from "../../core/maintain/compaction/compact.ts";
import { SqlRewriting } from "../../core/maintain/compaction/compact_table.ts";
import { planGroups, type RewriteGroup } from "../../core/maintain/compaction/compaction_plan.ts";
import { rewritePeakBytes } from "../../core/maintain/compaction/rewrite_peak.ts";
import type { Rewriting } from "../../core/maintain/compaction/rewriting.ts";
import { Workshop } from "../../core/maintain/workshop.ts";
import { MaintainWorld } from "./maintain_world.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

const all = "SELECT * FROM bronze.events";

/** The real work, told of before each group. */
function told(rewriting: SqlRewriting, begins: (group: RewriteGroup) => Promise<() => void>): Rewriting {
  return {
    resolveDeletes: (table, files) => rewriting.resolveDeletes(table, files),
    close: () => rewriting.close(),
    rewriterOf(table: LoadedTable) {
      const rewriter = rewriting.rewriterOf(table);
      return {
        folderOf: (group) => rewriter.folderOf(group),
        prefetch: (group) => rewriter.prefetch(group),
        settle: () => rewriter.settle(),
        async rewrite(group, stem) {
          const ends = await begins(group);
          try {
            return await rewriter.rewrite(group, stem);
          } finally {
            ends();
          }
        },
      };
    },
  };
}

/** Compacts groups of two partitions at least; also how many were under way at once. */
async function run(
  world: MaintainWorld,
  atOnce: GroupsAtOnce,
  begins: (underWay: number, group: RewriteGroup) => Promise<void> = () => Promise.resolve(),
  signal = new AbortController().signal,
): Promise<{ report: CompactionReport; most: number }> {
  let underWay = 0, most = 0;
  const { surroundings } = world;
  const report = await compact(surroundings, await world.load(), {
    groupsOf: (files) => planGroups(files, { targetFileSize: 1e6, inputsMin: 2, sorts: false }),
    patienceMs: 1_000,
    atOnce,
    dryRun: false,
    signal,
    meter: new Meter(surroundings.clock),
  }, async () => {
    const workshop = await Workshop.open(surroundings, {
      temporaryFolder: scratchFolder(),
      threads: 2,
      memory: "500MB",
      leavesLake: false,
    });
    return told(new SqlRewriting(workshop, [], () => workshop.close(), signal), async (group) => {
      most = Math.max(most, ++underWay);
      await begins(underWay, group);
      return () => underWay--;
    });
  });
  return { report, most };
}

/** Fulfilled when so many are under way. */
function whenThere(count: number): (underWay: number) => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  return async (underWay) => {
    if (underWay === count) resolve();
    await promise;
  };
}

const two: GroupsAtOnce = { groupsMax: 2, memoryBytes: 100, peakBytes: () => 50 };

Deno.test("two groups at once make the same table as one after another", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const before = await world.lake.ask(all);
    const { report, most } = await run(world, two, whenThere(2));
    deepStrictEqual([report.groups, report.inputs.files, report.outputs, report.dropped], [4, 12, {
      ...report.outputs,
      files: 4,
      records: 90,
    }, []]);
    strictEqual(most, 2);
    deepStrictEqual(await world.lake.ask(all), before);
    const files = await world.liveFiles();
    deepStrictEqual(files.map(({ partition, recordCount }) => [partition[0], recordCount]).toSorted(), [
      [20513, 24],
      [20514, 24],
      [20515, 24],
      [20516, 18],
    ]);
    deepStrictEqual(await world.paths("checkpoints/"), []);
  }));

Deno.test("groups wait while their peaks together do not fit in memory, and a larger one runs alone", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const { report, most } = await run(world, { ...two, peakBytes: () => 51 });
    deepStrictEqual([report.groups, most], [4, 1]);
    await world.events(3, true);
    strictEqual((await run(world, { ...two, peakBytes: () => 1e9 })).most, 1);
  }));

Deno.test("when a group fails, no further one begins, and the one beside it is committed", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const before = await world.lake.ask(all);
    const both = whenThere(2);
    const begun: RewriteGroup[] = [];
    const failing = run(world, two, async (underWay, group) => {
      begun.push(group);
      await both(underWay);
      if (group === begun[0]) throw new StreamlabError("corrupt", "Cannot rewrite this one");
    });
    await rejects(failing, /Cannot rewrite this one/);
    strictEqual(begun.length, 2);
    strictEqual((await world.liveFiles()).length, 12 - begun[1]!.files.length + 1);
    deepStrictEqual(await world.lake.ask(all), before);
    deepStrictEqual(await world.paths("checkpoints/"), []);
  }));

Deno.test("who stops a compaction keeps the groups that are done, and nothing of those in the middle", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const before = await world.lake.ask(all);
    const stop = new AbortController();
    let begun = 0;
    const { report } = await run(world, { ...two, groupsMax: 1 }, () => {
      if (++begun === 2) stop.abort();
      return Promise.resolve();
    }, stop.signal);
    deepStrictEqual([report.groups, report.interrupted, report.outputs.files, begun], [1, true, 1, 2]);
    deepStrictEqual(await world.lake.ask(all), before);
    const data = (await world.paths("warehouse/")).filter((path) => path.endsWith(".parquet"));
    // The old ones stay for older snapshots; of the second group there is nothing.
    strictEqual(data.length, 12 + 1);
    deepStrictEqual(await world.paths("checkpoints/"), []);
  }));

Deno.test("the estimate counts each partition that is written at once, and rows that are sorted", () => {
  const size = { files: 10, bytes: 50e6, records: 5e6, partitions: 1, threads: 2 };
  const one = rewritePeakBytes(size), ten = rewritePeakBytes({ ...size, partitions: 10 });
  strictEqual(ten > 2 * one, true);
  strictEqual(rewritePeakBytes({ ...size, isSorted: true }) - one, 8 * size.bytes);
});

Deno.test("who stops a compaction while deletes are looked up is told so, and no error", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const places = (await world.liveFiles()).map((file): [typeof file, number] => [file, 0]);
    await world.deletePositions(places, { referencedDataFile: undefined });
    const { report } = await run(world, two, () => Promise.resolve(), AbortSignal.abort());
    deepStrictEqual([report.interrupted, report.groups], [true, 0]);
  }));
