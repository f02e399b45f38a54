import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { expireSnapshots } from "../../core/iceberg/action/expire_snapshots.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { identifierText } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { History, UPKEEP } from "../../core/lake/history.ts";
import { PATIENCE_MS, writeIntent } from "../../core/lake/intent.ts";
import { listRemovals } from "../../core/lake/removal.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { debtOf } from "../../core/maintain/upkeep/debt.ts";
import { DebtWatch } from "../../core/maintain/upkeep/debt_watch.ts";
import { UpkeepPace } from "../../core/maintain/upkeep/pace.ts";
import { targetFileSizeOf } from "../../core/maintain/compaction/target_size.ts";
import { retentionOf } from "../../core/maintain/upkeep/policy.ts";
import { Upkeep } from "../../core/maintain/upkeep/upkeep.ts";
import { damagePage, eventFieldIds, MaintainWorld } from "./maintain_world.ts";
import { actions, historyOf, policy, useUpkeep } from "./use_upkeep.ts";

const hourMs = 3_600_000;

Deno.test("upkeep merges, expires and deletes until nothing pays, hands over the newest table, and keeps every row", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9);
    const rows = await world.lake.ask("SELECT * FROM bronze.events");
    await useUpkeep(world, {}, async (run, told, notes) => {
      const table = await run();
      deepStrictEqual([...new Set(actions(told))], ["compact", "expire-snapshots", "remove-files"]);
      strictEqual(table.metadataLocation, (await world.load()).metadataLocation);
      const { files } = await planScan(table.io, table.metadata);
      deepStrictEqual([files.length, table.metadata.snapshots.length, notes], [1, 3, []]);
      const before = told.length;
      await run();
      strictEqual(told.length, before, "nothing pays any more");
    });
    deepStrictEqual(await world.lake.ask("SELECT * FROM bronze.events"), rows);
    const history = (await Array.fromAsync(new History(UPKEEP, world.surroundings).read())).flat();
    ok(history.some(({ action, done }) => action === "compact" && done.filesBefore === 9 && done.filesAfter === 1));
  }));

Deno.test("upkeep stops after the piece under way when a batch is due", () =>
  MaintainWorld.use(async (world) => {
    await world.events(6);
    const due = new AbortController();
    await useUpkeep(world, {}, async (run, told) => {
      due.abort();
      await run(due.signal);
      deepStrictEqual(told, []);
    });
  }));

Deno.test("upkeep gives way to somebody else's rewrite without a word, and files of a dead one are taken later", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(6);
    const intent = {
      format: 2 as const,
      kind: "compaction" as const,
      id: "compact-00000000-0000-4000-8000-000000000000",
      table: identifierText(table.identifier),
      tableUuid: table.metadata.tableUuid,
      startedAt: "2026-03-01T12:00:00Z",
      stem: "warehouse/bronze/events/data/compact-00000000-0000-4000-8000-000000000000-",
      inputs: [],
      fenced: false,
    };
    await writeIntent(world.lake.store, { ...intent, patienceMs: PATIENCE_MS });
    await useUpkeep(world, { keepSnapshots: 100 }, async (run, told, notes) => {
      await run();
      deepStrictEqual([told, notes], [[], []]);
    });
    deepStrictEqual(await historyOf(world), [
      ["consume", "compact", "gave-way", "somebody else rewrites files of the table"],
    ]);
    await writeIntent(world.lake.store, { ...intent, patienceMs: -1 });
    await useUpkeep(world, { keepSnapshots: 100 }, async (run, told) => {
      await run();
      deepStrictEqual(actions(told), ["compact"]);
    });
  }));

Deno.test("upkeep that fails says so, waits, and lets the batches go on", () =>
  MaintainWorld.use(async (world) => {
    await world.events(6);
    const notes: string[] = [];
    let tries = 0;
    const upkeep = new Upkeep(world.surroundings, {
      ...policy,
      keepSnapshots: 100,
      openRewriting: () => {
        tries++;
        return Promise.reject(new StreamlabError("corrupt", "Cannot rewrite: the disk lies"));
      },
      report: () => {},
      note: (text) => void notes.push(text),
    });
    const table = await world.load();
    const { signal } = new AbortController();
    for (let round = 0; round < 3; round++) await upkeep.run({ tables: [table], renew: () => {}, idleMs: 10, signal });
    deepStrictEqual([tries, notes], [1, ["Upkeep of bronze.events waits a while: Cannot rewrite: the disk lies"]]);
    await upkeep.close();
    deepStrictEqual(await historyOf(world), [["consume", "compact", "failed", "Cannot rewrite: the disk lies"]]);
  }));

Deno.test("a damaged file is told of once and left; the others are merged, and snapshots expire", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    for (let number = 0; number < 6; number++) {
      await world.append(await world.ownFile(`data/${number}.parquet`, 10 * number, 10));
    }
    const { location } = (await world.load()).io;
    damagePage(location.store.localPath(location.pathInStore("data/3.parquet"))!);
    await useUpkeep(world, {}, async (run, told, notes) => {
      const { io, metadata } = await run();
      const files = (await planScan(io, metadata)).files.map(({ dataFile: { recordCount } }) => recordCount);
      deepStrictEqual(files.sort((a, b) => a - b), [10, 50]);
      ok(actions(told).includes("expire-snapshots"));
      strictEqual(notes.length, 1);
      match(notes[0]!, /^Upkeep of bronze\.events leaves a file as it is: Cannot rewrite .*3\.parquet: it is damaged/);
    });
    const undone = (await historyOf(world)).filter(([, , outcome]) => outcome !== "done");
    deepStrictEqual(undone.map(([, action, outcome]) => [action, outcome]), [["compact", "failed"]]);
  }));

Deno.test("a table whose owner keeps its files loses none, and is merged all the same", () =>
  MaintainWorld.use(async (world) => {
    await world.events(6);
    await world.commit((transaction) => transaction.add(setProperties({ "gc.enabled": "false" })));
    await useUpkeep(world, {}, async (run, told) => {
      await run();
      deepStrictEqual(actions(told), ["compact"]);
    });
  }));

Deno.test("debt is what upkeep would do, in numbers", () =>
  MaintainWorld.use(async (world) => {
    const { metadata, io } = await world.events(6);
    const { files } = await planScan(io, metadata);
    const waiting = [
      { id: "a", table: "bronze.events", released: true, sinceMs: 0, files: 5, bytes: 50 },
      { id: "b", table: "bronze.events", released: true, sinceMs: 2 * hourMs, files: 7, bytes: 70 },
      { id: "c", table: "bronze.events", released: false, sinceMs: 0, files: 1, bytes: 1 },
    ];
    const nowMs = metadata.lastUpdatedMs + 1;
    const late = waiting.map((each) => ({ ...each, sinceMs: nowMs - 2 * hourMs + each.sinceMs }));
    deepStrictEqual(debtOf({ metadata, files, manifests: 6, waiting: late }, { ...policy, graceMs: hourMs }, nowMs), {
      snapshots: 3,
      smallFiles: 6,
      mergeableFiles: 6,
      deleteFiles: 0,
      manifests: 6,
      waitingFiles: 13,
      waitingBytes: 121,
      dueFiles: 5,
    });
  }));

Deno.test("a table's own properties say how many snapshots stay, and for how long", () => {
  const of = (properties: Record<string, string>) => retentionOf({ properties }, policy, 0);
  deepStrictEqual([of({}).retainLast, of({}).olderThanMs], [3, 0]);
  const { retainLast, olderThanMs, maxRefAgeMs } = of({
    "history.expire.min-snapshots-to-keep": "7",
    "history.expire.max-snapshot-age-ms": "86400000",
    "history.expire.max-ref-age-ms": "5",
  });
  deepStrictEqual([retainLast, olderThanMs, maxRefAgeMs], [7, 86_400_000, 5]);
  strictEqual(of({ "history.expire.min-snapshots-to-keep": "many" }).retainLast, 3);
  strictEqual(targetFileSizeOf({ properties: { "write.target-file-size-bytes": "1000" } }), 1000);
});

Deno.test("snapshots that no reference leads to are kept for an hour", () =>
  MaintainWorld.use(async (world) => {
    const { metadata } = await world.events(3);
    const alone = { ...metadata, refs: {}, currentSnapshotId: undefined };
    const expired = (nowMs: number) => expireSnapshots(alone, retentionOf(alone, policy, nowMs)).updates.length;
    deepStrictEqual([expired(metadata.lastUpdatedMs + 1), expired(metadata.lastUpdatedMs + 2 * hourMs)], [0, 1]);
  }));

Deno.test("upkeep takes no more than its share of the time, and an idle day is not saved up", () => {
  const pace = new UpkeepPace(0.1, 0);
  let nowMs = 0, spentMs = 0;
  for (let batch = 0; batch < 10_000; batch++) {
    nowMs += 50;
    if (!pace.mayStart(nowMs)) continue;
    const ms = 1 + (batch * 37) % 200;
    nowMs += ms;
    pace.spent(ms, nowMs);
    spentMs += ms;
  }
  ok(spentMs <= 0.1 * nowMs + 200, `${spentMs} of ${nowMs}`);
  ok(spentMs >= 0.08 * nowMs, `${spentMs} of ${nowMs}`);
  nowMs += 24 * hourMs;
  let pieces = 0;
  while (pace.mayStart(nowMs)) {
    pieces++;
    pace.spent(1_000, nowMs);
  }
  ok(pieces <= 11, `${pieces} pieces at once after an idle day`);
});

Deno.test("debt that grows for an hour is told once, and again after it had gone down", () => {
  const minuteMs = 60_000;
  const said = (debts: readonly number[]) => {
    const watch = new DebtWatch();
    return debts.flatMap((debt, minute) => watch.observe(debt, minute * minuteMs) ? [minute] : []);
  };
  const growing = Array.from({ length: 200 }, (_, minute) => minute);
  deepStrictEqual(said(growing), [60]);
  deepStrictEqual(said(growing.map((minute) => minute % 50)), []);
  deepStrictEqual(said(growing.map(() => 7)), []);
  deepStrictEqual(said([...growing, 0, ...growing.map((debt) => debt + 1)]), [60, 260]);
});

Deno.test("where everything pays all the time, files are merged each time, and the rest takes turns", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    await useUpkeep(world, { keepSnapshots: 1, inputsMin: 2 }, async (run, told, notes) => {
      for (let piece = 0; piece < 6; piece++) {
        for (let file = 0; file < 4; file++) {
          await world.lake.append(await world.load(), `SELECT ${10 * piece + file + 100}::BIGINT AS id`);
        }
        await run(undefined, 0);
      }
      const round = ["compact", "expire-snapshots", "compact", "remove-files"];
      deepStrictEqual([told.map(({ action }) => action), notes], [[...round, ...round, ...round], []]);
    });
  }));

/** Ten appends, each with what upkeep adds to it; the snapshots after each. */
async function appendWith(world: MaintainWorld, upkeep: Upkeep, fails = 0): Promise<number[]> {
  const counts: number[] = [];
  const { catalog, clock, random } = world.surroundings;
  for (let i = 0; i < 10; i++) {
    const rider = upkeep.newRider();
    const file = await world.file(
      `SELECT ${1000 + i}::BIGINT AS id, NULL::TIMESTAMPTZ AS at, 'x' AS text`,
      eventFieldIds,
    );
    let tries = 0;
    const { table, committed } = await commitTable(catalog, (await world.load()).identifier, async (transaction) => {
      await rider.stage(transaction);
      // Another writer is faster than the first tries.
      if (tries++ < fails) await world.commit((other) => other.add(setProperties({ [`try.${i}.${tries}`]: "1" })));
      transaction.add(await appendFiles(transaction, { files: [file] }));
    }, { clock, random });
    await rider.settle(committed);
    counts.push(table.metadata.snapshots.length);
  }
  return counts;
}

for (const fails of [0, 2]) {
  Deno.test(`snapshots go by the commits of batches, and what they needed is written down, after ${fails} lost tries`, () =>
    MaintainWorld.use(async (world) => {
      await world.events(3);
      const expired: number[] = [];
      const upkeep = new Upkeep(world.surroundings, {
        ...policy,
        expiredMin: 2,
        openRewriting: () => Promise.reject(new Error("nothing is to be rewritten")),
        report: ({ action, done }) => void (action === "expire-snapshots" && expired.push(done.snapshots!)),
        note: (text) => {
          throw new Error(text);
        },
      });
      const before = (await world.lake.ask("SELECT * FROM bronze.events")).length;
      deepStrictEqual(await appendWith(world, upkeep, fails), [4, 5, 4, 5, 4, 5, 4, 5, 4, 5]);
      deepStrictEqual(expired, [2, 2, 2, 2]);
      const removals = (await listRemovals(world.lake.store)).map(({ removal }) => removal);
      deepStrictEqual(removals.map(({ released, manifestLists }) => [released, manifestLists.length]), [
        [true, 2],
        [true, 2],
        [true, 2],
        [true, 2],
      ]);
      strictEqual((await world.lake.ask("SELECT * FROM bronze.events")).length, before + 10);
    }));
}

Deno.test("a backlog of snapshots, or a failure of upkeep's own, is no batch's business", () =>
  MaintainWorld.use(async (world) => {
    await world.events(45);
    const notes: string[] = [];
    const options = {
      ...policy,
      openRewriting: () => Promise.reject(new Error("nothing is to be rewritten")),
      report: () => {},
      note: (text: string) => void notes.push(text),
    };
    deepStrictEqual((await appendWith(world, new Upkeep(world.surroundings, options))).at(-1), 55);
    const store = { ...world.lake.store, write: () => Promise.reject(new StreamlabError("corrupt", "The disk lies")) };
    const broken = new Upkeep({ ...world.surroundings, store: Object.setPrototypeOf(store, world.lake.store) }, {
      ...options,
      keepSnapshots: 50,
    });
    deepStrictEqual((await appendWith(world, broken)).at(-1), 65);
    deepStrictEqual(notes, ["Upkeep of bronze.events waits a while: The disk lies"]);
    deepStrictEqual(await listRemovals(world.lake.store), []);
  }));
