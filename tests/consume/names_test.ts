import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { createTable } from "../../core/iceberg/action/create_table.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { identifierText, parseIdentifier, type TableIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable, createOrLoadTable } from "../../core/iceberg/commit.ts";
import { eventFields } from "../../core/lake/our_columns.ts";
import { ConsumeWorld } from "./consume_world.ts";

const contract = parseContract('{"type":"object","properties":{"id":{"type":"integer"},"rowid":{"type":"string"}}}');
const texts = parseContract('{"type":"object","properties":{"id":{"type":"string"}}}');

async function tablesOf(world: ConsumeWorld): Promise<string[]> {
  const catalog = world.catalogOn(world.store);
  const namespaces = await catalog.listNamespaces();
  return (await Promise.all(namespaces.map((each) => catalog.listTables(each)))).flat().map(identifierText).sort();
}

/** The error of a run into a table, before which and after which the lake holds the same tables. */
async function refusal(world: ConsumeWorld, table: string): Promise<StreamlabError> {
  const before = await tablesOf(world);
  let found: unknown;
  await rejects(world.consume({ contract: texts, target: parseIdentifier(table) }), (error) => {
    found = error;
    return true;
  });
  ok(found instanceof StreamlabError, String(found));
  strictEqual(found.kind, "usage");
  deepStrictEqual(await tablesOf(world), before);
  return found;
}

Deno.test("no events go to streamlab's own tables, nor to names of DuckDB's own: the lake is as it was", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":1}');
    for (const table of ["ingest.files", "ingest.x", "Ingest.Files", "dead_letters.x", "DEAD_LETTERS.y"]) {
      match((await refusal(world, table)).message, /holds streamlab's own tables$/);
      deepStrictEqual([...Deno.readDirSync(world.folder)].map(({ name }) => name), ["raw"]);
    }
    for (const namespace of ["temp", "system", "information_schema", "pg_catalog", "memory", "main", "TEMP"]) {
      match((await refusal(world, `${namespace}.x`)).message, /^Cannot make the table .* is a name of DuckDB's own/);
    }
    match((await refusal(world, "a.b$snapshots")).message, /name is that of another table's metadata/);
    await world.consume({ contract });
    strictEqual(world.batches.length, 1);
  }));

Deno.test("a table whose name differs from another's only in case is refused before anything is made", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":1}\n{"id":"x"}');
    await world.consume({ contract, target: parseIdentifier("a.Orders") });
    match((await refusal(world, "a.orders")).message, /the table a\.Orders is there, which differs only in case$/);
    match((await refusal(world, "A.other")).message, /the namespace a is there, which differs only in case$/);
    match(
      (await refusal(world, "bronze.a_orders")).message,
      /its dead letters would go to dead_letters\.a_orders, which differs only in case from dead_letters\.a_Orders$/,
    );
    await world.consume({ contract, target: parseIdentifier("a.other") });
  }));

Deno.test("tables of the same name in two namespaces have dead letters of their own", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":"no number"}');
    for (const table of ["bronze.orders", "sales.orders", "web.orders"]) {
      await world.consume({ contract, target: parseIdentifier(table) });
    }
    for (const letters of ["orders", "sales_orders", "web_orders"]) {
      strictEqual((await world.rows(`SELECT 1 FROM {{dead_letters.${letters}}}`)).length, 1, letters);
    }
  }));

Deno.test("two tables never come to share their dead letters", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":1}');
    await world.consume({ contract, target: parseIdentifier("web_sales.orders") });
    for (const table of ["web.sales_orders", "bronze.web_sales_orders"]) {
      const { message, hint } = await refusal(world, table);
      match(
        message,
        /its dead letters would go to dead_letters\.web_sales_orders, where those of web_sales\.orders go$/,
      );
      strictEqual(hint, "Nothing was made; give it another name with --table");
    }
    // The one that is there goes on.
    world.put("2.ndjson", '{"id":2}');
    await world.consume({ contract, target: parseIdentifier("web_sales.orders") });
    strictEqual(world.batches.length, 2);
  }));

Deno.test("a table that somebody else has made gets no letters that another's would share", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":"no number"}');
    await world.consume({ contract, target: parseIdentifier("web.sales_orders") });
    for (const table of ["web_sales.orders", "bronze.web_sales_orders", "WEB_sales.orders"]) {
      const target = parseIdentifier(table);
      await makeTable(world, target);
      const locationOf = async () => (await world.catalogOn(world.store).loadTable(target))!.metadataLocation;
      const before = await locationOf();
      const { message } = await refusal(world, table);
      const why = table.startsWith("WEB")
        ? "dead_letters.WEB_sales_orders, which differs only in case from dead_letters.web_sales_orders"
        : "dead_letters.web_sales_orders, where those of web.sales_orders go";
      strictEqual(message, `Cannot send events to the table ${table}: its dead letters would go to ${why}`);
      strictEqual(await locationOf(), before);
    }
    await makeTable(world, parseIdentifier("sales.orders"));
    await world.consume({ contract, target: parseIdentifier("sales.orders") });
    strictEqual((await world.rows("SELECT 1 FROM {{dead_letters.sales_orders}}")).length, 1);
  }));

Deno.test("a target of an older lake keeps the table of letters that it has, and no new one comes to share it", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":"no number"}');
    const target = parseIdentifier("sales.orders");
    await makeOlder(world, target);
    await world.consume({ contract, target });
    strictEqual((await world.rows("SELECT 1 FROM {{dead_letters.orders}}")).length, 1);
    match((await refusal(world, "bronze.orders")).message, /dead_letters\.orders, where those of sales\.orders go$/);
    await Deno.remove(`${world.folder}/warehouse/sales`, { recursive: true });
    await rejects(world.consume({ contract, target }), /no table sales\.orders, but \S+ has batch 1/);
  }));

/** The tables as they were made before the namespace was part of the letters' name. */
async function makeOlder(world: ConsumeWorld, target: TableIdentifier): Promise<void> {
  const { catalog, clock, random } = world.options({});
  await makeTable(world, target);
  await commitTable(catalog, target, (transaction) => {
    const id = "8f14e45f-0000-4000-8000-000000000001";
    transaction.add(setProperties({ [`streamlab.sequence-id.${identifierText(target)}`]: id }));
  }, { clock, random });
}

/** As another engine makes it, for events of that contract. */
async function makeTable(world: ConsumeWorld, target: TableIdentifier): Promise<void> {
  const { catalog, random } = world.options({});
  const fields = eventFields(contract, { rescued: false });
  const change = (location: string) => createTable({ fields, partitionBy: [], location, random, properties: {} });
  await createOrLoadTable(catalog, target, change, { random });
}

Deno.test("where a table that is there cannot follow the contract, those that are not are not made", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":1}');
    await world.consume({ contract });
    await Deno.remove(`${world.folder}/warehouse/dead_letters`, { recursive: true });
    await Deno.remove(`${world.folder}/checkpoints`, { recursive: true });
    const before = await tablesOf(world);
    await rejects(world.consume({ contract: texts }));
    deepStrictEqual(await tablesOf(world), before);
  }));

Deno.test("a column may be called rowid", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", '{"id":1,"rowid":"a"}\n{"\\u0069d":2,"rowid":"b"}\n{"id":"x","rowid":"c"}');
    await world.consume({ contract });
    const rows = await world.rows('SELECT t."rowid" AS r FROM {{bronze.events}} t ORDER BY t."rowid"');
    deepStrictEqual(rows, [{ r: "a" }, { r: "b" }]);
    deepStrictEqual(await world.rows('SELECT t."rowid" AS r FROM {{dead_letters.events}} t'), [{ r: "c" }]);
  }));
