import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../../core/base/clock.ts";
import { requireTable } from "../../../core/iceberg/catalog/catalog.ts";
import { LEDGER } from "../../../core/lake/table_names.ts";
import { expireTable } from "../../../core/maintain/removal/expire.ts";
import { Tokens } from "../../../core/serve/tokens.ts";
import { ServedLake } from "../../support/lake_server.ts";
import { runProgram } from "../../../commands/line/program.ts";
import { commands } from "../../../main.ts";
import { scratchFolder } from "../../support/scratch_folder.ts";
import { testWorld } from "../../support/test_world.ts";
import { getJson as get, HOSTILE_RECORD, partitionBy, useFilledLake } from "./console_lake.ts";

type Rows = Record<string, unknown>[];

function question(lake: ServedLake, sql: unknown, more: Record<string, unknown> = {}) {
  return lake.ask("POST", "/api/sql", { sql, ...more }, { "content-type": "application/json" });
}

Deno.test("the overview tells of each stream what waits, its last batch and its letters by reason", () => {
  // The lake may have been made for tests that have taken minutes since.
  let nowMs = systemClock.nowMs();
  const consoleClock: Clock = { nowMs: () => nowMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  return useFilledLake(async (lake) => {
    await Deno.writeTextFile(`${lake.folder}/raw/events/d.json`, "[]");
    const { targets: [{ lastBatch: last }] } = await get(lake, "overview") as {
      targets: [{ lastBatch: { ingestedAt: string } }];
    };
    nowMs = Date.parse(last.ingestedAt) + 10_000;
    const { targets, isReadable } = await get(lake, "overview");
    strictEqual(isReadable, true);
    const [{ lagMs, lastBatch, eventsPerSecond, ...target }] = targets as [Record<string, unknown>];
    strictEqual(eventsPerSecond, 0.1, "4 events in the last minute");
    deepStrictEqual(target, {
      target: "bronze.events",
      raw: "raw/events/",
      waitingFiles: 1,
      waitingBytes: 2,
      problem: null,
      plan: null,
      deadLetterTable: "dead_letters.events",
      deadLetters: { invalid_schema: 2, corrupted_batch: 1 },
    });
    ok(Number(lagMs) >= 0);
    const { ingestedAt, ...batch } = lastBatch as Record<string, unknown>;
    match(String(ingestedAt), /^2\d{3}-.*Z$/);
    deepStrictEqual(batch, { batchId: 2, files: 2, records: 3, events: 2, deadLetters: 2 });
  }, { consoleClock });
});

Deno.test("batches come with their rates, the newest first, and no more than were asked for", () =>
  useFilledLake(async (lake) => {
    const { batches } = await get(lake, "batches?target=bronze.events") as { batches: Rows };
    deepStrictEqual(batches.map(({ batchId, files, events, deadLetters }) => [batchId, files, events, deadLetters]), [
      [2, 2, 2, 2],
      [1, 1, 2, 1],
    ]);
    deepStrictEqual(batches.map(({ deadLettersByReason }) => deadLettersByReason), [
      { corrupted_batch: 1, invalid_schema: 1 },
      { invalid_schema: 1 },
    ]);
    for (const { seconds, plannedAt, routedAt, committedAt, landedAt, lagMs, superseded } of batches) {
      strictEqual(lagMs, Date.parse(String(committedAt)) - Date.parse(String(landedAt)));
      strictEqual(superseded, null, "nothing is upserted");
      ok(["discover", "plan", "route", "commitEvents"].every((step) => step in (seconds as object)));
      ok(String(plannedAt) <= String(routedAt) && String(routedAt) <= String(committedAt));
    }
    ok(Number(batches[0]!.eventsPerSecond) > 0);
    strictEqual(batches[1]!.eventsPerSecond, null);
    const last = await get(lake, "batches?target=bronze.events&limit=1") as { batches: Rows };
    deepStrictEqual(last.batches, batches.slice(0, 1));
    const older = await get(lake, "batches?target=bronze.events&before=2") as { batches: Rows };
    deepStrictEqual(older.batches, batches.slice(1));
    strictEqual((await lake.ask("GET", "/api/batches?target=bronze.none")).status, 404);
    strictEqual((await lake.ask("GET", "/api/batches")).status, 400);
  }));

Deno.test("batches are told as before when their snapshots have expired, and by the ledger where no record is left", () =>
  useFilledLake(async (lake, world) => {
    const path = "batches?target=bronze.events";
    const { batches } = await get(lake, path) as { batches: Rows };
    const catalog = world.catalogOn(world.store), ledger = await requireTable(catalog, LEDGER);
    const surroundings = { catalog, store: world.store, clock: systemClock, random: world.random };
    const { snapshotIds } = await expireTable(surroundings, ledger, { olderThanMs: 0, retainLast: 1, dryRun: false });
    strictEqual(snapshotIds.length, 1);
    await ServedLake.use(async (anew) => deepStrictEqual((await get(anew, path)).batches, batches), {
      folder: world.folder,
    });
    await Deno.remove(`${world.folder}/checkpoints/history/batches`, { recursive: true });
    await ServedLake.use(async (anew) => {
      const { batches: [second, first] } = await get(anew, path) as { batches: Rows };
      // When the first was committed is known less exactly now.
      const rate = { eventsPerSecond: 0, secondsSinceBatchBefore: 0 };
      deepStrictEqual({ ...second, ...rate }, { ...batches[0], ...rate }, "the snapshot that is kept tells of it");
      const times = { plannedAt: null, routedAt: null, landedAt: null, lagMs: null, seconds: null };
      const untold = { ...times, deadLettersByReason: null, engine: null };
      const known = { ...batches[1], ...untold, replayed: null, reingested: null };
      deepStrictEqual({ ...first, committedAt: null }, { ...known, committedAt: null });
    }, { folder: world.folder });
  }));

Deno.test("a replay is told as a batch that judged letters again, and its files as having fewer of them", () =>
  useFilledLake(async (lake, world) => {
    const event = { user_id: "u", event_id: "e6", event_type: "view", event_timestamp: "2026-03-01T12:00:00Z" };
    world.put("d.json", JSON.stringify([{ ...event, more: 1 }]));
    await world.consume({ partitionBy });
    await world.consume({ partitionBy, onExtraFields: "rescue" });
    const shell = testWorld({ commands, cwd: world.folder, env: { TMPDIR: scratchFolder() } });
    strictEqual(await runProgram(["maintain", "--source", ".", "--replay-dead-letters"], shell), 0, shell.stderrText());
    for (const which of ["limit=1", "before=5&limit=1"]) {
      const { batches } = await get(lake, `batches?target=bronze.events&${which}`) as { batches: Rows };
      const [{ batchId, files, filesLeftOut, bytes, events, deadLetters, replayed }] = batches as [Rows[number]];
      const figures = [batchId, files, filesLeftOut, bytes, events, deadLetters, replayed];
      deepStrictEqual(figures, [4, 0, 0, 0, 1, 0, 1], which);
    }
    const { files } = await get(lake, "files?status=replayed") as { files: Rows };
    deepStrictEqual(files.map(({ events, deadLetters, records }) => [events, deadLetters, records]), [[1, -1, 0]]);
  }));

Deno.test("letters are counted by reason and place, listed cut, and shown whole with their source", () =>
  useFilledLake(async (lake) => {
    const table = "table=dead_letters.events";
    const { groups } = await get(lake, `letters/reasons?${table}`) as { groups: Rows };
    deepStrictEqual(new Set(groups.map(({ reason, count }) => `${reason} ${count}`)).has("corrupted_batch 1"), true);
    strictEqual(groups.reduce((sum, { count }) => sum + Number(count), 0), 3);
    const { place } = groups.find(({ exampleDetail }) => String(exampleDetail).startsWith("/user_id"))!;
    strictEqual(place, "/user_id");

    const { letters, hasMore } = await get(lake, `letters?${table}`) as { letters: Rows; hasMore: boolean };
    deepStrictEqual([letters.length, hasMore], [3, false]);
    const long = letters.find(({ isCut }) => isCut === true)!;
    strictEqual(String(long.record).length, 300);
    const chosen = await get(lake, `letters?${table}&reason=invalid_schema&place=%2Fuser_id&limit=1`);
    deepStrictEqual((chosen.letters as Rows).map(({ sourceFile }) => sourceFile), ["raw/events/a.json"]);

    const one = `${table}&file=${long.sourceFile}&position=${long.sourcePosition}&batch=${long.batchId}`;
    const letter = await get(lake, `letter?${one}`);
    ok(String(letter.record).startsWith('{"user_id":"<script>'), String(letter.record).slice(0, 50));
    deepStrictEqual([String(letter.record).length, letter.isCut], [1_000_000, true]);
    deepStrictEqual(letter.source, { file: "raw/events/b.json", position: 2, batchId: 2 });
    strictEqual((letter.ledger as Record<string, unknown>).target, "bronze.events");
    const file = await get(lake, `letter?${table}&file=raw/events/c.json&batch=2`);
    strictEqual(file.reason, "corrupted_batch");
    const none = await lake.ask("GET", `/api/letter?${table}&file=none&batch=2`);
    strictEqual(none.status, 404, none.text);
  }));

Deno.test("a table is shown with its files, partitions and snapshots, and what upkeep would do", () =>
  useFilledLake(async (lake) => {
    const { tables } = await get(lake, "tables") as { tables: Rows };
    for (const { table, columns } of tables as { table: string; columns: string[] }[]) {
      const { schema } = await get(lake, `table?table=${table}`) as { schema: { name: string }[] };
      deepStrictEqual(columns, schema.map(({ name }) => name), table);
    }
    deepStrictEqual(tables.map(({ table }) => table).sort(), ["bronze.events", "dead_letters.events", "ingest.files"]);
    const found = await get(lake, "table?table=bronze.events");
    deepStrictEqual(found.partitionedBy, [{
      name: "event_timestamp_day",
      transform: "day",
      column: "event_timestamp",
    }]);
    const { oldestSnapshotMs: _, bytes, ...files } = found.files as Record<string, unknown>;
    ok(Number(bytes) > 0);
    deepStrictEqual(files, {
      dataFiles: 2,
      smallFiles: 2,
      mergeableFiles: 2,
      rows: 4,
      deleteFiles: 0,
      deletedRows: 0,
      manifests: 2,
      snapshots: 2,
    });
    strictEqual((found.partitions as Rows).length, 1);
    const snapshots = found.snapshots as Rows;
    deepStrictEqual(snapshots.map(({ operation, rows }) => [operation, rows]), [["append", 4], ["append", 2]]);
    match(String(snapshots[0]!.snapshotId), /^\d{5,}$/);
    deepStrictEqual(found.verdict, []);
    const ledger = await get(lake, "table?table=ingest.files");
    ok(Array.isArray(ledger.partitions));
  }));

Deno.test("no name of a table leads to another file", () =>
  useFilledLake(async (lake) => {
    const names = ["..", "../..", "bronze/../../x.y", "a.b", 'bronze."events"', "bronze.events$files", ""];
    for (const name of names) {
      const table = encodeURIComponent(name);
      for (const path of [`table?table=${table}`, `letters?table=${table}`, `letters/reasons?table=${table}`]) {
        strictEqual((await lake.ask("GET", `/api/${path}`)).status, 404, path);
      }
    }
    strictEqual((await lake.ask("GET", "/api/letters?table=bronze.events")).status, 400);
    for (const path of ["/console/../serve.ts", "/console/%2e%2e/answer.ts", "/console/none.js", "/api/none"]) {
      strictEqual((await lake.ask("GET", path)).status, 404, path);
    }
  }));

Deno.test("a question is answered in texts, and only questions are", () =>
  useFilledLake(async (lake) => {
    const sql = "SELECT count(*) AS n, 9007199254740993 AS big, NULL AS nothing, [1, 2] AS list FROM bronze.events";
    const { status, json } = await question(lake, sql);
    strictEqual(status, 200);
    deepStrictEqual(json.columns, [
      { name: "n", type: "BIGINT" },
      { name: "big", type: "BIGINT" },
      { name: "nothing", type: "INTEGER" },
      { name: "list", type: "INTEGER[]" },
    ]);
    deepStrictEqual(json.rows, [["4", "9007199254740993", null, "[1,2]"]]);
    const refused = [
      "COPY bronze.events TO '/tmp/x'",
      "SELECT * FROM read_csv('/etc/passwd')",
      "SELECT 1; SELECT 2",
      "SELECT * FROM bronze.none",
      "EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/x'",
      "SET memory_limit = '100GB'",
      "nonsense",
      "SELECT '\0'",
    ];
    for (const text of refused) {
      const answer = await question(lake, text);
      ok([400, 404].includes(answer.status), `${text}: ${answer.status} ${answer.text}`);
    }
    for (const body of [{}, { sql: 1 }, { sql: "SELECT 1", rows: 0 }, { sql: "SELECT 1", rows: 1e9 }]) {
      strictEqual((await question(lake, body.sql, body)).status, 400, JSON.stringify(body));
    }
    // What a form of another site can send is not taken, whoever sends it.
    strictEqual(
      (await lake.ask("POST", "/api/sql", { sql: "SELECT 1" }, { "content-type": "text/plain" })).status,
      415,
    );
    strictEqual((await lake.ask("GET", "/api/sql")).status, 405);
    deepStrictEqual(lake.failures, []);
  }));

Deno.test("a question has a limit on rows, on the length of its texts and on its answer, and says which", () =>
  useFilledLake(async (lake) => {
    const rows = await question(lake, "SELECT * FROM range(5000)");
    deepStrictEqual([(rows.json.rows as unknown[]).length, rows.json.cut], [1_000, "only the first 1,000 rows"]);
    const few = await question(lake, "SELECT * FROM range(5000)", { rows: 3 });
    deepStrictEqual(few.json.rows, [["0"], ["1"], ["2"]]);
    const long = await question(lake, "SELECT repeat('x', 2000000) AS t");
    deepStrictEqual(
      [(long.json.rows as string[][])[0]![0]!.length, long.json.cut],
      [1_000_000, "of long texts only the first 1000000 letters"],
    );
    const wide = await question(lake, "SELECT repeat('x', 900000) AS t FROM range(100)");
    deepStrictEqual((wide.json.rows as unknown[]).length, 8);
    match(String(wide.json.cut), /^only the first 8 rows: they are very long$/);
  }));

Deno.test("a question that takes too long is stopped, and the next one is answered", () => {
  const begun = Promise.withResolvers<number>(), over = Promise.withResolvers<void>();
  let questions = 0;
  const clock: Clock = {
    nowMs: () => systemClock.nowMs(),
    sleep: (ms, signal) => {
      begun.resolve(ms);
      return questions++ === 0 ? over.promise : systemClock.sleep(ms, signal);
    },
  };
  return useFilledLake(async (lake) => {
    const answering = question(lake, "SELECT sum(a.range * b.range) FROM range(1000000000) a, range(1000000000) b");
    strictEqual(await begun.promise, 30_000);
    over.resolve();
    const { status, json } = await answering;
    deepStrictEqual([status, (json.error as Record<string, unknown>).type], [400, "QuestionLimitException"]);
    strictEqual((await question(lake, "SELECT 1 AS one")).status, 200);
  }, { sessionClock: clock });
});

Deno.test("a question that needs more memory and disk than it may have is refused, and the server goes on", () =>
  useFilledLake(async (lake) => {
    const { status, json } = await question(lake, "SELECT list(range || 'a longer text') FROM range(100000000)");
    deepStrictEqual([status, (json.error as Record<string, unknown>).type], [400, "QuestionLimitException"]);
    strictEqual((await question(lake, "SELECT 1 AS one")).status, 200);
  }));

Deno.test("pages and their scripts are there without a token and hold nothing of the lake; data are not", () =>
  ServedLake.use(async (lake) => {
    for (const path of ["/", "/tables?table=x", "/letters", "/sql", "/console/main.js", "/console/console.css"]) {
      const { status, text, headers } = await lake.ask("GET", path);
      strictEqual(status, 200, path);
      ok(!text.includes(lake.folder));
      const policy = headers.get("content-security-policy")!;
      for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
        ok(policy.includes(rule), policy);
      }
      ok(!/unsafe|\*|https?:/.test(policy), policy);
      deepStrictEqual([headers.get("x-content-type-options"), headers.get("cache-control")], ["nosniff", "no-store"]);
    }
    for (const path of ["/api/overview", "/api/tables", "/api/none"]) {
      strictEqual((await lake.ask("GET", path)).status, 401, path);
    }
    strictEqual((await question(lake, "SELECT 1")).status, 401);
    strictEqual((await lake.ask("POST", "/")).status, 405);
  }, { guard: { tokens: new Tokens("0123456789abcdef0123") } }));

Deno.test("a link of another site leads to a page, but to no data", () =>
  ServedLake.use(async (lake) => {
    const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    strictEqual((await lake.ask("GET", "/tables", undefined, link)).status, 200);
    strictEqual((await lake.ask("GET", "/api/tables", undefined, link)).status, 403);
    strictEqual((await lake.ask("GET", "/metrics", undefined, link)).status, 403);
    const script = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };
    strictEqual((await lake.ask("GET", "/console/main.js", undefined, script)).status, 403);
    strictEqual(
      (await lake.ask("POST", "/tables", undefined, { ...link, origin: "https://evil.example" })).status,
      403,
    );
  }));

Deno.test("a lake without tables is shown as one", () =>
  ServedLake.use(async (lake) => {
    deepStrictEqual((await get(lake, "tables")).tables, []);
    const { targets } = await get(lake, "overview") as { targets: Rows };
    deepStrictEqual(targets.map(({ target, lastBatch }) => [target, lastBatch]), [["bronze.events", null]]);
    deepStrictEqual((await get(lake, "batches?target=bronze.events")).batches, []);
    strictEqual((await question(lake, `SELECT * FROM bronze.events -- ${HOSTILE_RECORD}`)).status, 404);
  }));
