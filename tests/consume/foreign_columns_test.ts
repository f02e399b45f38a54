import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { isKind } from "../../core/base/errors.ts";
import type { Contract } from "../../core/contract/contract.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import type { SchemaChange } from "../../core/iceberg/format/schema_change.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import type { Type } from "../../core/iceberg/format/type.ts";
import { storeWith } from "../support/store_with.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { ask, beside, changeColumns, commitTo } from "./other_program.ts";

function contract(properties: Record<string, unknown>): Contract {
  return parseContract(JSON.stringify({ type: "object", properties, required: ["id"] }));
}

const id = { type: "integer" }, text = { type: "string" };
const before = contract({ id, kind: text, place: { type: "object", properties: { city: text } } });
const after = contract({
  id,
  kind: text,
  place: { type: "object", properties: { city: text, zip: text } },
  country: text,
  tags: { type: "array", items: text },
});
const FIRST = '{"id":1,"kind":"a","place":{"city":"Rome"}}\n';
const SECOND = '{"id":2,"kind":"b","place":{"city":"Oslo","zip":"0150"},"country":"NO","tags":["x"]}\n{"id":"?"}\n';

const newColumn = (name: string, type: Type = { type: "int" }): SchemaChange => ({
  change: "add-column",
  field: { id: 0, name, required: false, type },
});

async function columns(world: ConsumeWorld): Promise<string[]> {
  const { metadata } = (await world.catalogOn(world.store).loadTable(parseIdentifier("bronze.events")))!;
  return currentSchema(metadata).fields.map(({ name }) => name).filter((name) => !name.startsWith("_"));
}

/** A lake with a batch under the first contract. */
const withLake = ConsumeWorld.copies(async (world) => {
  world.put("1.ndjson", FIRST);
  await world.consume({ contract: before });
});

const rowTwo = { id: 2, kind: "b", place: { city: "Oslo", zip: "0150" }, country: "NO", tags: ["x"] };

const changes: [string, SchemaChange[], Record<string, unknown>, string?][] = [
  ["adds a column", [newColumn("theirs")], { theirs: null }],
  ["adds several columns, a nested one too", [
    newColumn("theirs"),
    { ...newColumn("street", { type: "string" }), parent: "place" } as SchemaChange,
    newColumn("other"),
  ], { theirs: null, other: null, place: { city: "Oslo", street: null, zip: "0150" } }],
  ["adds the same column", [newColumn("country", { type: "string" })], {}],
  ["adds the same column after another", [newColumn("theirs"), newColumn("country", { type: "string" })], {
    theirs: null,
  }],
  [
    "adds a column, and renames one of ours",
    [
      newColumn("theirs"),
      { change: "rename-column", path: "kind", name: "sort" },
    ],
    { theirs: null, sort: "b" },
    "kind",
  ],
  ["renames a column", [{ change: "rename-column", path: "kind", name: "sort" }], { sort: "b" }, "kind"],
  ["drops a column", [{ change: "drop-column", path: "kind" }], {}, "kind"],
  ["adds a column, and drops one", [newColumn("theirs"), { change: "drop-column", path: "kind" }], {
    theirs: null,
  }, "kind"],
  ["replaces a column that the batch adds to", [
    { change: "drop-column", path: "place" },
    newColumn("place", {
      type: "struct",
      fields: [{ id: 0, name: "city", required: false, type: { type: "string" } }],
    }),
  ], {}],
];

for (const [what, change, values, gone] of changes) {
  Deno.test(`a batch with new columns is committed once, and its values found, when another program ${what} while it is routed`, () =>
    withLake(async (world) => {
      world.put("2.ndjson", SECOND);
      await world.consume({ contract: after, ...beside(world, () => changeColumns(world, change)) });
      const { [gone ?? ""]: _gone, ...kept } = rowTwo as Record<string, unknown>;
      const [row, ...others] = await ask(world, "select * exclude (_ingested_at) from bronze.events where id = 2");
      deepStrictEqual(others, []);
      const { _source_file, _source_position, _batch_id, ...own } = row as Record<string, unknown>;
      deepStrictEqual(own, { ...kept, ...values });
      deepStrictEqual(_batch_id, 2);
      await world.consume({ contract: after });
      deepStrictEqual(await ask(world, "select count(*) as n, max(_batch_id) as last from bronze.events"), [
        { n: 2, last: 2 },
      ]);
      deepStrictEqual(await ask(world, "select count(*) as n from dead_letters.events"), [{ n: 1 }]);
    }));
}

Deno.test("columns that dead letters get are found, too, when another program adds some while the batch is routed", () =>
  withLake(async (world) => {
    world.put("2.ndjson", SECOND.replace('"id":"?"', '"id":"?","country":"SE"'));
    const add = () => changeColumns(world, [newColumn("theirs")], "dead_letters.events");
    await world.consume({ contract: after, ...beside(world, add) });
    const letters = await ask(world, "select _dead_letter_reason as reason, country, theirs from dead_letters.events");
    deepStrictEqual(letters, [{ reason: "invalid_schema", country: "SE", theirs: null }]);
  }));

Deno.test("fields that become columns find the same column of another program, and their own beside others", () =>
  withLake(async (world) => {
    world.put("2.ndjson", '{"id":2,"color":"red","size":3}\n');
    const add = () => changeColumns(world, [newColumn("theirs"), newColumn("size", { type: "string" })]);
    await world.consume({ contract: before, onExtraFields: "add", ...beside(world, add) });
    const rows = await ask(world, "select id, color, size, theirs from bronze.events order by id");
    deepStrictEqual(rows, [
      { id: 1, color: null, size: null, theirs: null },
      { id: 2, color: "red", size: "3", theirs: null },
    ]);
    deepStrictEqual(await columns(world), ["id", "kind", "place", "theirs", "size", "color"]);
  }));

Deno.test("a column of the same name and another type holds the batch up until it is renamed, and nothing is lost", () =>
  withLake(async (world) => {
    world.put("2.ndjson", SECOND);
    const add = () => changeColumns(world, [newColumn("country")]);
    const isMisfit = (error: unknown) => {
      strictEqual(isKind(error, "conflict"), true, String(error));
      match(
        (error as Error).message,
        /^Cannot commit to bronze\.events: another program .*country is int in the table/,
      );
      return true;
    };
    await rejects(() => world.consume({ contract: after, ...beside(world, add) }), isMisfit);
    await changeColumns(world, [{ change: "rename-column", path: "country", name: "country_code" }]);
    await world.consume({ contract: after });
    strictEqual(world.batches.at(-1)!.resumed, true);
    const rows = await ask(world, "select id, country, country_code from bronze.events where id = 2");
    deepStrictEqual(rows, [{ id: 2, country: "NO", country_code: null }]);
    deepStrictEqual(await ask(world, "select count(*) as n from dead_letters.events"), [{ n: 1 }]);
  }));

Deno.test("copies that take longer than a commit may are made before it begins: a writer beside does not win for ever", () =>
  withLake(async (world) => {
    world.put("2.ndjson", SECOND);
    let laterMs = 0, copies = 0, isRouted = false;
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + laterMs };
    const sink = storeWith(world.store, {
      async create(path, bytes) {
        const isCreated = await world.store.create(path, bytes);
        if (path.endsWith(".routed.json")) {
          isRouted = true;
          await changeColumns(world, [newColumn("theirs")]);
        }
        return isCreated;
      },
      async write(path, bytes) {
        await world.store.write(path, bytes);
        if (!isRouted || !path.endsWith(".parquet")) return;
        copies++;
        laterMs += 120_000;
        await commitTo(world, (transaction) => transaction.add(setProperties({ copies: String(copies) })));
      },
    });
    const options = { contract: after, sink, catalog: world.catalogOn(sink), zone: world.options().zone, clock };
    await rejects(() => world.consume(options), (error) => isKind(error, "unavailable"));
    await world.consume(options);
    deepStrictEqual(await ask(world, "select id, country from bronze.events where id = 2"), [{ id: 2, country: "NO" }]);
    strictEqual(copies, 2);
  }));
