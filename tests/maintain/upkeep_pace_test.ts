import { deepStrictEqual, ok } from "node:assert/strict";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import type { UpkeepRecord } from "../../core/lake/upkeep_history.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { group } from "../../core/maintain/compaction/compaction_plan.ts";
import { mayBeJoined } from "../../core/maintain/compaction/joinable.ts";
import type { Rewriting } from "../../core/maintain/compaction/rewriting.ts";
import { THRESHOLDS, type UpkeepPolicy } from "../../core/maintain/upkeep/policy.ts";
import { UpkeepPace } from "../../core/maintain/upkeep/pace.ts";
import { Upkeep } from "../../core/maintain/upkeep/upkeep.ts";
import { UpkeepWorkshop } from "../../core/maintain/upkeep/upkeep_workshop.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { MaintainWorld } from "./maintain_world.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

const minuteMs = 60_000;
/** What a rewrite takes that reads rows, by the clock of the test, and one that does not. */
const LONG_MS = 3_000, SHORT_MS = 10;

const policy: UpkeepPolicy = {
  ...THRESHOLDS,
  keepSnapshots: 100,
  graceMs: 0,
  memoryBytes: 250e6,
  threads: 1,
  inputsMin: 4,
  pieceBytes: 1,
};

interface Told {
  action: string;
  files: number;
  atMs: number;
  ms: number;
}

/** `step` is called each second of so many; upkeep may do a piece of each job after it. */
async function upkeepFor(
  world: MaintainWorld,
  clock: ManualClock,
  seconds: number,
  step: (second: number) => Promise<void> = () => Promise.resolve(),
  changes: Partial<UpkeepPolicy> = {},
  joinMs = SHORT_MS,
): Promise<Told[]> {
  const surroundings = { ...world.surroundings, clock };
  const workshop = new UpkeepWorkshop(surroundings, { temporaryFolder: scratchFolder(), threads: 1 });
  const startMs = clock.nowMs();
  const told: Told[] = [];
  const upkeep = new Upkeep(surroundings, {
    ...policy,
    ...changes,
    openRewriting: () => timed(workshop.openRewriting(), clock, joinMs),
    report({ action, done, startedAt, endedAt }: UpkeepRecord) {
      const [start, end] = [Date.parse(startedAt), Date.parse(endedAt)];
      told.push({ action, files: done.filesBefore!, atMs: start - startMs, ms: end - start });
    },
    note: (text) => {
      throw new Error(text);
    },
  });
  const { signal } = new AbortController();
  try {
    for (let second = 0; second < seconds; second++) {
      await step(second);
      await upkeep.run({ tables: [await world.load()], renew: () => {}, idleMs: 0, signal });
      clock.advance(1_000);
    }
    await upkeep.close();
  } finally {
    await workshop.close();
  }
  return told;
}

Deno.test("a clock that is set back by an hour does not put off what is urgent", () => {
  const pace = new UpkeepPace(0.1, 60 * minuteMs);
  pace.spent(LONG_MS, 60 * minuteMs);
  ok(!pace.mayHurry(60 * minuteMs + 1));
  ok(pace.mayHurry(1));
});

Deno.test("who was in a hurry for hours owes the last piece, and a short one after it does not pay for it", () => {
  const share = 0.1, pieceMs = 3_000;
  const pace = new UpkeepPace(share, 0);
  let nowMs = 0;
  for (let piece = 0; piece < 1_000; piece++) {
    nowMs += pieceMs;
    pace.spent(pieceMs, nowMs);
    nowMs += pieceMs;
    ok(pace.mayHurry(nowMs) && !pace.mayStart(nowMs));
  }
  const startMs = pace.startMs();
  ok(startMs - nowMs <= pieceMs / share, String(startMs - nowMs));
  pace.spent(0, nowMs);
  deepStrictEqual(pace.startMs(), startMs);
  ok(pace.mayStart(startMs));
});

/** Each group takes its time by the clock of the test. */
function timed(rewriting: Rewriting, clock: ManualClock, joinMs: number): Rewriting {
  return {
    get hasReadRows() {
      return rewriting.hasReadRows === true;
    },
    resolveDeletes: (table, files) => rewriting.resolveDeletes(table, files),
    close: () => rewriting.close(),
    rewriterOf(table) {
      const rewriter = rewriting.rewriterOf(table);
      return {
        folderOf: (group) => rewriter.folderOf(group),
        prefetch: (group) => rewriter.prefetch(group),
        settle: () => rewriter.settle(),
        async rewrite(group, stem) {
          const files = await rewriter.rewrite(group, stem);
          clock.advance(rewriting.hasReadRows ? LONG_MS : joinMs);
          return files;
        },
      };
    },
  };
}

/** Four small files as consume writes them, in one commit. */
async function land(world: MaintainWorld, clock: ManualClock, second: number): Promise<void> {
  const { catalog, random } = world.surroundings;
  const numbers = [0, 1, 2, 3].map((file) => 4 * second + file);
  const files = await Promise.all(numbers.map((number) => world.ownFile(`data/own-${number}.parquet`, number, 1)));
  await commitTable(catalog, (await world.load()).identifier, async (transaction) => {
    transaction.add(await appendFiles(transaction, { files }));
  }, { clock, random });
}

Deno.test("rewrites that read rows wait until the one before has been made up for", () =>
  MaintainWorld.use(async (world) => {
    // Five days of two to three files each, to which nothing comes any more.
    await world.events(12, true);
    const clock = new ManualClock(Date.now() + 20 * minuteMs);
    const told = await upkeepFor(world, clock, 70);
    ok(told.length >= 2 && told.every(({ action, ms }) => action === "compact" && ms >= LONG_MS));
    const [first, second, third] = told.map(({ atMs }) => atMs);
    // Nothing else is to be done: a tenth of the time is for them.
    ok(first === 0 && second! >= 30_000 && second! <= 34_000, `${told.map(({ atMs }) => atMs)}`);
    ok(third! >= 60_000, `${third}`);
  }));

Deno.test("small files are joined while a long rewrite is made up for", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    const clock = new ManualClock(Date.now());
    for (let file = 0; file < 4; file++) {
      await world.append(await world.file(`SELECT ${file}::BIGINT AS id, 'x' AS text`, '"id": 1, "text": 3'));
    }
    const told = await upkeepFor(world, clock, 12, (second) =>
      second < 2 ? Promise.resolve() : land(world, clock, second));
    deepStrictEqual(told.map(({ ms }, index) => [index, ms >= LONG_MS]), told.map((_, index) => [index, index === 0]));
    ok(told.length > 5, `${told.length} pieces`);
  }));

Deno.test("while files pile up the next join waits as long as the last one took, not until its share is made up for", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    const clock = new ManualClock(Date.now());
    let most = 0;
    const told = await upkeepFor(
      world,
      clock,
      20,
      async (second) => {
        await land(world, clock, second);
        most = Math.max(most, (await world.liveFiles()).length);
      },
      {},
      3_000,
    );
    ok(
      told.every(({ ms }, index) => ms >= 3_000 && (index === 0 || told[index]!.atMs - told[index - 1]!.atMs >= 6_000)),
    );
    ok(told.length >= 4 && most <= 24, `${told.length} joins, ${most} files live at once`);
  }));

Deno.test("what waits is deleted while a long rewrite is made up for", () =>
  MaintainWorld.use(async (world) => {
    await world.events(12, true);
    const clock = new ManualClock(Date.now() + 20 * minuteMs);
    const told = await upkeepFor(world, clock, 20, undefined, { deletedMin: 1, keepSnapshots: 1, expiredMin: 1 });
    const acts = told.map(({ action }) => action);
    deepStrictEqual(new Set(acts), new Set(["compact", "expire-snapshots", "remove-files"]), acts.join());
    deepStrictEqual(acts.filter((action) => action === "compact").length, 1);
  }));

Deno.test("files that would be too many row groups together are not joined, by what their manifests say", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    await land(world, new ManualClock(Date.now()), 0);
    const { io, metadata } = await world.load();
    const { files } = await planScan(io, metadata);
    const withRowGroups = (count: number) =>
      files.map((file) => ({ ...file, dataFile: { ...file.dataFile, splitOffsets: new Array(count).fill(4) } }));
    const joined = [1, 64, 65].map((count) => mayBeJoined({ ...group(withRowGroups(count), 1e6), isBusy: true }));
    deepStrictEqual(joined, [true, true, false]);
  }));
