import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { noteFailure } from "../../core/consume/failed_batch.ts";
import { type SetAsideReport, setPlanAside } from "../../core/consume/set_plan_aside.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { SqlError } from "../../core/engine/sql_error.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import type { ReplayedFile } from "../../core/lake/batch_plan.ts";
import { Checkpoint } from "../../core/lake/checkpoint.ts";
import { batchRecordPath } from "../../core/lake/layout.ts";
import { streamlabKey } from "../../core/lake/keys.ts";
import { runProgram } from "../../commands/line/program.ts";
import { commands } from "../../main.ts";
import { storeWith } from "../support/store_with.ts";
import { unnamedFiles } from "../support/unnamed_files.ts";
import { testWorld } from "../support/test_world.ts";
import { ConsumeWorld } from "./consume_world.ts";

const TARGET = "bronze.events";
const contract = parseContract('{"type":"object","properties":{"id":{"type":"integer"}}}');
const other = parseContract('{"type":"object","properties":{"id":{"type":"string"}}}');

async function sequenceOf(world: ConsumeWorld): Promise<string> {
  const { metadata } = (await world.catalog.loadTable(parseIdentifier(TARGET)))!;
  return metadata.properties[streamlabKey.sequenceId(TARGET)]!;
}

/**
 * A lake with one batch, and the plan of a second that no run can route: the table cannot follow
 * it. It takes a file, or judges dead letters again.
 */
async function withStuckPlan(action: (world: ConsumeWorld) => Promise<void>, replay?: ReplayedFile[]): Promise<void> {
  await ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":1}');
    await world.consume({ contract });
    world.put("2.ndjson", '{"id":2}\n{"id":"x"}');
    const path = "raw/events/2.ndjson";
    const { etag, size } = (await world.store.stat(path))!;
    await new Checkpoint(world.store, TARGET).createPlan({
      ...(replay === undefined ? { format: 1 } : { format: 2, replay }),
      sequenceId: await sequenceOf(world),
      batchId: 2,
      plannedAt: "2026-03-01T00:00:00.000Z",
      table: TARGET,
      raw: "",
      contract: other.text,
      options: { onExtraFields: "dead-letter" },
      files: replay === undefined ? [{ name: path, path, etag, size }] : [],
      changed: [],
    });
    await action(world);
  });
}

function setAside(world: ConsumeWorld, dryRun = false): Promise<SetAsideReport> {
  const { catalog, store, sink: _sink, clock, random, target } = { ...world.options(), store: world.store };
  return setPlanAside({ catalog, store, clock, random, target, dryRun });
}

async function failure(world: ConsumeWorld): Promise<StreamlabError> {
  let found: unknown;
  await rejects(world.consume({ contract }), (error) => {
    found = error;
    return true;
  });
  ok(found instanceof StreamlabError, String(found));
  return found;
}

async function events(world: ConsumeWorld): Promise<unknown[]> {
  const rows = await world.rows("SELECT id, _batch_id AS batch FROM {{bronze.events}} ORDER BY id");
  return rows.map(({ id, batch }) => [id, batch]);
}

Deno.test("a batch that fails three times for reasons of ours says how to go on", () =>
  withStuckPlan(async (world) => {
    const aside = /streamlab maintain --set-aside-plan --table bronze\.events gives its files to a later batch/;
    for (const _run of [1, 2]) {
      const { message, hint } = await failure(world);
      match(message, /^Cannot change bronze\.events to the contract: column id is long/);
      ok(!aside.test(hint ?? ""));
    }
    for (const run of [3, 4]) {
      const { message, hint, kind } = await failure(world);
      strictEqual(kind, "usage");
      match(message, new RegExp(`^Cannot finish batch 2 of bronze\\.events, tried ${run} times: Cannot change`));
      match(hint!, aside);
    }
  }));

Deno.test("what the outside refuses is not counted", () =>
  withStuckPlan(async (world) => {
    const plan = (await new Checkpoint(world.store, TARGET).readPlan(2n))!;
    await Deno.remove(world.store.localPath(batchRecordPath(TARGET, 2n, "plan"))!);
    await new Checkpoint(world.store, TARGET).createPlan({ ...plan, raw: "file:///elsewhere/" });
    for (const _run of [1, 2, 3, 4]) strictEqual((await failure(world)).kind, "conflict");
    strictEqual(await world.store.stat(batchRecordPath(TARGET, 2n, "failures")), undefined);
  }));

Deno.test("memory that does not do for a plan is counted, though it is no fault of ours", () =>
  withStuckPlan(async (world) => {
    const checkpoint = new Checkpoint(world.store, TARGET);
    const plan = (await checkpoint.readPlan(2n))!;
    const lacking = new SqlError(new Error("Out of Memory Error: failed to allocate data of size 1.0 MiB"));
    const note = async (error: Error) => await noteFailure(checkpoint, plan, error, systemClock) as StreamlabError;
    strictEqual(await note(lacking), lacking);
    await note(lacking.during("Cannot route batch 2"));
    const third = await note(lacking);
    strictEqual(third.kind, "unavailable");
    match(third.hint!, /--memory.*; streamlab maintain --set-aside-plan --table bronze\.events/);
  }));

Deno.test("a plan that is set aside loses nothing: its files are planned anew, by the contract of that run", () =>
  withStuckPlan(async (world) => {
    await failure(world);
    const report = {
      outcome: "set aside",
      batchId: 2n,
      files: 1,
      bytes: 19,
      letters: undefined,
      isReingest: false,
    } as const;
    deepStrictEqual(await setAside(world, true), report);
    deepStrictEqual(await setAside(world), report);
    deepStrictEqual(await setAside(world), { outcome: "nothing" });
    await world.consume({ contract });
    deepStrictEqual(await events(world), [[1n, 1n], [2n, 3n]]);
    const letters = await world.rows("SELECT _source_position AS position FROM {{dead_letters.events}}");
    deepStrictEqual(letters, [{ position: 1n }]);
    const ledger = await world.rows("SELECT batch_id AS batch, records FROM {{ingest.files}} ORDER BY batch");
    deepStrictEqual(ledger, [{ batch: 1n, records: 1n }, { batch: 3n, records: 2n }]);
  }));

Deno.test("a run that dies after it has decided is finished by the next one", () =>
  withStuckPlan(async (world) => {
    const dead = new Error("dead");
    const catalog = world.catalogOn(world.store);
    catalog.commit = () => Promise.reject(dead);
    const { clock, random, target } = world.options();
    await rejects(setPlanAside({ catalog, store: world.store, clock, random, target, dryRun: false }), dead);
    deepStrictEqual(await setAside(world), { outcome: "routed", batchId: 2n });
    await world.consume({ contract });
    deepStrictEqual(await events(world), [[1n, 1n], [2n, 3n]]);
  }));

Deno.test("a plan that was routed, or is half committed, is not set aside; one that is damaged is", async () => {
  await withStuckPlan(async (world) => {
    await world.store.write(batchRecordPath(TARGET, 2n, "plan"), new TextEncoder().encode("{"));
    strictEqual((await failure(world)).kind, "corrupt");
    const unknown = { files: undefined, bytes: undefined, letters: undefined, isReingest: false };
    deepStrictEqual(await setAside(world), { outcome: "set aside", batchId: 2n, ...unknown });
    await world.consume({ contract });
    deepStrictEqual(await events(world), [[1n, 1n], [2n, 3n]]);
  });
  await ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":1}');
    const broken = world.catalogOn(world.store);
    const commit = broken.commit.bind(broken);
    broken.commit = (change) => {
      if (change.base.identifier.name === "files") return Promise.reject(new Error("dead"));
      return commit(change);
    };
    await rejects(world.consume({ contract, catalog: broken }), /dead/);
    deepStrictEqual(await setAside(world), { outcome: "routed", batchId: 1n });
    await Deno.remove(world.store.localPath(batchRecordPath(TARGET, 1n, "routed"))!);
    await rejects(setAside(world), /does not say what was in it/);
  });
  await ConsumeWorld.use(async (world) => {
    await rejects(setAside(world), /There is no table bronze\.events/);
    await world.consume({ contract });
    deepStrictEqual(await setAside(world), { outcome: "nothing" });
  });
});

Deno.test("a consumer that is routing the very batch loses the race, removes what it made, and takes the files with the next one", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":1}\n{"id":"x"}');
    let outcome: SetAsideReport | undefined;
    const sink = storeWith(world.store, {
      create: async (path, bytes) => {
        if (path.endsWith(".routed.json")) outcome ??= await setAside(world);
        return await world.store.create(path, bytes);
      },
    });
    await world.consume({ contract, sink, zone: { ...world.options().zone, store: world.store } });
    deepStrictEqual(outcome, {
      outcome: "set aside",
      batchId: 1n,
      files: 1,
      bytes: 19,
      letters: undefined,
      isReingest: false,
    });
    deepStrictEqual(await events(world), [[1n, 2n]]);
    deepStrictEqual(await world.rows("SELECT records FROM {{ingest.files}}"), [{ records: 2n }]);
    deepStrictEqual(await unnamedFiles(world.store), []);
  }));

async function maintained(world: ConsumeWorld, ...args: string[]): Promise<string> {
  const shell = testWorld({ commands, cwd: world.folder, env: { TMPDIR: world.folder } });
  const status = await runProgram(["maintain", "--source", ".", ...args], shell);
  return `${status} ${shell.stdoutText()}${shell.stderrText()}`;
}

Deno.test("--status says that a plan is stuck and why, and --set-aside-plan lets it go", () =>
  withStuckPlan(async (world) => {
    await failure(world);
    const maintain = (...args: string[]) => maintained(world, ...args);
    match(
      await maintain("--status"),
      /^0 bronze\.events: batch 2 is stuck: planned .* ago with 1 file \(19 B\), failed once: Cannot change bronze\.events .*\n {2}maintain --set-aside-plan --table bronze\.events gives its files to a later batch\n {2}1 file waits/,
    );
    match(await maintain("--set-aside-plan"), /^2 streamlab: --set-aside-plan is about the plan of one table\n/);
    const aside = ["--set-aside-plan", "--table", "bronze.events"];
    const what = "the plan of batch 2; 1 file (19 B) waits for a later batch\n";
    strictEqual(await maintain(...aside, "--dry-run"), `0 bronze.events: would set aside ${what}`);
    strictEqual(await maintain(...aside), `0 bronze.events: set aside ${what}`);
    strictEqual(await maintain(...aside), "0 bronze.events: there is no plan to set aside\n");
    match(await maintain("--status"), /^0 bronze\.events: 1 file waits/);
    await world.consume({ contract });
    match(await maintain("--status"), /^0 bronze\.events: nothing waits\n {2}batch 3, /);
  }));

Deno.test("a plan to judge dead letters again is told as one; set aside it leaves them as they are", () =>
  withStuckPlan(async (world) => {
    for (const _run of [1, 2]) await failure(world);
    match((await failure(world)).hint!, /--set-aside-plan --table bronze\.events leaves its dead letters as they are$/);
    match(
      await maintained(world, "--status"),
      /batch 2 is stuck: planned .* ago to judge 2 dead letters again, failed 3 times.*\n.*leaves its dead letters as they are\n/,
    );
    strictEqual(
      await maintained(world, "--set-aside-plan", "--table", "bronze.events"),
      "0 bronze.events: set aside the plan of batch 2, a replay; 2 dead letters stay as they are\n",
    );
    await world.consume({ contract });
    deepStrictEqual(await events(world), [[1n, 1n], [2n, 3n]]);
  }, [{ name: "raw/events/1.ndjson", etag: "e", size: 1, batchId: 1, positions: [1, 2] }]));
