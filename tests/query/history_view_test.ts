import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { BATCHES, History, UPKEEP } from "../../core/lake/history.ts";
import { LEDGER } from "../../core/lake/table_names.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import { Session } from "../../core/query/sql_session.ts";
import { formatNdjson } from "../../core/query/format/format_text.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { storeWith } from "../support/store_with.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

const event = (id: string) =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T00:00:00Z"}`;

async function ask(world: ConsumeWorld, sql: string, options: { asOfMs?: number } = {}): Promise<unknown[]> {
  const session = new Session({
    openCatalog: () => Promise.resolve(world.catalog),
    openLake: () => Promise.resolve(world.store),
    clock: systemClock,
    random: world.random,
    temporaryFolder: scratchFolder(),
    threads: 1,
  });
  return await session.ask(sql, options, async (rows) => {
    let text = "";
    for await (const piece of formatNdjson(rows)) text += piece;
    return text.trimEnd().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  });
}

/** Three batches of one file: an event each, and letters in the second. */
async function consumeThree(world: ConsumeWorld): Promise<void> {
  world.put("a.ndjson", event("a"));
  world.put("b.ndjson", `${event("b")}\n{"user_id":1}\n{"user_id":2}\n${event("c").replace("}", ',"x":1}')}\n`);
  world.put("c.ndjson", event("d"));
  await world.consume({ maxFilesPerBatch: 1 });
}

const FIGURES = `SELECT batch_id, files, records, events, dead_letters, dead_letters_by_reason AS reasons, engine
FROM ingest.batches ORDER BY batch_id`;

const EXPECTED = [
  { batch_id: 1, files: 1, records: 1, events: 1, dead_letters: 0, reasons: {}, engine: "embedded" },
  {
    ...{ batch_id: 2, files: 1, records: 4, events: 1, dead_letters: 3 },
    ...{ reasons: { extra_fields: 1, invalid_schema: 2 }, engine: "embedded" },
  },
  { batch_id: 3, files: 1, records: 1, events: 1, dead_letters: 0, reasons: {}, engine: "embedded" },
];

Deno.test("every batch is a row, with what became of its records and what its steps took", () =>
  ConsumeWorld.use(async (world) => {
    await consumeThree(world);
    deepStrictEqual(await ask(world, FIGURES), EXPECTED);
    const [row] = await ask(
      world,
      `SELECT "table", bytes, round(epoch(committed_at) - epoch(landed_at), 3) = round(lag_seconds, 3) AS lags, planned_at <= routed_at AND routed_at <= committed_at AS ordered, map_keys(seconds) AS steps
FROM ingest.batches WHERE batch_id = 1`,
    ) as [{ table: string; bytes: number; lags: boolean; ordered: boolean; steps: string[] }];
    strictEqual(row.table, "bronze.events");
    strictEqual(row.bytes, event("a").length);
    ok(row.ordered);
    ok(row.lags);
    for (const step of ["plan", "route", "place", "commitEvents"]) ok(row.steps.includes(step), `${row.steps}`);
  }));

Deno.test("a batch costs no commit for its record, and its record outlives the ledger's snapshots", () =>
  ConsumeWorld.use(async (world) => {
    await consumeThree(world);
    const ledger = (await world.catalog.loadTable(LEDGER))!;
    strictEqual(ledger.metadata.snapshots.length, 3);
    const surroundings = { store: world.store, catalog: world.catalog, random: world.random, clock: systemClock };
    const expiry = { olderThanMs: -1, retainLast: 1 };
    await expireTable(surroundings, ledger, { ...expiry, dryRun: true });
    const history = new History(BATCHES, surroundings);
    deepStrictEqual(await Array.fromAsync(history.read()), []);
    const { snapshotIds } = await expireTable(surroundings, ledger, { ...expiry, dryRun: false });
    strictEqual(snapshotIds.length, 2);
    deepStrictEqual(await ask(world, FIGURES), EXPECTED);
    // As one who died before the commit leaves it.
    await history.add((await Array.fromAsync(history.read())).flat());
    deepStrictEqual(await ask(world, FIGURES), EXPECTED);
    const [{ at }] = await ask(world, "SELECT epoch_ms(max(committed_at)) AS at FROM ingest.batches") as [
      { at: number },
    ];
    const before = await ask(world, "SELECT max(batch_id) AS last FROM ingest.batches", { asOfMs: at - 1 });
    ok((before[0] as { last: number }).last < 3);
  }));

Deno.test("a batch that another process has routed is a row without reasons", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.ndjson", `${event("a")}\n{}\n`);
    const { store } = world;
    const dying = storeWith(store, {
      create: (path, bytes) => {
        return path.endsWith("v2.metadata.json") ? Promise.reject(new Error("killed")) : store.create(path, bytes);
      },
    });
    await rejects(world.consume({ sink: dying, zone: world.options().zone }), /killed/);
    await world.consume();
    const rows = await ask(world, "SELECT dead_letters, dead_letters_by_reason AS reasons FROM ingest.batches");
    deepStrictEqual(rows, [{ dead_letters: 1, reasons: null }]);
  }));

Deno.test("a batch with files that hold no records is a row like any other", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.ndjson", event("a"));
    world.put("b.ndjson", "");
    await world.consume({ zone: { ...world.options().zone, onEmpty: "ignore" } });
    deepStrictEqual(world.batches.map(({ empty }) => empty), [1]);
    deepStrictEqual(await ask(world, FIGURES), [{ ...EXPECTED[0], files: 2 }]);
  }));

Deno.test("what upkeep did is a view beside it, and both are listed where there is a ledger", () =>
  ConsumeWorld.use(async (world) => {
    deepStrictEqual(await ask(world, "SELECT * FROM ingest.upkeep"), []);
    deepStrictEqual(await ask(world, "SELECT * FROM ingest.batches"), []);
    deepStrictEqual(await ask(world, "SHOW TABLES"), []);
    await consumeThree(world);
    await new History(UPKEEP, { store: world.store, clock: systemClock, random: world.random }).add([{
      ...{ format: 1, id: "1", table: "bronze.events", by: "consume", action: "compact", outcome: "done" },
      ...{ startedAt: "2026-03-01T12:00:00.000Z", endedAt: "2026-03-01T12:00:01.500Z" },
      ...{ done: { filesBefore: 9, filesAfter: 1 }, debt: {} },
    }]);
    deepStrictEqual(
      await ask(
        world,
        "SELECT action, done['filesBefore'] AS before, epoch(ended_at - started_at) AS s FROM INGEST.Upkeep",
      ),
      [{ action: "compact", before: 9, s: 1.5 }],
    );
    const listed = (await ask(world, "SHOW TABLES")).map((row) => Object.values(row as object).join("."));
    deepStrictEqual(listed, [
      ...["bronze.events", "dead_letters.events", "ingest.batches", "ingest.files", "ingest.upkeep"],
    ]);
    match(JSON.stringify(await ask(world, "DESCRIBE ingest.batches")), /dead_letters_by_reason/);
    deepStrictEqual(
      await ask(world, "SELECT count(*) AS n FROM ingest.batches b JOIN ingest.files f USING (batch_id)"),
      [{ n: 3 }],
    );
  }));
