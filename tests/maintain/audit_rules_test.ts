import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { parseContract } from "../../core/contract/json_schema.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { systemClock } from "../../core/base/clock.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { audit } from "./audited.ts";
import { tamper } from "./tampered.ts";

const contract = (properties: object) =>
  parseContract(JSON.stringify({ type: "object", properties: { id: { type: "string" }, ...properties } }));
const WITH_TIME = contract({ seen: { type: "string", format: "date-time" } });
const WITHOUT_TIME = contract({});
const RECORDS = JSON.stringify([{ id: "a", seen: "2026-03-01T12:00:00Z" }, { id: "b", more: 1 }, { id: "c" }]);

const RULES = "streamlab.rules.bronze.events";

async function rulesProperty(world: ConsumeWorld): Promise<string | undefined> {
  return (await world.catalog.loadTable(parseIdentifier("ingest.files")))!.metadata.properties[RULES];
}

/** As another program leaves the ledger's properties. */
async function setRules(world: ConsumeWorld, text: string): Promise<void> {
  const { catalog, random } = world;
  await commitTable(catalog, parseIdentifier("ingest.files"), (transaction) => {
    transaction.add(setProperties({ [RULES]: text }));
    return true;
  }, { clock: systemClock, random });
}

async function isSound(world: ConsumeWorld): Promise<void> {
  const { status, text } = await audit(world);
  strictEqual(status, 0, text);
  ok(!text.includes("would go to the other table"), text);
}

Deno.test("a column that the contract has dropped is audited by the contract that had it", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", RECORDS);
    await world.consume({ contract: WITH_TIME });
    world.put("b.json", RECORDS);
    await world.consume({ contract: WITHOUT_TIME, onExtraFields: "add" });
    world.put("c.json", RECORDS);
    await world.consume({ contract: WITHOUT_TIME, onExtraFields: "rescue" });
    await isSound(world);
    // By one of today for all, they are what they were before it was known.
    const { status, text } = await audit(world, "--on-extra-fields", "add");
    deepStrictEqual([status, /raw\/events\/c\.json/.test(text)], [1, true]);
    await tamper(
      world,
      "bronze.events",
      "_batch_id = 1",
      "SELECT * REPLACE (seen + INTERVAL 1 hour AS seen) FROM {file}",
    );
    const altered = await audit(world);
    strictEqual(altered.status, 1);
    match(altered.text, /a\.json record 0 \(batch 1\) is not what the file says: it was altered/);
  }));

Deno.test("values are audited by the type that their batch gave them, in whatever wider column they are by now", () =>
  ConsumeWorld.use(async (world) => {
    const list = (type: object) => ({ type: "array", items: { type: "object", properties: type } });
    const narrow = { n: { type: "integer", format: "int32" }, x: { type: "number", format: "float" } };
    const wide = { n: { type: "integer" }, x: { type: "number" }, y: { type: "string" } };
    for (const [index, types] of [narrow, wide].entries()) {
      const record = { id: "a", n: 3_000_000_000, x: 0.1, in: [{ n: 1, x: 0.1 }] };
      world.put(`${index}.json`, JSON.stringify([record, { ...record, n: 1 }, { ...record, n: 2, x: 1e300 }]));
      await world.consume({ contract: contract({ ...types, in: list(types) }) });
    }
    const [counts] = await world.rows("SELECT count(*)::INT AS n FROM {{bronze.events}}");
    strictEqual(counts!.n, 4);
    await isSound(world);
  }));

Deno.test("what was required, empty, or read as another format is audited as each batch took it", () =>
  ConsumeWorld.use(async (world) => {
    const zone = { store: world.store, prefix: "raw/events/", nameBase: "", format: undefined };
    world.put("a.ndjson", "[1]\n");
    world.put("b.json", "");
    await world.consume({ contract: WITH_TIME, zone });
    world.put("c.ndjson", RECORDS);
    world.put("d.json", "");
    await world.consume({ contract: WITH_TIME, zone: { ...zone, format: "json", onEmpty: "ignore" } });
    world.put("e.json", '{"id":"a","seen":1}');
    await world.consume({ contract: WITH_TIME, onWrongType: "rescue" });
    await isSound(world);
  }));

Deno.test("of batches whose contract is not remembered, the audit says so instead of that rows were altered", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", RECORDS);
    await world.consume({ contract: WITH_TIME, onExtraFields: "rescue" });
    world.put("b.json", RECORDS);
    await world.consume({ contract: WITHOUT_TIME, onExtraFields: "rescue" });
    await Deno.remove(`${world.folder}/checkpoints`, { recursive: true });
    const { status, text } = await audit(world);
    strictEqual(status, 1);
    match(text, /a\.json record 0 \(batch 1\) is not what this contract makes of it; .* is not remembered/);
    ok(!text.includes("altered"), text);
  }));

Deno.test("a lake of an older streamlab is audited by the first contract that is known, and what one in between did is not guessed away", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", RECORDS);
    await world.consume({ contract: WITH_TIME });
    await setRules(world, JSON.stringify({ format: 1, through: 1, batches: [[1, null]] }));
    world.put("b.json", RECORDS);
    await world.consume({ contract: WITH_TIME });
    const known = await rulesProperty(world);
    world.put("c.json", RECORDS);
    await world.consume({ contract: WITHOUT_TIME, onExtraFields: "add" });
    await isSound(world);
    // The older one has gone on, and left the property alone.
    await setRules(world, known!);
    world.put("d.json", RECORDS);
    await world.consume({ contract: WITHOUT_TIME, onExtraFields: "add" });
    await isSound(world);
    deepStrictEqual(JSON.parse((await rulesProperty(world))!).batches.map(([from]: [number]) => from), [1, 2, 3, 4]);
  }));
