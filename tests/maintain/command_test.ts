import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { maintain } from "../../commands/maintain/maintain.ts";
import { runProgram } from "../../commands/line/program.ts";
import type { World } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import { testWorld } from "../support/test_world.ts";
import { MaintainWorld } from "./maintain_world.ts";

interface Shown {
  status: number;
  stdout: string;
  stderr: string;
  records: Record<string, unknown>[];
}

async function run(world: MaintainWorld, args: string[], changes: Partial<World> = {}): Promise<Shown> {
  const program = testWorld({ commands: [maintain] });
  const source = ["--source", world.lake.folder, "--threads", "2", "--memory", "500MB"];
  const status = await runProgram(["maintain", ...args, ...source], { ...program, clock: systemClock, ...changes });
  // What took more than a second says so, which on a busy machine can be anything.
  const stdout = program.stdoutText().replaceAll(/ in (\d+m )?\d+(\.\d+)?s$/gm, "");
  const isJson = args.includes("--json");
  const lines = stdout.trim().split("\n").filter((line) => line !== "");
  return { status, stdout, stderr: program.stderrText(), records: isJson ? lines.map((line) => JSON.parse(line)) : [] };
}

Deno.test("what is asked for is done to every table, and told", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    await world.lake.append(
      await world.lake.create("lab.other", (await world.load()).metadata.schemas[0]!.fields),
      "SELECT 1::BIGINT AS id",
    );
    const dry = await run(world, ["--all", "--dry-run"]);
    strictEqual(dry.status, 0, dry.stderr);
    match(dry.stdout, /^bronze\.events: would compact 4 files \(.*\) into 1$/m);
    match(dry.stdout, /^lab\.other: nothing to compact$/m);
    const done = await run(world, ["--all", "--older-than", "0", "--retain-last", "1"]);
    strictEqual(done.status, 0, done.stderr);
    match(done.stdout, /^bronze\.events: compacted 4 files \(.*\) into 1 \(.*\)$/m);
    match(done.stdout, /^bronze\.events: rewrote 2 manifests: 2 → 1$/m);
    match(
      done.stdout,
      /^bronze\.events: expired 5 snapshots \(1 kept\), deleted 4 data files, 6 manifests, 5 manifest lists$/m,
    );
    match(done.stdout, /^bronze\.events: no orphans$/m);
    strictEqual((await world.lake.ask("SELECT * FROM bronze.events")).length, 40);
    const again = await run(world, ["--all", "--table", "bronze.events"]);
    deepStrictEqual(again.stdout.trimEnd().split("\n"), [
      "bronze.events: nothing to compact",
      "bronze.events: manifests are as they should be (1)",
      "bronze.events: no snapshot to expire (1 kept)",
      "bronze.events: no orphans",
    ]);
  }));

Deno.test("--json prints an object for each action on each table", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    const { records, status } = await run(world, ["--all", "--status", "--json"]);
    strictEqual(status, 0);
    deepStrictEqual(records.map(({ action, table }) => [action, table]), [
      ["compacted-group", "bronze.events"],
      ["compact", "bronze.events"],
      ["rewrite-manifests", "bronze.events"],
      ["expire-snapshots", "bronze.events"],
      ["remove-orphans", "bronze.events"],
      ["ingestion-status", "bronze.events"],
      ["table-status", "bronze.events"],
      ["upkeep-status", "bronze.events"],
    ]);
    const { durationMs, ...compaction } = records[1]!;
    strictEqual(typeof durationMs, "number");
    deepStrictEqual(Object.keys(compaction).sort(), [
      "action",
      "deleteFiles",
      "dropped",
      "dryRun",
      "foreignIntents",
      "gaveWay",
      "groups",
      "inputs",
      "interrupted",
      "outputs",
      "table",
      "time",
    ]);
  }));

Deno.test("--json prints an object for each group of a compaction when it is committed", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const { records } = await run(world, ["--compact", "--json"]);
    const groups = records.filter(({ action }) => action === "compacted-group");
    deepStrictEqual(groups.map(({ group, groups }) => [group, groups]), [[1, 4], [2, 4], [3, 4], [4, 4]]);
    deepStrictEqual(groups.map(({ partition }) => partition).toSorted(), [
      "at_day=2026-03-01",
      "at_day=2026-03-02",
      "at_day=2026-03-03",
      "at_day=2026-03-04",
    ]);
    const [inputs, outputs] = ["inputs", "outputs"].map((side) => {
      const sizes = groups.map((group) => group[side] as { files: number; bytes: number; records: number });
      const sum = (key: keyof typeof sizes[0]) => sizes.reduce((total, size) => total + size[key], 0);
      return { files: sum("files"), bytes: sum("bytes"), records: sum("records") };
    });
    const { inputs: read, outputs: written } = records.at(-1)!;
    deepStrictEqual([inputs, outputs], [read, written]);
    ok(groups.every(({ dropped, time }) => dropped === null && typeof time === "string"));
    deepStrictEqual((await run(world, ["--compact", "--json"])).records.map(({ action }) => action), ["compact"]);
  }));

Deno.test("a table that cannot be looked after does not keep the others from it", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(2);
    await world.lake.append(
      await world.lake.create("lab.other", (await world.load()).metadata.schemas[0]!.fields),
      "SELECT 1::BIGINT AS id",
    );
    await world.lake.store.deletePaths([table.io.location.pathOf(table.metadata.snapshots[1]!.manifestList!)]);
    const { status, stdout, stderr } = await run(world, ["--compact"]);
    strictEqual(status, 1);
    match(stderr, /^Cannot compact bronze\.events: Cannot read .*: there is no such file/m);
    match(stdout, /^lab\.other: nothing to compact$/m);
    const alone = await run(world, ["--compact", "--table", "bronze.events"]);
    strictEqual(alone.status, 1);
    ok(!alone.stderr.includes("lab.other"));
  }));

Deno.test("the status is 1 where a file has waited for longer than --max-lag, and says which table lags", () =>
  MaintainWorld.use(async (world) => {
    const path = `${world.lake.folder}/raw/events/a.json`;
    await world.lake.store.write("raw/events/a.json", new TextEncoder().encode("[]"));
    const hourAgo = Date.now() / 1000 - 3_600;
    Deno.utimeSync(path, hourAgo, hourAgo);
    strictEqual((await run(world, ["--status"])).status, 0);
    strictEqual((await run(world, ["--status", "--max-lag", "2h"])).status, 0);
    const { status, stderr } = await run(world, ["--status", "--max-lag", "5m"]);
    strictEqual(status, 1);
    match(stderr, /^bronze\.events lags by 1h 0m, more than --max-lag 5m 0s$/m);
    const alone = await run(world, ["--compact", "--max-lag", "5m"]);
    strictEqual(alone.status, 2, alone.stderr);
  }));

Deno.test("wrong usage is told with status 2, and a missing table or lake with 1", () =>
  MaintainWorld.use(async (world) => {
    const nothing = await run(world, []);
    strictEqual(nothing.status, 2);
    match(nothing.stderr, /nothing was asked for/);
    strictEqual((await run(world, ["--compact", "--sort-by", "id"])).status, 2);
    await world.events(2);
    strictEqual((await run(world, ["--compact", "--table", "bronze.events", "--sort-by", "nobody"])).status, 2);
    const missing = await run(world, ["--compact", "--table", "bronze.nothing"]);
    deepStrictEqual([missing.status, /There is no table bronze\.nothing/.test(missing.stderr)], [1, true]);
  }));

Deno.test("an interrupted run says so, and what was done stays", () =>
  MaintainWorld.use(async (world) => {
    await world.events(2);
    const { status } = await run(world, ["--all"], { signal: AbortSignal.abort() });
    strictEqual(status, 130);
    strictEqual((await world.liveFiles()).length, 2);
  }));
