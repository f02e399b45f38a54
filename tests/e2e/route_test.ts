import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { Meter } from "../../core/base/meter.ts";
import { systemRandom } from "../../core/base/random.ts";
import { Consumer } from "../../core/consume/consumer.ts";
import { EmbeddedKnownFiles } from "../../core/consume/embedded_known_files.ts";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { Scratch } from "../../core/disk/scratch.ts";
import { newAttempt } from "../../core/lake/data_file_name.ts";
import { parseRecord, recordText } from "../../core/lake/durable_record.ts";
import {
  batchOutcomes,
  combineResults,
  RESULT_FORMAT,
  type RoutingResult,
  type RoutingTask,
  routingTasks,
} from "../../core/lake/routing_task.ts";
import { placeLedger } from "../../core/routing/ledger_rows.ts";
import type { Router } from "../../core/routing/router.ts";
import { RoutingEngine } from "../../core/routing/routing_engine.ts";
import { inFolder, streamlab, succeed } from "./program.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";

const LIMITS = { threads: 1, memory: "300MB" };

/** Routes each batch in processes of the program, a share in each. */
class ProcessRouter implements Router {
  readonly tasks: RoutingTask[] = [];
  readonly results: RoutingResult[] = [];
  readonly #shares: number;
  readonly #folder: string;

  constructor(shares: number, folder: string) {
    this.#shares = shares;
    this.#folder = folder;
  }

  close(): void {}

  async route(...[plan, tables]: Parameters<Router["route"]>): ReturnType<Router["route"]> {
    const attempts = Array.from({ length: this.#shares }, () => newAttempt(systemRandom));
    const ingestedAtMicros = BigInt(systemClock.nowMs()) * 1000n;
    const rawRoot = tables.events.io.location.store.root;
    const tasks = routingTasks(plan, tables, { attempts, ingestedAtMicros, rawRoot, limits: LIMITS });
    this.tasks.push(...tasks);
    const results = await Promise.all(tasks.map((task) => this.#routeElsewhere(task)));
    this.results.push(...results);
    const outcomes = batchOutcomes(plan, results.flatMap(({ files }) => files));
    const engine = new RoutingEngine({ ...LIMITS, spillFolder: `${this.#folder}/spill` });
    const scratch = Scratch.create(`${this.#folder}/ledger`);
    try {
      const attempt = newAttempt(systemRandom);
      const ledger = await placeLedger(engine.readers.own, scratch, tables.ledger, {
        plan,
        outcomes,
        ingestedAtMicros,
        attempt,
      });
      const batch = { attempt, ingestedAtMicros: ingestedAtMicros.toString(), ledger };
      return { routed: combineResults(plan, batch, results) };
    } finally {
      scratch.remove();
      engine.close();
    }
  }

  async #routeElsewhere(task: RoutingTask): Promise<RoutingResult> {
    const { status, stdout, stderr } = await streamlab(this.#folder, ["route"], { stdin: recordText(task) });
    strictEqual(status, 0, stderr);
    return parseRecord(RESULT_FORMAT, stdout, "of a process");
  }
}

/** Ingests what is there through a router. */
async function ingest(
  world: Pick<ConsumeWorld, "options">,
  router: Router,
  folder: string,
): Promise<void> {
  const scratch = Scratch.create(`${folder}/known`);
  const known = new EmbeddedKnownFiles(() => DuckDb.open({ threads: 1 }), "bronze.events", scratch);
  try {
    const options = { ...world.options(), meter: new Meter(systemClock), router, known };
    await (await Consumer.start(options)).takeAll(new AbortController().signal, true);
  } finally {
    known.close();
  }
}

Deno.test("a batch routed by two processes, a share in each, is committed as one and audited clean", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      const produce = ["produce", "--sink", world.folder, "--seed", "7", "--dirty", "--batches", "9"];
      await succeed(folder, [...produce, "--batch-size", "40", "--compress", "gzip"]);
      const router = new ProcessRouter(2, folder);
      await ingest(world, router, folder);
      deepStrictEqual(router.tasks.map(({ files }) => files.map(({ number }) => number)), [
        [0, 2, 4, 6, 8],
        [1, 3, 5, 7],
      ]);
      strictEqual(world.batches.length, 1);
      const { files, records, events, deadLetters } = world.batches[0]!;
      ok(files === 9 && events > 0 && deadLetters > 0 && records > 300, JSON.stringify(world.batches));
      const sum = (pick: (result: RoutingResult) => number) =>
        router.results.reduce((all, each) => all + pick(each), 0);
      strictEqual(sum((result) => result.files.reduce((all, file) => all + file.events, 0)), events);
      for (const { events: part } of router.results) ok(part.files.length > 0, "each share has rows");
      await succeed(folder, ["maintain", "--source", world.folder, "--audit"]);
      const [row] = await world.rows(
        "SELECT count(*)::INT AS n, count(DISTINCT _batch_id)::INT AS b FROM {{bronze.events}}",
      );
      deepStrictEqual(row, { n: events, b: 1 });
    })
  ));

Deno.test("a process reads envelopes by the pointer of its task", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      world.put("a.json", '{"Records":[{},{"user_id":7}]}');
      const zone = { ...world.options().zone, recordsAt: "/Records" };
      await ingest({ options: () => world.options({ zone }) }, new ProcessRouter(1, folder), folder);
      const { files, records, deadLetters } = world.batches[0]!;
      deepStrictEqual([files, records, deadLetters], [1, 2, 2]);
    })
  ));

Deno.test("shares that are missing, doubled, strange, or found different new columns are no batch", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      for (const [name, field] of [["a", "one"], ["b", "two"]]) {
        world.put(
          `${name}.json`,
          `[{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T00:00:00Z","${field}":1}]`,
        );
      }
      const router = new ProcessRouter(2, folder);
      await rejects(
        ingest({ options: () => world.options({ onExtraFields: "add" }) }, router, folder),
        /found different new columns/,
      );
      const [first, second] = router.results as [RoutingResult, RoutingResult];
      const plan = { sequenceId: first.sequenceId, batchId: 1, files: [{}, {}], changed: [] } as never;
      const batch = { attempt: "0", ingestedAtMicros: "0", ledger: first.events };
      throws(() => combineResults(plan, batch, [first]), /do not hold each of its files once/);
      throws(() => combineResults(plan, batch, [first, first]), /do not hold each of its files once/);
      throws(() => combineResults(plan, batch, [first, { ...second, batchId: 2 }]), /a share is of batch 2/);
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
