import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { isKind } from "../../core/base/errors.ts";
import type { Contract } from "../../core/contract/contract.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { type LoadedTable, parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import { typeToJson } from "../../core/iceberg/format/type_json.ts";
import { ConsumeSession } from "../../core/consume/consume_session.ts";
import { ConsumeWorld } from "./consume_world.ts";

const tables = ["bronze.events", "dead_letters.events", "ingest.files"];

function contract(properties: Record<string, unknown>, required: string[] = []): Contract {
  return parseContract(JSON.stringify({ type: "object", properties, required }));
}

async function load(world: ConsumeWorld, name: string): Promise<LoadedTable> {
  return (await world.catalog.loadTable(parseIdentifier(name)))!;
}

/** `name type` of the columns of events that are not ours, `?` after those that may be null. */
async function columns(world: ConsumeWorld): Promise<string[]> {
  const { metadata } = await load(world, "bronze.events");
  return currentSchema(metadata).fields.filter(({ name }) => !name.startsWith("_")).map(({ name, type, required }) => {
    const json = typeToJson(type);
    return `${name} ${typeof json === "string" ? json : (json as { type: string }).type}${required ? "" : "?"}`;
  });
}

/** All that stands in the lake but the raw files. */
async function standing(world: ConsumeWorld): Promise<string[]> {
  const paths: string[] = [];
  for (const prefix of ["warehouse/", "checkpoints/"]) {
    for await (const { path } of world.store.list(prefix)) {
      const { etag } = (await world.store.stat(path))!;
      if (!path.endsWith("/lock")) paths.push(`${path} ${etag}`);
    }
  }
  return paths;
}

const before = contract({
  i: { type: "integer", format: "int32" },
  f: { type: "number", format: "float" },
  d: { type: "number", multipleOf: 0.01, minimum: -999, maximum: 999 },
  r: { type: "string" },
  s: { type: "object", properties: { x: { type: "integer", format: "int32" } }, required: ["x"] },
  gone: { type: "boolean" },
}, ["i", "r", "gone"]);

const after = contract({
  i: { type: "integer" },
  f: { type: "number" },
  d: { type: "number", multipleOf: 0.01, minimum: -99999999, maximum: 99999999 },
  r: { type: "string" },
  s: { type: "object", properties: { x: { type: "integer" }, y: { type: "string" } } },
  n: { type: "string", format: "date" },
}, ["i"]);

Deno.test("tables follow a contract that grew, in the commit that brings the first data for it", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"i":1,"f":1.5,"d":1.25,"r":"a","s":{"x":7},"gone":true}\n{"i":99999999999,"r":1}\n');
    await world.consume({ contract: before });
    deepStrictEqual(await columns(world), [
      "i int",
      "f float?",
      "d decimal(5, 2)?",
      "r string",
      "s struct?",
      "gone boolean",
    ]);
    const first = await load(world, "bronze.events");

    await world.consume({ contract: after });
    const remembered = await load(world, "bronze.events");
    const { schemas, snapshots } = remembered.metadata;
    deepStrictEqual([schemas, snapshots], [first.metadata.schemas, first.metadata.snapshots], "no data, no change");

    world.put(
      "2.ndjson",
      '{"i":99999999999,"f":0.1,"d":-12345.25,"s":{"x":3000000000,"y":"z"},"n":"2026-01-01"}\n{"i":"x"}\n',
    );
    await world.consume({ contract: after });
    deepStrictEqual(await columns(world), [
      "i long",
      "f double?",
      "d decimal(10, 2)?",
      "r string?",
      "s struct?",
      "gone boolean?",
      "n date?",
    ]);
    const second = await load(world, "bronze.events");
    const version = (table: LoadedTable) => Number(/v(\d+)\.metadata/.exec(table.metadataLocation)![1]);
    strictEqual(version(second), version(remembered) + 1, "schema and data are one commit");
    strictEqual(second.metadata.snapshots.at(-1)!.schemaId, second.metadata.currentSchemaId);
    const ids = (table: LoadedTable) => currentSchema(table.metadata).fields.map(({ id, name }) => [name, id] as const);
    const known = new Map(ids(second));
    for (const [name, id] of ids(first)) strictEqual(known.get(name), id, `${name} keeps its id`);

    const rows = await world.rows("SELECT * EXCLUDE (_ingested_at), s.x AS sx FROM {{bronze.events}} ORDER BY i");
    const shown = rows.map((
      row,
    ) => [row.i, row.f, String(row.d), row.r, row.sx, String(row.n), row.gone, row._batch_id]);
    deepStrictEqual(shown, [
      [1n, 1.5, "1.25", "a", 7n, "null", true, 1n],
      [99999999999n, 0.1, "-12345.25", null, 3000000000n, "2026-01-01", null, 2n],
    ]);
    const [letters] = await world.rows("SELECT count(*)::INT AS n FROM {{dead_letters.events}}");
    strictEqual(letters!.n, 2);
  }));

Deno.test("a contract that no table can follow stops the run before a byte is written, and says which column and why", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"i":1,"r":"a","gone":true}\n');
    await world.consume({ contract: before });
    world.put("2.ndjson", '{"i":2,"r":"a","gone":true}\n');
    const stands = await standing(world);
    const kept = { i: { type: "integer", format: "int32" }, r: { type: "string" }, gone: { type: "boolean" } };
    const refused: [Contract, RegExp][] = [
      [contract({ ...kept, i: { type: "string" } }), /column i .*int.*string|column i .*string.*int/],
      [contract({ ...kept, i: { type: "number" } }), /column i /],
      [contract({ ...kept, f: { type: "integer" } }), /column f /],
      [contract({ ...kept, s: { type: "array", items: { type: "string" } } }), /column s /],
      [contract({ ...kept, s: { type: "object", properties: { x: { type: "boolean" } } } }), /column s\.x /],
      [contract({ ...kept, d: { type: "number", multipleOf: 0.001, minimum: -999, maximum: 999 } }), /column d /],
      [contract({ ...kept, d: { type: "number", multipleOf: 0.01, minimum: -9, maximum: 9 } }), /column d /],
      [contract({ ...kept, f: { type: "number", format: "float" } }, ["f"]), /column f .*required/],
      [contract({ ...kept, fresh: { type: "string" } }, ["fresh"]), /column fresh /],
      [contract({ i: kept.i, gone: kept.gone, R: { type: "string" } }), /column R /],
    ];
    for (const [changed, words] of refused) {
      await rejects(() => world.consume({ contract: changed }), (error) => {
        ok(isKind(error, "usage"), String(error));
        match(error.message, words);
        return true;
      });
      deepStrictEqual(await standing(world), stands, changed.text);
    }
    await world.consume({ contract: before });
    strictEqual(world.batches.at(-1)!.events, 1);
  }));

const narrow = contract(
  { id: { type: "integer" }, device: { type: "object", properties: { os: { type: "string" } } } },
  ["id"],
);

Deno.test("rescue keeps unknown fields beside the event, across batches", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":1,"x":1.50,"device":{"os":"a","v":[1, 2]}}\n{"id":2}\n');
    await world.consume({ contract: narrow, onExtraFields: "rescue" });
    world.put("2.json", '[{"id":3,"y":null},{"id":"x","z":1},{"id":4,"device":{"os":"b"}}]');
    await world.consume({ contract: narrow, onExtraFields: "rescue" });
    const rows = await world.rows("SELECT id, _rescued FROM {{bronze.events}} ORDER BY id");
    deepStrictEqual(rows.map((row) => [row.id, row._rescued]), [
      [1n, '{"x":1.50,"device":{"v":[1, 2]}}'],
      [2n, null],
      [3n, '{"y":null}'],
      [4n, null],
    ]);
    strictEqual(world.batches[1]!.deadLetters, 1);
  }));

Deno.test("add makes columns of unknown fields, in the commit that brings them, and knows them from then on", () =>
  ConsumeWorld.use(async (world) => {
    const add = { contract: narrow, onExtraFields: "add" } as const;
    world.put("1.ndjson", '{"id":1,"x":1.50,"device":{"os":"a","v":[1, 2]}}\n{"id":2}\n{"id":3,"ID":7,"x":"t"}\n');
    await world.consume(add);
    deepStrictEqual(await columns(world), ["id long", "device struct?", "x string?"]);
    const first = await load(world, "bronze.events");
    world.put("2.json", '[{"id":4,"x":true,"device":{"v":"w"}},{"id":5,"other":{"a":1}},{"id":6,"X":1}]');
    await world.consume(add);
    deepStrictEqual(await columns(world), ["id long", "device struct?", "x string?", "other string?"]);
    const second = await load(world, "bronze.events");
    strictEqual(second.metadata.snapshots.length, first.metadata.snapshots.length + 1);
    const rows = await world.rows(
      "SELECT id, x, device.v AS v, other, _rescued AS rescued FROM {{bronze.events}} ORDER BY id",
    );
    deepStrictEqual(rows.map((row) => Object.values(row)), [
      [1n, "1.50", "[1, 2]", null, null],
      [2n, null, null, null, null],
      [3n, "t", null, null, '{"ID":7}'],
      [4n, "true", "w", null, null],
      [5n, null, null, '{"a":1}', null],
      [6n, null, null, null, '{"X":1}'],
    ]);
    // Without add they are extra again, and the columns stay.
    world.put("3.json", '[{"id":7,"x":"y"},{"id":8}]');
    await world.consume({ contract: narrow });
    strictEqual(world.batches.at(-1)!.deadLetters, 1);
    deepStrictEqual(await columns(world), ["id long", "device struct?", "x string?", "other string?"]);
  }));

const wide = contract({
  id: { type: "integer" },
  req: { type: "string" },
  n: { type: "integer" },
  s: { type: "string" },
  o: { type: "object", properties: { x: { type: "integer" } } },
  l: { type: "array", items: { type: "integer" } },
  m: { type: "object", additionalProperties: { type: "integer" } },
  d: { type: "string", format: "date-time" },
  st: {
    type: "object",
    properties: {
      keep: { type: "integer" },
      x: { type: "object", properties: { y: { type: "integer" } } },
      k: { type: "integer" },
    },
  },
}, ["id", "req"]);
const narrowed = contract({
  id: { type: "integer" },
  st: { type: "object", properties: { keep: { type: "integer" } } },
}, ["id"]);

Deno.test("a field that was dropped from the contract and is still sent: its text column takes it, any other leaves it to _rescued", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":0,"req":"r","n":1,"st":{"keep":1,"x":{"y":1}}}');
    await world.consume({ contract: wide });
    const clashing = [
      '{"n":5}',
      '{"n":"five"}',
      '{"N":5}',
      '{"o":{"x":5}}',
      '{"o":{"z":5}}',
      '{"o.x":5}',
      '{"l":[2]}',
      '{"l.element":5}',
      '{"m":{}}',
      '{"m.value":1}',
      '{"d":"2026-03-01T00:00:00Z"}',
      '{"st":{"x":{"y":5}}}',
      '{"st":{"x":{"z":5}}}',
      '{"st":{"k":5}}',
      '{"st":{"K":5}}',
      '{"st":{"x.y":5}}',
      '{"st.x.y":5}',
    ];
    const taken = ['{"s":"five"}', '{"s":5}', '{"req":"q"}', '{"fresh":true}', '{"st":{"fresh":1}}'];
    for (const [index, record] of [...clashing, ...taken].entries()) {
      world.put(`${index + 2}.ndjson`, record.replace("{", `{"id":${index + 1},`));
      await world.consume({ contract: narrowed, onExtraFields: "add" });
    }
    const rows = await world.rows(
      "SELECT _rescued AS rescued, s, req, fresh, st.fresh AS inner FROM {{bronze.events}} WHERE id > 0 ORDER BY id",
    );
    deepStrictEqual(rows.slice(0, clashing.length).map(({ rescued }) => rescued), clashing);
    deepStrictEqual(rows.slice(clashing.length).map((row) => Object.values(row)), [
      [null, "five", null, null, null],
      [null, "5", null, null, null],
      [null, null, "q", null, null],
      [null, null, null, "true", null],
      [null, null, null, null, "1"],
    ]);
    match(world.remarks[0]!, /^bronze\.events cannot have columns for n: .* kept in _rescued$/);
  }));

Deno.test("of keys that are data 200 become columns, in all; the rest is kept in _rescued, and told once", () =>
  ConsumeWorld.use(async (world) => {
    const record = (batch: number, id: number) =>
      JSON.stringify({
        id,
        ...Object.fromEntries(Array.from({ length: 50 }, (_, key) => [`k${batch}_${id}_${key}`, key])),
      });
    const session = await ConsumeSession.open(world.options({ contract: narrowed, onExtraFields: "add" }));
    for (const batch of [1, 2]) {
      world.put(`${batch}.ndjson`, Array.from({ length: 40 }, (_, id) => record(batch, id)).join("\n"));
      await session.runOnce(new AbortController().signal);
    }
    session.close();
    deepStrictEqual(world.batches.map(({ events }) => events), [40, 40]);
    const { metadata } = await load(world, "bronze.events");
    const keys = currentSchema(metadata).fields.filter(({ name }) => name.startsWith("k"));
    strictEqual(keys.length, 200);
    const [row] = await world.rows(
      `SELECT sum(len(json_keys(coalesce(_rescued, '{}'))))::INT AS rescued, ${
        keys.map(({ name }) => `count(${name})`).join(" + ")
      } AS columns FROM {{bronze.events}}`,
    );
    deepStrictEqual(row, { rescued: 4_000 - 200, columns: 200n });
    deepStrictEqual(world.remarks, [
      "bronze.events gets no more columns than the 200 that --on-extra-fields add gives a table: 1,800 other fields are kept in _rescued",
    ]);
  }));

Deno.test("the tables are made at the first run, data or none, and no two runs make them twice", () =>
  ConsumeWorld.use(async (world) => {
    await world.consume({ contract: narrow });
    const made = await Promise.all(tables.map((name) => load(world, name)));
    await world.consume({ contract: narrow });
    for (const [index, name] of tables.entries()) {
      strictEqual((await load(world, name)).metadataLocation, made[index]!.metadataLocation, name);
    }
    strictEqual(world.batches.length, 0);
  }));

Deno.test("another table has its own events, letters, sequence and files of the same ledger", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.ndjson", '{"id":1}\n{"id":"x"}\n');
    const orders = { contract: narrow, target: { namespace: ["orders"], name: "raw" } };
    await world.consume(orders);
    await world.consume();
    await world.consume(orders);
    deepStrictEqual(world.batches.map(({ batchId, events, deadLetters }) => [batchId, events, deadLetters]), [
      [1, 1, 1],
      [1, 0, 2],
    ]);
    const rows = await world.rows(
      'SELECT "table", source_file, events, dead_letters FROM {{ingest.files}} ORDER BY ALL',
    );
    deepStrictEqual(rows.map((row) => Object.values(row)), [
      ["bronze.events", "raw/events/a.ndjson", 0n, 2n],
      ["orders.raw", "raw/events/a.ndjson", 1n, 1n],
    ]);
    const [own] = await world.rows("SELECT count(*)::INT AS n FROM {{dead_letters.orders_raw}}");
    strictEqual(own!.n, 1);
  }));

Deno.test("columns have their own values, whatever routing calls what it works with", () =>
  ConsumeWorld.use(async (world) => {
    const names = [
      ...["file", "name", "position", "record", "parsed", "json", "filename", "ordinal", "place", "numbered", "start"],
      ...[
        "judged",
        "values",
        "number",
        "reason",
        "detail",
        "raw",
        "rescued",
        "text",
        "e0",
        "v0",
        "item",
        "rows",
        "turn",
      ],
    ];
    const all = contract(Object.fromEntries(names.map((name) => [name, { type: "string" }])));
    const record = `{${names.map((name) => `"${name}":"its ${name}"`).join(",")}}`;
    world.put("plain.json", `[${record}]`);
    world.put("plain.ndjson", record);
    // An escape in a key is not plain, so this one goes through the judge.
    world.put("judged.ndjson", record.replace('"file"', '"fil\\u0065"'));
    world.put("letter.ndjson", record.replace('"its file"', "1"));
    const columns = names.map((name) => `'its ${name}' AS "${name}"`);
    await world.rows(`COPY (SELECT ${columns}) TO '${world.rawPath("rows.parquet")}' (FORMAT parquet)`);
    await world.consume({ contract: all });
    const own = Object.fromEntries(names.map((name) => [name, `its ${name}`]));
    const selected = names.map((name) => `"${name}"`).join(", ");
    deepStrictEqual(await world.rows(`SELECT ${selected} FROM {{bronze.events}}`), [own, own, own, own]);
    deepStrictEqual(await world.rows(`SELECT ${selected} FROM {{dead_letters.events}}`), [{ ...own, file: null }]);
    const places = await world.rows("SELECT _source_file, _source_position FROM {{bronze.events}} ORDER BY ALL");
    deepStrictEqual(places.map((row) => Object.values(row).join(" ")), [
      "raw/events/judged.ndjson 0",
      "raw/events/plain.json 0",
      "raw/events/plain.ndjson 0",
      "raw/events/rows.parquet 0",
    ]);
  }));
