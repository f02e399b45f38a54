/** Large files that several tasks read: the rows are those of one process that reads them whole. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { SqlRow } from "../../core/engine/duckdb.ts";
import type { RoutingTask } from "../../core/lake/routing_task.ts";
import { ROUTING, type TaskKind } from "../../core/routing/task_cluster.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { inFolder, succeed } from "../e2e/program.ts";
import { answerHere, ingest, Tasks } from "../e2e/task_processes.ts";

/** Few records and many bytes: the reader cuts nothing below some megabytes. */
const FILLING = "é,]}\\n".repeat(3_000);
const RECORDS = 220;
const TASK_BYTES = 2_000_000;

function record(number: number): string {
  const event = { user_id: "u", event_id: `${number}`, event_type: "t", event_timestamp: "2026-03-01T00:00:00Z" };
  const odd = [{ user_id: 7 }, { more: 1 }][number % 9];
  return JSON.stringify({ ...event, ...odd, properties: { filling: FILLING } });
}

const records = Array.from({ length: RECORDS }, (_, number) => record(number));
const lines = records.map((each, number) => number % 50 === 7 ? each.slice(0, 20_000) : each);

/** What each holds, and how many tasks read some of it. */
const FILES: Readonly<Record<string, [content: string, isCut: boolean]>> = {
  "array.json": [`\uFEFF [${records.join(" ,\n")}]\n`, true],
  "cut-short.json": [`[${records.join()}`, false],
  "lines.ndjson": [lines.join("\n"), true],
  "values.json": [records.join(" "), true],
  "values-cut-short.json": [`${records.join("\n")}\n{"user_id": [${records.join()}`, true],
};

async function contentOf(world: ConsumeWorld): Promise<SqlRow[][]> {
  const tables = ["bronze.events", "dead_letters.events"].map((table) =>
    `SELECT * EXCLUDE (_ingested_at) FROM {{${table}}} ORDER BY _source_file, _source_position`
  );
  const ledger = "SELECT * EXCLUDE (ingested_at, etag) FROM {{ingest.files}} ORDER BY source_file";
  return await Promise.all([...tables, ledger].map((sql) => world.rows(sql)));
}

/** How many tasks have each file. */
function readersOf(tasks: readonly RoutingTask[]): Record<string, number> {
  const names = tasks.flatMap(({ files }) => files.map(({ name }) => name.replace("raw/events/", "")));
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, { length }]) => [name, length]).sort());
}

Deno.test("large files that several tasks read give the rows, letters and counts of one process", () =>
  inFolder((folder) =>
    ConsumeWorld.use((here) =>
      ConsumeWorld.use(async (there) => {
        for (const world of [here, there]) {
          for (const [name, [content]] of Object.entries(FILES)) world.put(name, content);
          world.put("packed.ndjson.gz", gzipSync(lines.join("\n")));
        }
        const own = new Tasks(2, answerHere);
        const content = here.consume().then(() => contentOf(here));
        await ingest(there.options(), own, folder, TASK_BYTES);
        deepStrictEqual(await contentOf(there), await content);
        const readers = readersOf(own.tasks);
        for (const [name, [, isCut]] of Object.entries(FILES)) {
          strictEqual((readers[name] ?? 0) > 1, isCut, `${name}: ${JSON.stringify(readers)}`);
        }
        strictEqual(readers["packed.ndjson.gz"], 1);
        await succeed(folder, ["maintain", "--source", there.folder, "--audit"]);
      })
    )
  ));

Deno.test("a large file of envelopes is read by several tasks, too", () =>
  inFolder((folder) =>
    ConsumeWorld.use((here) =>
      ConsumeWorld.use(async (there) => {
        const envelopes = records.map((each, number) => number === 40 ? "{}" : `{"Records":[${each},${each}]}`);
        for (const world of [here, there]) {
          world.put("lines.ndjson", envelopes.slice(0, RECORDS / 2).join("\n"));
          world.put("one.json", `{"at":1,"Records":[${records.join()}]}`);
        }
        const zoned = (world: ConsumeWorld) => ({ zone: { ...world.options().zone, recordsAt: "/Records" } });
        const own = new Tasks(2, answerHere);
        const content = here.consume(zoned(here)).then(() => contentOf(here));
        await ingest(there.options(zoned(there)), own, folder, TASK_BYTES);
        deepStrictEqual(await contentOf(there), await content);
        const readers = Object.values(readersOf(own.tasks));
        ok(readers.length === 2 && readers.every((tasks) => tasks > 1), JSON.stringify(readers));
      })
    )
  ));

/** Runs tasks one after another; something happens after the first that routes. */
class Disturbed extends Tasks {
  #disturb: (() => void) | undefined;

  constructor(disturb: () => void) {
    super(2, answerHere);
    this.#disturb = disturb;
  }

  override async run<T extends { format: number }, R extends { format: number }>(
    kind: TaskKind<T, R>,
    tasks: readonly T[],
  ): Promise<R[]> {
    const results: R[] = [];
    for (const task of tasks) {
      results.push(...await super.run(kind, [task]));
      if (kind.command !== ROUTING.command) continue;
      this.#disturb?.();
      this.#disturb = undefined;
    }
    return results;
  }
}

Deno.test("a large file that changes when one task has read some of it is in no table", () =>
  inFolder((folder) =>
    ConsumeWorld.use(async (world) => {
      world.put("lines.ndjson", records.join("\n"));
      const own = new Disturbed(() => world.put("lines.ndjson", "{}"));
      await ingest(world.options(), own, folder, TASK_BYTES);
      deepStrictEqual(own.tasks.map(({ files }) => files.map(({ ranges }) => ranges?.of)), [[3], [3], [3], [
        undefined,
      ]]);
      deepStrictEqual(await world.rows("SELECT status, records::INT AS n FROM {{ingest.files}}"), [
        { status: "changed", n: 0 },
      ]);
      strictEqual((await world.rows("SELECT 1 FROM {{bronze.events}}")).length, 0);
    })
  ));
