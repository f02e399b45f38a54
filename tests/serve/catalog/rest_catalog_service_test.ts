import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ServedLake } from "../../support/lake_server.ts";
import { type SentSnapshot, snapshotUpdates, someTable, writeManifestList } from "./requests.ts";

type Answer = Awaited<ReturnType<ServedLake["ask"]>>;

/** What an error says (REST catalog specification: ErrorModel). */
function refusal({ status, json }: Answer): { status: number; type: string; message: string } {
  const { error } = json as unknown as { error: { type: string; message: string; code: number } };
  strictEqual(error.code, status);
  return { status, type: error.type, message: error.message };
}

function test(name: string, run: (lake: ServedLake) => Promise<void>): void {
  Deno.test(name, () => ServedLake.use(run));
}

/** A lake with the namespace `shop` and the empty table `shop.orders`. */
function testWithTable(name: string, run: (lake: ServedLake, table: Answer) => Promise<void>): void {
  test(name, async (lake) => {
    strictEqual((await lake.ask("POST", "namespaces", { namespace: ["shop"] })).status, 200);
    const table = await lake.ask("POST", "namespaces/shop/tables", someTable);
    strictEqual(table.status, 200, table.text);
    await run(lake, table);
  });
}

const ORDERS = "namespaces/shop/tables/orders";

test("the configuration tells which endpoints there are", async (lake) => {
  const { status, json } = await lake.ask("GET", "config?warehouse=x");
  strictEqual(status, 200);
  deepStrictEqual([json.defaults, json.overrides], [{}, {}]);
  const endpoints = json.endpoints as unknown as string[];
  ok(endpoints.includes("POST /v1/{prefix}/namespaces/{namespace}/register"));
  ok(!endpoints.some((each) => /rename|transactions|views/.test(each)), endpoints.join("\n"));
});

test("a namespace is made, listed, given properties and dropped, without a table in it", async (lake) => {
  const made = await lake.ask("POST", "namespaces", { namespace: ["shop"], properties: { owner: "a", team: "b" } });
  const location = `file://${lake.folder}/warehouse/shop`;
  deepStrictEqual(made.json, { namespace: ["shop"], properties: { owner: "a", team: "b", location } });
  deepStrictEqual((await lake.ask("GET", "namespaces")).json.namespaces, [["shop"]]);
  strictEqual((await lake.ask("HEAD", "namespaces/shop")).status, 204);
  const changed = await lake.ask("POST", "namespaces/shop/properties", {
    removals: ["team", "gone"],
    updates: { owner: "c" },
  });
  deepStrictEqual(changed.json, { updated: ["owner"], removed: ["team"], missing: ["gone"] });
  deepStrictEqual((await lake.ask("GET", "namespaces/shop")).json.properties, { owner: "c", location });
  strictEqual((await lake.ask("DELETE", "namespaces/shop")).status, 204);
  deepStrictEqual((await lake.ask("GET", "namespaces")).json.namespaces, []);
  const gone = refusal(await lake.ask("GET", "namespaces/shop"));
  deepStrictEqual(gone, { status: 404, type: "NoSuchNamespaceException", message: "Namespace does not exist: shop" });
  strictEqual((await lake.ask("POST", "namespaces", { namespace: ["shop"] })).status, 200, "it may be made again");
  deepStrictEqual((await lake.ask("GET", "namespaces/shop")).json.properties, { location });
});

test("a namespace is where the lake has it, whatever place a client gives it", async (lake) => {
  const place = (location: string) =>
    lake.ask("POST", "namespaces", { namespace: ["a", "b"], properties: { location } });
  const own = `file://${lake.folder}/warehouse/a/b`;
  strictEqual(
    refusal(await place("s3://other/b")).message,
    `Cannot keep a.b at s3://other/b: this catalog keeps it at ${own}; leave the location out`,
  );
  strictEqual((await place(`${own}/`)).status, 200);
  const change = (body: object) => lake.ask("POST", "namespaces/a%1Fb/properties", body);
  strictEqual((await change({ removals: [], updates: { location: "/etc" } })).status, 400);
  deepStrictEqual((await change({ removals: ["location"], updates: {} })).json.missing, ["location"]);
  deepStrictEqual((await lake.ask("GET", "namespaces/a%1Fb")).json.properties, { location: own });
});

test("a location that an earlier version kept for a namespace stands in no change's way, and is gone with the next", async (lake) => {
  await lake.ask("POST", "namespaces", { namespace: ["shop"] });
  const record = `${lake.folder}/warehouse/.namespaces/shop/v1.json`;
  const kept = JSON.parse(await Deno.readTextFile(record));
  kept.properties = { location: "s3://other/shop" };
  await Deno.writeTextFile(record, JSON.stringify(kept));
  const change = await lake.ask("POST", "namespaces/shop/properties", { removals: [], updates: { owner: "b" } });
  strictEqual(change.status, 200, change.text);
  const location = `file://${lake.folder}/warehouse/shop`;
  deepStrictEqual((await lake.ask("GET", "namespaces/shop")).json.properties, { owner: "b", location });
});

test("a client that asks for a folder which no table had before gets the table's own", async (lake) => {
  await lake.ask("POST", "namespaces", { namespace: ["shop"] });
  const own = `file://${lake.folder}/warehouse/shop/orders`, unique = `${own}-${"0123456789abcdef".repeat(2)}`;
  const staged = await lake.ask("POST", "namespaces/shop/tables", {
    ...someTable,
    location: unique,
    "stage-create": true,
  });
  strictEqual((staged.json.metadata as unknown as { location: string }).location, own);
  const named = { ...someTable, name: unique.split("/").at(-1), location: unique, "stage-create": true };
  strictEqual((await lake.ask("POST", "namespaces/shop/tables", named)).status, 200, "its name has the digits");
  strictEqual((await lake.ask("POST", "namespaces/shop/tables", someTable)).status, 200);
  const update = { action: "set-location", location: unique };
  strictEqual((await lake.ask("POST", ORDERS, { requirements: [], updates: [update] })).status, 400);
});

test("namespaces lie in namespaces, and a full one is not dropped", async (lake) => {
  await lake.ask("POST", "namespaces", { namespace: ["a"] });
  await lake.ask("POST", "namespaces", { namespace: ["a", "b"] });
  deepStrictEqual((await lake.ask("GET", "namespaces")).json.namespaces, [["a"]]);
  deepStrictEqual((await lake.ask("GET", "namespaces?parent=a")).json.namespaces, [["a", "b"]]);
  deepStrictEqual((await lake.ask("GET", "namespaces?parent=a%1Fb")).json.namespaces, []);
  strictEqual((await lake.ask("GET", "namespaces?parent=z")).status, 404);
  strictEqual(refusal(await lake.ask("DELETE", "namespaces/a")).type, "NamespaceNotEmptyException");
  await lake.ask("POST", "namespaces/a%1Fb/tables", someTable);
  strictEqual(refusal(await lake.ask("DELETE", "namespaces/a%1Fb")).status, 409);
  const clash = refusal(await lake.ask("POST", "namespaces", { namespace: ["a", "b", "orders"] }));
  strictEqual(clash.type, "AlreadyExistsException", "a table has that folder");
  const inner = refusal(await lake.ask("POST", "namespaces/a/tables", { ...someTable, name: "b" }));
  strictEqual(inner.type, "AlreadyExistsException", "a namespace has that folder");
});

test("a property is not set and removed at once", async (lake) => {
  await lake.ask("POST", "namespaces", { namespace: ["shop"] });
  const both = await lake.ask("POST", "namespaces/shop/properties", { removals: ["a"], updates: { a: "1" } });
  strictEqual(refusal(both).type, "UnprocessableEntityException");
});

testWithTable("a table is made with ids from 1 on, at the place that the lake has for it", async (lake, { json }) => {
  const { metadata, "metadata-location": location } = json as unknown as {
    metadata: { location: string; schemas: { fields: { id: number }[] }[]; "partition-specs": { fields: unknown[] }[] };
    "metadata-location": string;
  };
  strictEqual(metadata.location, `file://${lake.folder}/warehouse/shop/orders`);
  strictEqual(location, `${metadata.location}/metadata/v1.metadata.json`);
  deepStrictEqual(metadata.schemas[0]!.fields.map(({ id }) => id), [1, 2]);
  deepStrictEqual(metadata["partition-specs"][0]!.fields, [
    { "source-id": 2, "field-id": 1000, name: "at_day", transform: "day" },
  ]);
  const again = refusal(await lake.ask("POST", "namespaces/shop/tables", someTable));
  deepStrictEqual(again, { status: 409, type: "AlreadyExistsException", message: "Table already exists: shop.orders" });
  const nowhere = refusal(await lake.ask("POST", "namespaces/none/tables", someTable));
  strictEqual(nowhere.type, "NoSuchNamespaceException");
});

testWithTable("a client that has the table as it is gets no copy of it", async (lake, made) => {
  const loaded = await lake.ask("GET", ORDERS);
  const etag = loaded.headers.get("etag")!;
  strictEqual(made.headers.get("etag"), etag);
  strictEqual((await lake.ask("GET", ORDERS, undefined, { "if-none-match": `"x", W/${etag}` })).status, 304);
  strictEqual((await lake.ask("GET", `${ORDERS}?snapshots=refs`, undefined, { "if-none-match": etag })).status, 200);
  const change = { requirements: [], updates: [{ action: "set-properties", updates: { a: "1" } }] };
  const changed = await lake.ask("POST", ORDERS, change);
  strictEqual(changed.status, 200, changed.text);
  notStrictEqual(changed.headers.get("etag"), etag);
  strictEqual((await lake.ask("GET", ORDERS, undefined, { "if-none-match": etag })).status, 200);
});

test("a listing comes in pages, and goes on from its token whatever has come meanwhile", async (lake) => {
  await lake.ask("POST", "namespaces", { namespace: ["shop"] });
  for (const name of ["a", "b", "c"]) await lake.ask("POST", "namespaces/shop/tables", { ...someTable, name });
  const names = ({ json }: Answer) => (json.identifiers as unknown as { name: string }[]).map(({ name }) => name);
  const first = await lake.ask("GET", "namespaces/shop/tables?pageToken=&pageSize=2");
  deepStrictEqual(names(first), ["a", "b"]);
  await lake.ask("POST", "namespaces/shop/tables", { ...someTable, name: "aa" });
  const second = await lake.ask("GET", `namespaces/shop/tables?pageSize=2&pageToken=${first.json["next-page-token"]}`);
  deepStrictEqual([names(second), second.json["next-page-token"]], [["c"], null]);
  deepStrictEqual(names(await lake.ask("GET", "namespaces/shop/tables")), ["a", "aa", "b", "c"]);
  for (const query of ["pageToken=%C3%A4", "pageSize=0", "pageSize=x"]) {
    strictEqual((await lake.ask("GET", `namespaces/shop/tables?${query}`)).status, 400, query);
  }
});

test("a table that is only staged is not there until its transaction commits", async (lake) => {
  await lake.ask("POST", "namespaces", { namespace: ["shop"] });
  const staged = await lake.ask("POST", "namespaces/shop/tables", { ...someTable, "stage-create": true });
  strictEqual(staged.json["metadata-location"], null);
  strictEqual((await lake.ask("HEAD", ORDERS)).status, 404);
  const { "table-uuid": uuid, location, schemas } = staged.json.metadata as Record<string, unknown>;
  const change = {
    requirements: [{ type: "assert-create" }],
    updates: [
      { action: "assign-uuid", uuid },
      { action: "upgrade-format-version", "format-version": 2 },
      { action: "add-schema", schema: (schemas as unknown[])[0] },
      { action: "set-current-schema", "schema-id": -1 },
      { action: "add-spec", spec: { "spec-id": 0, fields: [] } },
      { action: "set-default-spec", "spec-id": -1 },
      { action: "add-sort-order", "sort-order": { "order-id": 0, fields: [] } },
      { action: "set-default-sort-order", "sort-order-id": -1 },
      { action: "set-location", location },
    ],
  };
  const made = await lake.ask("POST", ORDERS, change);
  strictEqual(made.status, 200, made.text);
  strictEqual((await lake.ask("HEAD", ORDERS)).status, 204);
  const late = refusal(await lake.ask("POST", ORDERS, change));
  match(late.message, /^Requirement failed: table already exists/);
});

testWithTable("a commit whose requirement does not hold is refused in the words that clients know", async (lake) => {
  const update = { action: "set-properties", updates: { a: "1" } };
  const cases: [object, RegExp][] = [
    [{ type: "assert-table-uuid", uuid: "0" }, /^Requirement failed: UUID does not match/],
    [{ type: "assert-current-schema-id", "current-schema-id": 7 }, /^Requirement failed: current schema changed/],
    [{ type: "assert-last-assigned-field-id", "last-assigned-field-id": 9 }, /last assigned field id changed/],
    [{ type: "assert-last-assigned-partition-id", "last-assigned-partition-id": 9 }, /partition id changed/],
    [{ type: "assert-default-spec-id", "default-spec-id": 9 }, /default partition spec changed/],
    [{ type: "assert-default-sort-order-id", "default-sort-order-id": 9 }, /default sort order changed/],
    [{ type: "assert-ref-snapshot-id", ref: "main", "snapshot-id": 9 }, /branch or tag has changed/],
  ];
  for (const [requirement, expected] of cases) {
    const { status, type, message } = refusal(
      await lake.ask("POST", ORDERS, { requirements: [requirement], updates: [update] }),
    );
    deepStrictEqual([status, type], [409, "CommitFailedException"]);
    match(message, expected);
  }
  const none = await lake.ask("POST", "namespaces/shop/tables/none", { requirements: [], updates: [update] });
  strictEqual(refusal(none).type, "NoSuchTableException");
});

testWithTable("a snapshot is added once, however often its request comes", async (lake) => {
  const snapshot = await writeManifestList(lake, "shop/orders", { id: 11, sequence: 1 });
  const request = {
    requirements: [{ type: "assert-ref-snapshot-id", ref: "main", "snapshot-id": null }],
    updates: snapshotUpdates(snapshot),
  };
  const first = await lake.ask("POST", ORDERS, request);
  strictEqual(first.status, 200, first.text);
  const again = await lake.ask("POST", ORDERS, request);
  strictEqual(again.status, 200, again.text);
  strictEqual(again.json["metadata-location"], first.json["metadata-location"]);
});

testWithTable("a request with the key of one that was done changes nothing more", async (lake) => {
  const headers = { "idempotency-key": "01890a5d-ac96-774b-bcce-b302099a8057" };
  const request = {
    requirements: [{ type: "assert-current-schema-id", "current-schema-id": 0 }],
    updates: [
      { action: "add-schema", schema: { ...someTable.schema, fields: someTable.schema.fields.slice(0, 1) } },
      { action: "set-current-schema", "schema-id": -1 },
    ],
  };
  const first = await lake.ask("POST", ORDERS, request, headers);
  strictEqual(first.status, 200, first.text);
  await lake.ask("POST", ORDERS, { requirements: [], updates: [{ action: "set-properties", updates: { a: "1" } }] });
  const again = await lake.ask("POST", ORDERS, request, headers);
  strictEqual(again.status, 200, again.text);
  strictEqual((again.json.metadata as Record<string, unknown>)["current-schema-id"], 1);
  strictEqual((await lake.ask("POST", ORDERS, request)).status, 409, "without the key it is another request");
  strictEqual((await lake.ask("POST", ORDERS, request, { "idempotency-key": "x" })).status, 400);
});

testWithTable("a snapshot that does not go on from its branch is refused, required or not", async (lake) => {
  const add = async (sent: SentSnapshot) => {
    const snapshot = await writeManifestList(lake, "shop/orders", sent);
    return await lake.ask("POST", ORDERS, { requirements: [], updates: snapshotUpdates(snapshot) });
  };
  strictEqual((await add({ id: 1, sequence: 1 })).status, 200);
  strictEqual((await add({ id: 2, sequence: 2, parent: 1 })).status, 200);
  const lost = refusal(await add({ id: 3, sequence: 3, parent: 1 }));
  match(lost.message, /^Requirement failed: branch main has changed/);
  strictEqual(refusal(await add({ id: 4, sequence: 4 })).status, 409);
  const both = [
    await writeManifestList(lake, "shop/orders", { id: 5, sequence: 3, parent: 2 }),
    await writeManifestList(lake, "shop/orders", { id: 6, sequence: 4, parent: 5 }),
  ];
  const overwrite = { requirements: [], updates: both.flatMap(snapshotUpdates) };
  strictEqual((await lake.ask("POST", ORDERS, overwrite)).status, 200, "one after the other, in one commit");
  const back = { action: "set-snapshot-ref", "ref-name": "main", type: "branch", "snapshot-id": 1 };
  strictEqual((await lake.ask("POST", ORDERS, { requirements: [], updates: [back] })).status, 200, "a rollback");
});

testWithTable("several tables do not change as one, by name", async (lake) => {
  const identifier = { namespace: ["shop"], name: "orders" };
  const change = { identifier, requirements: [], updates: [{ action: "set-properties", updates: { a: "1" } }] };
  const both = refusal(await lake.ask("POST", "transactions/commit", { "table-changes": [change, change] }));
  deepStrictEqual([both.status, both.type], [406, "UnsupportedOperationException"]);
  strictEqual((await lake.ask("POST", "transactions/commit", { "table-changes": [change] })).status, 204);
  const { metadata } = (await lake.ask("GET", ORDERS)).json as unknown as { metadata: { properties: object } };
  strictEqual((metadata.properties as Record<string, string>).a, "1");
});

testWithTable("a dropped table is gone; with purge its files are, too, and nobody else's", async (lake) => {
  const folder = `${lake.folder}/warehouse/shop/orders`;
  await Deno.mkdir(`${folder}/data`, { recursive: true });
  await Deno.writeTextFile(`${folder}/data/x.parquet`, "x");
  await Deno.writeTextFile(`${folder}/data/notes.txt`, "mine");
  strictEqual((await lake.ask("DELETE", `${ORDERS}?purgeRequested=perhaps`)).status, 400);
  strictEqual((await lake.ask("DELETE", `${ORDERS}?purgeRequested=true`)).status, 204);
  strictEqual((await lake.ask("HEAD", ORDERS)).status, 404);
  strictEqual(refusal(await lake.ask("DELETE", ORDERS)).type, "NoSuchTableException");
  deepStrictEqual([...Deno.readDirSync(`${folder}/data`)].map(({ name }) => name), ["notes.txt"]);
});

test("a table that another catalog has made is registered where it lies", async (lake) => {
  await lake.ask("POST", "namespaces", { namespace: ["shop"] });
  await lake.ask("POST", "namespaces/shop/tables", someTable);
  const folder = `${lake.folder}/warehouse/shop/orders/metadata`;
  const text = await Deno.readTextFile(`${folder}/v1.metadata.json`);
  await lake.ask("DELETE", ORDERS);
  const dropped = { name: "orders", "metadata-location": `file://${folder}/v1.metadata.json` };
  match(refusal(await lake.ask("POST", "namespaces/shop/register", dropped)).message, /there is no metadata file/);
  const name = "00000-9c12d441-03fe-4693-9a96-a0705ddf69c1.metadata.json";
  await Deno.writeTextFile(`${folder}/${name}`, text);
  const request = { name: "orders", "metadata-location": `file://${folder}/${name}` };
  const elsewhere = await lake.ask("POST", "namespaces/shop/register", { ...request, name: "others" });
  strictEqual(refusal(elsewhere).status, 400);
  const registered = await lake.ask("POST", "namespaces/shop/register", request);
  strictEqual(registered.status, 200, registered.text);
  const change = { requirements: [], updates: [{ action: "set-properties", updates: { a: "1" } }] };
  strictEqual((await lake.ask("POST", ORDERS, change)).status, 200, "it can be committed to");
  strictEqual(refusal(await lake.ask("POST", "namespaces/shop/register", request)).status, 409);
});

testWithTable("what a lake's files cannot do is refused by name", async (lake) => {
  const rename = { source: { namespace: ["shop"], name: "orders" }, destination: { namespace: ["shop"], name: "b" } };
  strictEqual(refusal(await lake.ask("POST", "tables/rename", rename)).type, "UnsupportedOperationException");
  strictEqual(refusal(await lake.ask("POST", "namespaces/shop/views", { name: "v" })).status, 406);
  strictEqual(refusal(await lake.ask("GET", "namespaces/shop/views/v")).type, "NoSuchViewException");
  strictEqual((await lake.ask("HEAD", "namespaces/shop/views/v")).status, 404);
  deepStrictEqual((await lake.ask("GET", "namespaces/shop/views")).json.identifiers, []);
  strictEqual((await lake.ask("POST", `${ORDERS}/metrics`, { "report-type": "scan-report" })).status, 204);
  strictEqual((await lake.ask("POST", "oauth/tokens", "grant_type=client_credentials")).status, 400);
  const version3 = { requirements: [], updates: [{ action: "upgrade-format-version", "format-version": 3 }] };
  match(refusal(await lake.ask("POST", ORDERS, version3)).message, /format version 3 is not written here/);
  const unknown = { requirements: [], updates: [{ action: "add-encryption-key" }] };
  match(refusal(await lake.ask("POST", ORDERS, unknown)).message, /the update "add-encryption-key" is unknown/);
  const wrong = await lake.ask("PUT", ORDERS, {});
  deepStrictEqual([wrong.status, wrong.headers.get("allow")], [405, "GET, HEAD, POST, DELETE"]);
  strictEqual((await lake.ask("GET", "nothing")).status, 404);
});
