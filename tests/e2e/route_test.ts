import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import type { ReplayedFile } from "../../core/lake/batch_plan.ts";
import { combineResults, type RoutingResult } from "../../core/lake/routing_task.ts";
import { inFolder, streamlab, succeed } from "./program.ts";
import { ingest, processes, TASK_LIMITS } from "./task_processes.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";

Deno.test("a batch routed by two processes, a share in each, is committed as one and audited clean", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      const produce = ["produce", "--sink", world.folder, "--seed", "7", "--dirty", "--batches", "9"];
      await succeed(folder, [...produce, "--batch-size", "40", "--compress", "gzip"]);
      const cluster = processes(folder, 2);
      await ingest(world.options(), cluster, folder);
      deepStrictEqual(cluster.tasks.flatMap(({ files }) => files.map(({ number }) => number)).sort(), [
        ...Array(9).keys(),
      ]);
      const bytes = cluster.tasks.map((task) => task.files.reduce((sum, { size }) => sum + size, 0));
      ok(bytes.length === 2 && Math.max(...bytes) < 2 * Math.min(...bytes), `${bytes}`);
      deepStrictEqual(cluster.tasks.map(({ limits }) => limits), [TASK_LIMITS, TASK_LIMITS]);

      strictEqual(world.batches.length, 1);
      const { files, records, events, deadLetters } = world.batches[0]!;
      ok(files === 9 && events > 0 && deadLetters > 0 && records > 300, JSON.stringify(world.batches));
      const sum = (pick: (result: RoutingResult) => number) =>
        cluster.results.reduce((all, each) => all + pick(each), 0);
      strictEqual(sum((result) => result.files.reduce((all, file) => all + file.events, 0)), events);
      for (const { events: part } of cluster.results) ok(part.files.length > 0, "each share has rows");
      await succeed(folder, ["maintain", "--source", world.folder, "--audit"]);
      const [row] = await world.rows(
        "SELECT count(*)::INT AS n, count(DISTINCT _batch_id)::INT AS b FROM {{bronze.events}}",
      );
      deepStrictEqual(row, { n: events, b: 1 });
      const told = "SELECT engine, tasks FROM ingest.batches";
      const [batch] = JSON.parse(await succeed(folder, ["query", "--source", world.folder, "--format", "json", told]));
      deepStrictEqual(batch, { engine: "spark", tasks: 2 });
    })
  ));

Deno.test("a process reads envelopes by the pointer of its task", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      world.put("a.json", '{"Records":[{},{"user_id":7}]}');
      const zone = { ...world.options().zone, recordsAt: "/Records" };
      await ingest(world.options({ zone }), processes(folder, 4), folder);
      const { files, records, deadLetters } = world.batches[0]!;
      deepStrictEqual([files, records, deadLetters], [1, 2, 2]);
    })
  ));

Deno.test("tasks that find different new columns are routed again as one", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      for (const [name, field] of [["a", "one"], ["b", "two"]]) {
        world.put(
          `${name}.json`,
          `[{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T00:00:00Z","${field}":1}]`,
        );
      }
      const cluster = processes(folder, 2);
      await ingest(world.options({ onExtraFields: "add" }), cluster, folder, 150);
      deepStrictEqual(cluster.tasks.map(({ files }) => files.length), [1, 1, 2]);
      deepStrictEqual(await world.rows("SELECT one, two FROM {{bronze.events}} ORDER BY 1"), [
        { one: "1", two: null },
        { one: null, two: "1" },
      ]);

      const [first, second] = cluster.results as [RoutingResult, RoutingResult];
      const plan = { sequenceId: first.sequenceId, batchId: 1, options: {}, files: [{}, {}], changed: [] } as never;
      const batch = { attempt: "0", ingestedAtMicros: "0", ledger: first.events };
      throws(() => combineResults(plan, batch, [first]), /do not hold each of its files once/);
      throws(() => combineResults(plan, batch, [first, first]), /do not hold each of its files once/);
      throws(() => combineResults(plan, batch, [first, { ...second, batchId: 2 }]), /a share is of batch 2/);
      throws(() => combineResults(plan, batch, [first, second]), /found different new columns/);
    })
  ));

Deno.test("a batch that is to be deduplicated is no cluster's, and stays planned for this process", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      world.put("a.json", "[{}]");
      const dedupe = { by: ["event_id"], at: "event_timestamp", withinMicros: "1000" };
      const cluster = processes(folder, 1);
      await rejects(ingest(world.options({ dedupe }), cluster, folder), /repeats are found in whole batches/);
      deepStrictEqual(cluster.tasks, []);
      await world.consume({ dedupe });
      strictEqual(world.batches.length, 1);
    })
  ));

Deno.test("dead letters are judged again where the consumer is, whatever routes its files", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      const event = { user_id: "u", event_id: "e", event_type: "t", event_timestamp: "2026-03-01T00:00:00Z", more: 1 };
      world.put("a.json", JSON.stringify([event, {}]));
      const cluster = processes(folder, 2);
      await ingest(world.options(), cluster, folder);
      const [file] = await world.rows("SELECT source_file AS name, etag, size FROM {{ingest.files}}");
      const letters = [{ ...file, size: Number(file!.size), batchId: 1, positions: [0] } as ReplayedFile];
      await ingest(world.options({ onExtraFields: "rescue" }), cluster, folder, 20_000, async (consumer, signal) => {
        strictEqual(await consumer.takeAgain(() => Promise.resolve({ format: 2, replay: letters }), signal), true);
      });
      strictEqual(cluster.tasks.length, 1);
      deepStrictEqual(await world.rows("SELECT _batch_id::INT AS n FROM {{bronze.events}}"), [{ n: 2 }]);
      const left = "SELECT _source_position FROM dead_letters.events";
      strictEqual(
        await succeed(folder, ["query", "--source", world.folder, "--format", "csv", left]),
        "_source_position\n1\n",
      );
      await succeed(folder, ["maintain", "--source", world.folder, "--audit"]);
    })
  ));

Deno.test("route says what is wrong with its task, and no help names it", () =>
  inFolder(async (folder) => {
    const answer = async (stdin: string) => {
      const { status, stderr } = await streamlab(folder, ["route"], { stdin });
      return `${status} ${stderr}`;
    };
    match(await answer(""), /^2 .*there is no task on standard input/);
    match(await answer("{}"), /^1 .*Cannot read the routing task on standard input/);
    match(await answer(`{"format":2}`), /^1 .*made by a newer streamlab/);
    for (const args of [["--help"], ["completions", "bash"]]) {
      const { stdout } = await streamlab(folder, args);
      ok(!/\broute\b/.test(stdout), stdout);
    }
  }));
