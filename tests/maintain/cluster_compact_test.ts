import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { seededRandom } from "../../core/base/random.ts";
import { quoteText } from "../../core/engine/duckdb.ts";
import { replaceSortOrder } from "../../core/iceberg/action/update_partitioning.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { newAttempt, originOf } from "../../core/lake/data_file_name.ts";
import type { RewriteResult, RewriteTask } from "../../core/lake/rewrite_task.ts";
import type { TableCompactionOptions } from "../../core/maintain/compaction/compact_table.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import type { ClusterTasks } from "../../core/routing/task_cluster.ts";
import { NOW } from "./enemy.ts";
import { MaintainWorld } from "./maintain_world.ts";
import { rewriteHere, rewritingCluster } from "./rewriting_cluster.ts";

const ALL = "SELECT * FROM bronze.events";

/** What is in a file and in which order, and what its manifest says of it. */
async function contentOf(world: MaintainWorld, { path, ...facts }: DataFile): Promise<unknown> {
  const { location } = (await world.load()).io;
  const local = quoteText(location.store.localPath(location.pathOf(path))!);
  const rows = await world.lake.connection.rows(
    `SELECT * FROM read_parquet(${local}, file_row_number = true) ORDER BY file_row_number`,
  );
  return { folder: path.replace(/^.*\/data\/|[^/]*$/g, ""), facts, rows };
}

/** A table with all that a rewrite minds: partitions, an order, and both kinds of delete files. */
async function deletedRows(world: MaintainWorld, partitioned: boolean): Promise<void> {
  await world.events(9, partitioned);
  const key = { column: "at", transform: { name: "hour" }, direction: "desc", nullOrder: "nulls-last" } as const;
  await world.commit((transaction) => transaction.add(replaceSortOrder(transaction.metadata, [key])));
  const [first, ...others] = await world.liveFiles();
  const alike = others.find(({ partition }) => partition.join() === first!.partition.join())!;
  await world.deletePositions([[first!, 1], [first!, 2], [alike, 0]]);
  if (!partitioned) await world.deleteIds([3, 44]);
}

const cases: { name: string; partitioned: boolean; options: Partial<TableCompactionOptions> }[] = [
  { name: "small files of partitions", partitioned: true, options: {} },
  { name: "a table without partitions", partitioned: false, options: {} },
  { name: "an order that is asked for", partitioned: true, options: { sortBy: ["text desc", "id"] } },
  {
    name: "a z-order, in several files",
    partitioned: false,
    options: { sortBy: ["zorder(id, at)"], targetFileSize: 900 },
  },
];

for (const { name, partitioned, options } of cases) {
  Deno.test(`tasks make the same files as this process: ${name}`, async () => {
    const compacted = async (tasks: ClusterTasks | undefined) => {
      const found: unknown[] = [];
      await MaintainWorld.use(async (world) => {
        await deletedRows(world, partitioned);
        const before = await world.lake.ask(ALL);
        found.push(before, await world.compact({ ...options, tasks }));
        deepStrictEqual(await world.lake.ask(ALL), before);
        const files: unknown[] = [];
        for (const file of await world.liveFiles()) files.push(await contentOf(world, file));
        found.push(files.sort((a, b) => JSON.stringify(a, plain) < JSON.stringify(b, plain) ? -1 : 1));
        deepStrictEqual(await world.paths("checkpoints/"), [], "no intent stays");
      });
      return found;
    };
    deepStrictEqual(await compacted(rewritingCluster()), await compacted(undefined));
  });
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

Deno.test("of a task that is run twice one result counts, and the files of the other are orphans", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const before = await world.lake.ask(ALL);
    const random = seededRandom(5);
    const attempts: string[] = [];
    const twice = rewritingCluster(async (task) => {
      const tries = [newAttempt(random), newAttempt(random)];
      attempts.push(...tries);
      const results = await Promise.all(tries.map((attempt) => rewriteHere({ ...task, attempt })));
      return results[1]!;
    });
    const { outputs, groups } = await world.compact({ tasks: twice });
    deepStrictEqual([groups, outputs.files, attempts.length], [4, 4, 8]);
    deepStrictEqual(await world.lake.ask(ALL), before);
    const isWritten = (path: string) => originOf(path)?.kind === "rewrite";
    strictEqual((await world.paths("warehouse/")).filter(isWritten).length, 8);
    const { paths, left } = await removeOrphans(world.surroundings, await world.load(), NOW);
    deepStrictEqual([paths.filter(isWritten).length, left], [4, []]);
    deepStrictEqual(await world.lake.ask(ALL), before);
  }));

Deno.test("what a task says is not taken on trust: rows, values, whose it is", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    await world.deletePositions([[(await world.liveFiles())[0]!, 1]]);
    const { metadataLocation } = await world.load();
    const paths = await world.paths();
    const lies: [(result: RewriteResult) => Partial<RewriteResult>, RegExp][] = [
      [({ before }) => ({ before: { ...before, rows: 31 } }), /they hold 31 rows, and their manifests say 30/],
      [({ after }) => ({ after: { ...after, rows: 28 } }), /the new ones have 28 rows instead of 29/],
      [({ after }) => ({ after: { ...after, print: "7" } }), /the new ones have values that belonged to other rows/],
      [({ after: { columns: [first, ...rest], ...after } }) => ({
        after: { ...after, columns: [[first![0], "29 7"], ...rest] },
      }), /the new ones have other values of id/],
      [() => ({ files: [] }), /it has 0 rows of compact-.* and must have 29/],
      [() => ({ stem: "compact-another" }), /it has 29 rows of compact-another/],
    ];
    for (const [lie, says] of lies) {
      const tasks = rewritingCluster(async (task) => {
        const result = await rewriteHere(task);
        return { ...result, ...lie(result) };
      });
      await rejects(world.compact({ tasks }), says);
      strictEqual((await world.load()).metadataLocation, metadataLocation);
      deepStrictEqual(await world.paths(), paths, "the failed group leaves nothing");
    }
  }));

Deno.test("a group whose files another program has replaced meanwhile is left as it is", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    const before = await world.lake.ask(ALL);
    const late = rewritingCluster(async (task) => {
      const result = await rewriteHere(task);
      await world.compact();
      return result;
    });
    const { groups, dropped } = await world.compact({ tasks: late });
    deepStrictEqual([groups, dropped.map(({ files }) => files)], [0, [4]]);
    deepStrictEqual(await world.lake.ask(ALL), before);
    strictEqual((await world.liveFiles()).length, 1);
  }));

Deno.test("a group whose files are gone when its task reads them is left, unless they are still part of the table", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    const before = await world.lake.ask(ALL);
    const remove = async ({ files }: RewriteTask) => {
      const { location } = (await world.load()).io;
      for (const { path } of files) await Deno.remove(location.store.localPath(location.pathOf(path))!);
    };
    const late = rewritingCluster(async (task) => {
      await world.compact();
      await remove(task);
      return await rewriteHere(task);
    });
    const { groups, dropped } = await world.compact({ tasks: late });
    deepStrictEqual([groups, dropped], [0, [{ files: 4, reason: "another writer rewrote or removed them" }]]);
    deepStrictEqual(await world.lake.ask(ALL), before);
    await world.append(await world.ownFile("data/00000009-0123456789ab-00000.parquet", 90, 3));
    const gone = rewritingCluster(async (task) => {
      await remove(task);
      return await rewriteHere(task);
    });
    await rejects(world.compact({ tasks: gone }), /Cannot read .*\.parquet: there is no such file/);
  }));

Deno.test("a compaction that is stopped waits for no task, and leaves nothing", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    const { metadataLocation } = await world.load();
    const stop = new AbortController();
    const never = rewritingCluster(() => {
      stop.abort();
      return new Promise(() => {});
    });
    const { interrupted, groups } = await world.compact({ tasks: never, signal: stop.signal });
    deepStrictEqual([interrupted, groups], [true, 0]);
    strictEqual((await world.load()).metadataLocation, metadataLocation);
    deepStrictEqual(await world.paths("checkpoints/"), []);
  }));

Deno.test("a file of a task has a name that older programs know as that of a rewrite", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    await world.compact({ tasks: rewritingCluster() });
    const [file] = await world.liveFiles();
    ok(/\/data\/compact-[0-9a-f-]{36}-\d{20}\.parquet$/.test(file!.path), file!.path);
  }));
