import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { placeIn } from "../../../core/serve/console/pages/json_place.js";
import type { ServedLake } from "../../support/lake_server.ts";
import { getJson as get, HOSTILE_RECORD, partitionBy, useFilledLake } from "./console_lake.ts";

const JSON_BODY = { "content-type": "application/json" };

type Rows = Record<string, unknown>[];

Deno.test("what goes on is told as it happens, and only what has changed", () =>
  useFilledLake(async (lake, world) => {
    const stream = await lake.stream("live?target=bronze.events");
    try {
      const [overview, batches] = [await stream.next(), await stream.next()];
      deepStrictEqual([overview.name, batches.name], ["overview", "batches"]);
      deepStrictEqual((batches.json.batches as Rows).map(({ batchId }) => batchId), [2, 1]);
      world.put("d.json", JSON.stringify([{ user_id: "u" }]));
      await world.consume({ partitionBy });
      let seen = await stream.next();
      while (seen.name !== "batches") seen = await stream.next();
      deepStrictEqual((seen.json.batches as Rows).map(({ batchId }) => batchId), [3, 2, 1]);
    } finally {
      await stream.cancel();
    }
    strictEqual((await lake.ask("GET", "/api/live?target=bronze.none")).status, 404);
    deepStrictEqual(lake.failures, []);
  }));

Deno.test("a server that is to end does not wait for those who look on", () => {
  let open: Awaited<ReturnType<ServedLake["stream"]>> | undefined;
  return useFilledLake(async (lake) => {
    open = await lake.stream("live");
    await open.next();
  }).then(() => open!.cancel());
});

Deno.test("a file is found in the ledger by a part of its name, its batch, stream or state", () =>
  useFilledLake(async (lake) => {
    const names = async (query: string) =>
      ((await get(lake, `files?${query}`)).files as Rows).map(({ sourceFile }) => sourceFile);
    deepStrictEqual(await names(""), ["raw/events/b.json", "raw/events/c.json", "raw/events/a.json"]);
    deepStrictEqual(await names("find=B.JS"), ["raw/events/b.json"]);
    deepStrictEqual(await names("batch=1"), ["raw/events/a.json"]);
    deepStrictEqual(await names("target=bronze.events&status=ingested&limit=1&offset=1"), ["raw/events/c.json"]);
    deepStrictEqual(await names(`find=${encodeURIComponent("' OR true --")}`), []);
    deepStrictEqual(await names("status=vanished"), []);
    strictEqual((await lake.ask("GET", "/api/files?batch=x")).status, 400);
    const { files, hasMore } = await get(lake, "files?limit=1") as { files: Rows; hasMore: boolean };
    strictEqual(hasMore, true);
    const { etag: _etag, bytes, ingestedAt: _at, ...file } = files[0]!;
    ok(Number(bytes) > 1_000_000);
    deepStrictEqual(file, {
      target: "bronze.events",
      deadLetterTable: "dead_letters.events",
      sourceFile: "raw/events/b.json",
      batchId: 2,
      records: 3,
      events: 2,
      deadLetters: 1,
      duplicates: 0,
      superseded: null,
      status: "ingested",
    });
  }));

Deno.test("a contract is shown with its columns and history, and what a changed one would do", () =>
  useFilledLake(async (lake) => {
    const found = await get(lake, "contract?target=bronze.events");
    deepStrictEqual((found.fields as Rows).slice(0, 1), [
      { name: "user_id", key: "user_id", type: "VARCHAR", required: true, nullable: false, checks: [] },
    ]);
    deepStrictEqual((found.history as Rows).map(({ schemaId, isCurrent, changes }) => [schemaId, isCurrent, changes]), [
      [0, true, ["the table was made"]],
    ]);
    const compare = async (change: (contract: { properties: Record<string, unknown> }) => void) => {
      const contract = JSON.parse(found.contract as string);
      change(contract);
      const body = { target: "bronze.events", contract: JSON.stringify(contract) };
      const { status, json } = await lake.ask("POST", "/api/contract/compare", body, JSON_BODY);
      strictEqual(status, 200);
      return [json.isAllowed, json.changes, (json.refusals as Rows).map(({ column }) => column)];
    };
    deepStrictEqual(await compare(() => {}), [true, [], []]);
    deepStrictEqual(
      await compare(({ properties }) => properties.price = { type: "number" }),
      [true, ["price is added (DOUBLE)"], []],
    );
    deepStrictEqual(
      await compare(({ properties }) => properties.user_id = { type: "integer" }),
      [false, [], ["user_id"]],
    );
    const nonsense = { target: "bronze.events", contract: "{" };
    strictEqual((await lake.ask("POST", "/api/contract/compare", nonsense, JSON_BODY)).status, 400);
    const twice = (i: number) => ({ properties: { a: { $ref: `#/$defs/d${i}` }, b: { $ref: `#/$defs/d${i}` } } });
    const $defs = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d${i}`, twice(i + 1)]));
    const endless = { type: "object", ...twice(0), $defs: { ...$defs, d40: { type: "string" } } };
    const unfolding = { target: "bronze.events", contract: JSON.stringify(endless) };
    const { status, json } = await lake.ask("POST", "/api/contract/compare", unfolding, JSON_BODY);
    strictEqual(status, 400);
    match((json.error as { message: string }).message, /with its references followed, .* more than 20000 fields/);
    const referring = { type: "object", properties: { a: { $ref: "other.json#/$defs/a" } } };
    const alone = { target: "bronze.events", contract: JSON.stringify(referring) };
    const { json: { error } } = await lake.ask("POST", "/api/contract/compare", alone, JSON_BODY);
    const { message, hint } = error as { message: string; hint: string };
    match(message, /"other\.json#\/\$defs\/a" leads out of this text$/);
    match(hint, /"\$defs": only a contract that is read from a file, as by consume --contract, has others beside it/);
    const large = { target: "bronze.events", contract: " ".repeat(300_000) };
    strictEqual((await lake.ask("POST", "/api/contract/compare", large, JSON_BODY)).status, 413);
    strictEqual((await lake.ask("GET", "/api/contract?target=bronze.none")).status, 404);
    deepStrictEqual(lake.failures, []);
  }));

Deno.test("letters are exported as lines of JSON, by reason and place", () =>
  useFilledLake(async (lake) => {
    const lines = async (query: string) => {
      const { status, text, headers } = await lake.ask("GET", `/api/letters/export?table=dead_letters.events${query}`);
      strictEqual(status, 200, text);
      strictEqual(headers.get("content-type"), "application/x-ndjson");
      return text.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    const all = await lines("");
    deepStrictEqual(all.map(({ sourceFile, sourcePosition }) => [sourceFile, sourcePosition]), [
      ["raw/events/a.json", 2],
      ["raw/events/b.json", 2],
      ["raw/events/c.json", null],
    ]);
    strictEqual(String(all[2]!.record), `[${HOSTILE_RECORD}`);
    deepStrictEqual((await lines("&reason=invalid_schema&place=%2Fuser_id")).map(({ batchId }) => batchId), [1]);
    strictEqual((await lake.ask("GET", "/api/letters/export?table=bronze.events")).status, 400);
  }));

Deno.test("upkeep is run where it is allowed, as a dry run unless it is meant", () =>
  useFilledLake(async (lake) => {
    const run = async (body: Record<string, unknown>) => await lake.ask("POST", "/api/upkeep", body, JSON_BODY);
    const tidy = { table: "bronze.events", action: "compact" };
    const first = await run(tidy);
    deepStrictEqual([first.status, first.json.dryRun, (first.json.inputs as Record<string, unknown>).files], [
      200,
      true,
      2,
    ]);
    deepStrictEqual((await get(lake, "table?table=bronze.events")).snapshotCount, 2);
    strictEqual((await run({ ...tidy, dryRun: false })).status, 200);
    const { snapshotCount, files } = await get(lake, "table?table=bronze.events");
    deepStrictEqual([snapshotCount, (files as Record<string, unknown>).dataFiles], [3, 1]);
    for (const action of ["rewrite-manifests", "expire-snapshots", "remove-orphans"]) {
      strictEqual((await run({ ...tidy, action, dryRun: false })).status, 200, action);
    }
    const sql = `select "by", action, outcome, done['filesBefore']::int from ingest.upkeep where action = 'compact'`;
    const { json: { rows } } = await lake.ask("POST", "/api/sql", { sql }, JSON_BODY);
    deepStrictEqual(rows, [["serve", "compact", "done", "2"]]);
    const { pieces } = await get(lake, "upkeep/history?table=bronze.events") as { pieces: Record<string, unknown>[] };
    deepStrictEqual(new Set(pieces.map(({ action }) => action)).has("compact"), true);
    const [{ by, outcome, done, startedAt, endedAt }] = pieces.filter(({ action }) => action === "compact") as [
      Record<string, unknown>,
    ];
    deepStrictEqual([by, outcome, (done as Record<string, number>).filesBefore], ["serve", "done", 2]);
    ok(String(startedAt) <= String(endedAt));
    deepStrictEqual(
      pieces.map((piece) => piece.startedAt),
      pieces.map((piece) => piece.startedAt).toSorted().reverse(),
    );
    strictEqual(
      (await get(lake, "upkeep/history?table=bronze.events&limit=1") as { pieces: unknown[] }).pieces.length,
      1,
    );
    strictEqual((await lake.ask("GET", "/api/upkeep/history")).status, 400);
    for (const body of [{}, { ...tidy, action: "audit" }, { ...tidy, dryRun: "no" }, { ...tidy, table: 1 }]) {
      strictEqual((await run(body)).status, 400, JSON.stringify(body));
    }
    strictEqual((await run({ ...tidy, table: "bronze.none" })).status, 404);
    strictEqual((await lake.ask("POST", "/api/upkeep", tidy, { "content-type": "text/plain" })).status, 415);
    const foreign = { ...JSON_BODY, origin: "https://evil.example" };
    strictEqual((await lake.ask("POST", "/api/upkeep", tidy, foreign)).status, 403);
    deepStrictEqual(lake.failures, []);
  }, { allowsUpkeep: true }));

Deno.test("a console that may only look changes nothing", () =>
  useFilledLake(async (lake) => {
    const { status, json } = await lake.ask(
      "POST",
      "/api/upkeep",
      { table: "bronze.events", action: "compact" },
      JSON_BODY,
    );
    strictEqual(status, 403);
    match(String((json.error as Record<string, unknown>).message), /--allow-upkeep/);
    deepStrictEqual((await get(lake, "overview")).allowsUpkeep, false);
  }));

Deno.test("the place that a letter's detail names is found in the record's text, and nothing else is", () => {
  const text = '{ "a/b": [1, {"x": "}\\"]"}], "n": -1.5e3, "x~": {"a": null} , "a/b" : ["two"]}';
  const places: [string, string | undefined][] = [
    ["/n", "-1.5e3"],
    ["/a~1b", '["two"]'],
    ["/a~1b/0", '"two"'],
    ["/x~0/a", "null"],
    ["/x~0", '{"a": null}'],
    ["/none", undefined],
    ["/n/1", undefined],
    ["/a~1b/7", undefined],
  ];
  for (const [pointer, expected] of places) {
    const place = placeIn(text, pointer);
    strictEqual(place && text.slice(place.from, place.to), expected, pointer);
  }
  for (const broken of ["", "[", "{", '{"a', '{"a"', '{"a":', '{"a":"', '{"a":[', "nonsense", '{"a":{"b"']) {
    strictEqual(placeIn(broken, "/a"), undefined, broken);
  }
});
