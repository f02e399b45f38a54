import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { ConsumeSession, type ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { type Catalog, parseIdentifier, type TableCommit } from "../../core/iceberg/catalog/catalog.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { storeWith } from "../support/store_with.ts";

const event = (id: string) =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}`;

/**
 * The consumer with a sink that ends it when it is to create this file, before or after it is
 * there.
 */
function stoppedAt(world: ConsumeWorld, file: RegExp, when: "before" | "after"): Partial<ConsumeSessionOptions> {
  const sink = storeWith(world.store, {
    async create(path, bytes) {
      if (!file.test(path)) return await world.store.create(path, bytes);
      if (when === "after") await world.store.create(path, bytes);
      throw new Error("stopped here");
    },
  });
  return { sink, catalog: world.catalogOn(sink), zone: world.options().zone };
}

const metadata = (table: string) => new RegExp(`^warehouse/${table}/metadata/v\\d+\\.metadata\\.json$`);

const moments: [string, RegExp, "before" | "after"][] = [
  ["planned", /\.plan\.json$/, "after"],
  ["with data files made that nothing names", /\.routed\.json$/, "before"],
  ["routed", /\.routed\.json$/, "after"],
  ["with events committed", metadata("bronze/events"), "after"],
  ["before dead letters", metadata("dead_letters/events"), "before"],
  ["with dead letters committed", metadata("dead_letters/events"), "after"],
  ["before the ledger", metadata("ingest/files"), "before"],
  ["with the ledger committed", metadata("ingest/files"), "after"],
];

async function counts(world: ConsumeWorld): Promise<Record<string, unknown>[]> {
  return [
    ...await world.rows("SELECT event_id, _batch_id FROM {{bronze.events}} ORDER BY ALL"),
    ...await world.rows("SELECT _raw_record, _batch_id FROM {{dead_letters.events}} ORDER BY ALL"),
    ...await world.rows("SELECT source_file, records, events, batch_id FROM {{ingest.files}} ORDER BY ALL"),
  ];
}

for (const [name, file, when] of moments) {
  Deno.test(`a run stopped ${name} is finished by the next one, each record once`, () =>
    ConsumeWorld.use(async (world) => {
      await world.consume();
      world.put("1.ndjson", `${event("a")}\nx\n`);
      await rejects(() => world.consume(stoppedAt(world, file, when)), /stopped here/);
      world.put("2.ndjson", `${event("b")}\n${event("c")}\ny\n`);
      await world.consume();
      await world.consume();
      deepStrictEqual(await counts(world), [
        { event_id: "a", _batch_id: 1n },
        { event_id: "b", _batch_id: 2n },
        { event_id: "c", _batch_id: 2n },
        { _raw_record: "x", _batch_id: 1n },
        { _raw_record: "y", _batch_id: 2n },
        { source_file: "raw/events/1.ndjson", records: 2n, events: 1n, batch_id: 1n },
        { source_file: "raw/events/2.ndjson", records: 3n, events: 2n, batch_id: 2n },
      ]);
      const { metadata } = (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
      strictEqual(metadata.snapshots.length, 2);
    }));
}

Deno.test("what was routed is committed as it is, even if the raw files have gone and the contract has changed", () =>
  ConsumeWorld.use(async (world) => {
    await world.consume();
    world.put("1.ndjson", `${event("a")}\nx\n`);
    await rejects(() => world.consume(stoppedAt(world, /\.routed\.json$/, "after")), /stopped here/);
    Deno.removeSync(world.rawPath("1.ndjson"));
    await world.consume({ contract: wider });
    strictEqual(world.batches[0]!.resumed, true);
    const [row] = await world.rows("SELECT event_id, _batch_id FROM {{bronze.events}}");
    deepStrictEqual(row, { event_id: "a", _batch_id: 1n });
  }));

Deno.test("what was planned under one contract is judged by that one, whatever the next run brings", () =>
  ConsumeWorld.use(async (world) => {
    await world.consume();
    world.put("1.ndjson", event("a").replace("}", ',"country":"x"}'));
    await rejects(() => world.consume(stoppedAt(world, /\.plan\.json$/, "after")), /stopped here/);
    world.put("2.ndjson", event("b").replace("}", ',"country":"x"}'));
    await world.consume({ contract: wider });
    deepStrictEqual(world.batches.map(({ resumed, events, deadLetters }) => ({ resumed, events, deadLetters })), [
      { resumed: true, events: 0, deadLetters: 1 },
      { resumed: false, events: 1, deadLetters: 0 },
    ]);
    const rows = await world.rows("SELECT event_id, country FROM {{bronze.events}}");
    deepStrictEqual(rows, [{ event_id: "b", country: "x" }]);
    ok((await counts(world)).length === 4);
  }));

const wider = parseContract(JSON.stringify({
  type: "object",
  properties: {
    user_id: { type: "string" },
    event_id: { type: "string" },
    event_type: { type: "string" },
    event_timestamp: { type: "string", format: "date-time" },
    product_id: { type: "string" },
    country: { type: "string" },
  },
  required: ["user_id", "event_id", "event_type", "event_timestamp"],
}));

Deno.test("a running consumer that loses every race for a table says so, and takes the batch when the others are done", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", `${event("a")}\nx\n`);
    const catalog = world.catalogOn(world.store);
    let isBusy = true;
    const busy: Catalog = new Proxy(catalog, {
      get(target, key) {
        const method = Reflect.get(target, key).bind(target);
        if (key !== "commit") return method;
        return async (commit: TableCommit) => {
          if (isBusy) throw new StreamlabError("conflict", "Cannot commit to bronze.events: version 2 exists already");
          return await method(commit);
        };
      },
    });
    // Time goes by as fast as it is waited for; whoever waits in a loop lets the others go on.
    let nowMs = Date.UTC(2026, 2, 1);
    const clock = {
      nowMs: () => nowMs,
      sleep: (ms: number) => {
        nowMs += ms;
        return new Promise<void>((resolve) => setTimeout(resolve, 0));
      },
    };
    const end = new AbortController();
    const report = { ...world.options().report, batch: () => end.abort() };
    const session = await ConsumeSession.open(world.options({ catalog: busy, clock, report }));
    const troubles: string[] = [];
    try {
      await session.run(end.signal, 1_000, (error) => {
        troubles.push(error.message);
        isBusy = false;
      });
    } finally {
      session.close();
    }
    strictEqual(troubles.length, 1);
    match(
      troubles[0]!,
      /^Cannot commit to (bronze|dead_letters)\.events: \d+ attempts in a row were lost, the last one because version 2 exists already$/,
    );
    deepStrictEqual(await world.rows("SELECT event_id, _batch_id FROM {{bronze.events}}"), [{
      event_id: "a",
      _batch_id: 1n,
    }]);
  }));
