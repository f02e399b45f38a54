import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Place } from "./place.ts";

const ID = { type: "object", required: ["id"], properties: { id: { $ref: "shared/ids.json#/$defs/id" } } };
const IDS = { $defs: { id: { type: "integer" } } };

Deno.test("a contract of several files is remembered whole: they may go once it was read", () =>
  Place.use(async (place) => {
    place.put("c/order.json", ID);
    place.put("c/shared/ids.json", IDS);
    place.put("in/a.ndjson", '{"id":1}\n{"id":"x"}\n');
    const flags = ["--once", "--raw", "in", "--table", "shop.orders"];
    const counts = (batches: Record<string, unknown>[]) =>
      batches.map(({ events, deadLetters }) => [events, deadLetters]);
    deepStrictEqual(counts(await place.records("consume", ...flags, "--contract", "c/order.json")), [[1, 1]]);
    Deno.removeSync(`${place.folder}/c`, { recursive: true });
    place.put("in/b.ndjson", '{"id":2}\n');
    deepStrictEqual(counts(await place.records("consume", ...flags)), [[1, 0]]);
    deepStrictEqual(await place.ask("SELECT id::int AS id FROM shop.orders ORDER BY 1"), [{ id: 1 }, { id: 2 }]);
  }));

Deno.test("no link leads a reference out of the contract's folder", () =>
  Place.use(async (place) => {
    place.put("out/ids.json", IDS);
    place.put("c/order.json", ID);
    place.put("in/a.ndjson", '{"id":1}\n');
    Deno.symlinkSync("../out", `${place.folder}/c/shared`);
    const flags = ["consume", "--once", "--raw", "in", "--table", "shop.orders", "--contract", "c/order.json"];
    const { status, stderr } = await place.run(...flags);
    strictEqual(status, 2, stderr);
    match(stderr, /at \/properties\/id\/\$ref, the reference "shared\/ids.json#\/\$defs\/id" leads out of this file/);
  }));

Deno.test("files that are too large for a contract are not read", () =>
  Place.use(async (place) => {
    place.put("c/order.json", ID);
    place.put("c/shared/ids.json", IDS);
    Deno.truncateSync(`${place.folder}/c/shared/ids.json`, 65e6);
    const flags = ["consume", "--once", "--raw", "in", "--table", "shop.orders", "--contract", "c/order.json"];
    const { status, stderr } = await place.run(...flags);
    strictEqual(status, 2, stderr);
    match(stderr, /Cannot read the contract's file .*ids\.json: with the others it has more than 64 MB/);
  }));
