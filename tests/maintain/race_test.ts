import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Catalog } from "../../core/iceberg/catalog/catalog.ts";
import { reachableFiles } from "../../core/iceberg/reachable_files.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import { listIntents } from "../../core/lake/intent.ts";
import { rewriteTableManifests } from "../../core/maintain/manifests.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import { settleIntent } from "../../core/maintain/abandoned_intents.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import { eventRows, MaintainWorld } from "./maintain_world.ts";

const all = "SELECT * FROM bronze.events";

/** Surroundings in which something happens right before the first commit, or in the place of it. */
function beforeCommit(
  surroundings: Surroundings,
  action: (commit: () => Promise<unknown>) => Promise<unknown>,
): Surroundings {
  let isFirst = true;
  const catalog = new Proxy(surroundings.catalog, {
    get(target, name) {
      const method = Reflect.get(target, name).bind(target);
      if (name !== "commit") return method;
      return async (...given: Parameters<Catalog["commit"]>) => {
        if (!isFirst) return await target.commit(...given);
        isFirst = false;
        return await action(() => target.commit(...given)) ?? await target.commit(...given);
      };
    },
  });
  return { ...surroundings, catalog };
}

/** Neither intents nor files that nothing names. */
async function assertNothingLeft(world: MaintainWorld): Promise<void> {
  deepStrictEqual(await world.paths("checkpoints/"), []);
  const { io, metadata } = await world.load();
  const { dataFiles } = await reachableFiles(io, metadata);
  const named = new Set([...dataFiles].map((uri) => io.location.pathOf(uri)));
  const data = await world.paths(io.location.pathInStore("data/"));
  deepStrictEqual(data.filter((path) => !named.has(path)), []);
}

Deno.test("rows that are appended meanwhile are no reason to give up", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    const report = await world.compact(
      {},
      beforeCommit(world.surroundings, async () => {
        await world.lake.append(await world.load(), eventRows(100, 10));
      }),
    );
    deepStrictEqual([report.groups, report.dropped], [1, []]);
    strictEqual((await world.lake.ask(all)).length, 50);
    strictEqual((await world.liveFiles()).length, 2);
    await assertNothingLeft(world);
  }));

Deno.test("a group whose files another compaction took is dropped, and said so", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    const before = await world.lake.ask(all);
    const report = await world.compact(
      {},
      beforeCommit(world.surroundings, async () => {
        strictEqual((await world.compact()).groups, 1);
      }),
    );
    strictEqual(report.groups, 0);
    deepStrictEqual(report.dropped.map(({ files }) => files), [4]);
    ok(/is not part of the table any more/.test(report.dropped[0]!.reason));
    deepStrictEqual(await world.lake.ask(all), before);
    await assertNothingLeft(world);
  }));

Deno.test("a delete that lands meanwhile is kept: only its group is dropped", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const files = await world.liveFiles();
    const deleted = files.find(({ partition }) => partition[0] === 20514)!;
    const { partition } = deleted;
    const report = await world.compact(
      {},
      beforeCommit(world.surroundings, async () => {
        await world.deletePositions([[deleted, 0]], { partition });
      }),
    );
    deepStrictEqual([report.groups, report.dropped.length], [3, 1]);
    ok(/were deleted meanwhile/.test(report.dropped[0]!.reason));
    strictEqual((await world.lake.ask(all)).length, 89);
    await assertNothingLeft(world);
    strictEqual((await world.compact()).groups, 1);
    strictEqual((await world.lake.ask(all)).length, 89);
  }));

Deno.test("deletes by value that land meanwhile go on applying to the new file", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    const report = await world.compact(
      {},
      beforeCommit(world.surroundings, async () => {
        await world.deleteIds([0, 39]);
      }),
    );
    strictEqual(report.groups, 1);
    strictEqual((await world.lake.ask(all)).length, 38);
  }));

Deno.test("a rewrite that was fenced meanwhile is not committed", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    const before = await world.lake.ask(all);
    const report = await world.compact(
      {},
      beforeCommit(world.surroundings, async () => {
        for (const { intent } of await listIntents(world.surroundings.store)) {
          strictEqual((await settleIntent(world.surroundings, await world.load(), intent)).length, 1);
        }
      }),
    );
    deepStrictEqual(report.dropped.map(({ reason }) => reason), [
      "its intent was removed: it counted as abandoned",
    ]);
    deepStrictEqual(await world.lake.ask(all), before);
    strictEqual(snapshotOfRef((await world.load()).metadata)!.summary.operation, "append");
    await assertNothingLeft(world);
  }));

Deno.test("after a commit of unknown outcome the files stay until the rewrite is settled", () =>
  MaintainWorld.use(async (world) => {
    for (const happens of [true, false]) {
      const table = await world.events(2);
      const before = await world.lake.ask(all);
      const unknown = beforeCommit(world.surroundings, async (commit) => {
        if (happens) await commit();
        throw new StreamlabError("unavailable", "Cannot tell whether it happened");
      });
      await rejects(world.compact({}, unknown), /Cannot tell/);
      deepStrictEqual(await world.lake.ask(all), before);
      strictEqual((await listIntents(world.surroundings.store)).length, 1);
      const kept = await removeOrphans(world.surroundings, table, { olderThanMs: 3_600_000, dryRun: false });
      deepStrictEqual(kept.paths, [], "a young intent is respected");
      const shown = await removeOrphans(world.surroundings, table, { olderThanMs: 0, dryRun: true });
      const settled = await removeOrphans(world.surroundings, table, { olderThanMs: 0, dryRun: false });
      const data = settled.paths.filter((path) => path.includes("/data/"));
      deepStrictEqual([settled.abandonedRewrites, data.length], [1, happens ? 0 : 1]);
      deepStrictEqual(shown.paths, settled.paths);
      deepStrictEqual(await world.lake.ask(all), before);
      await assertNothingLeft(world);
    }
  }));

Deno.test("maintainers and writers all at once lose no row and leave nothing behind", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(6, true);
    const write = async () => {
      for (let i = 0; i < 6; i++) {
        const file = await world.lake.writeFiles(table, eventRows(1_000 + i * 10, 10));
        await world.append(...file);
      }
    };
    const maintain = async () => {
      for (let i = 0; i < 3; i++) {
        await world.compact();
        const { surroundings } = world;
        await expireTable(surroundings, await world.load(), { olderThanMs: 0, retainLast: 1, dryRun: false });
        await rewriteTableManifests(surroundings, await world.load(), { dryRun: false });
        await removeOrphans(surroundings, await world.load(), { olderThanMs: 60_000, dryRun: false });
      }
    };
    await Promise.all([write(), maintain(), maintain()]);
    strictEqual((await world.lake.ask(all)).length, 120);
    await expireTable(world.surroundings, await world.load(), { olderThanMs: 0, retainLast: 1, dryRun: false });
    await assertNothingLeft(world);
    strictEqual((await world.lake.ask(all)).length, 120);
  }));
