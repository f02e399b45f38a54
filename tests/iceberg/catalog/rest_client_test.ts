import { deepStrictEqual as assertEquals, match, ok, rejects as assertRejects } from "node:assert/strict";
import { StreamlabError } from "../../../core/base/errors.ts";
import { stringifyJson } from "../../../core/base/json.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { setProperties } from "../../../core/iceberg/action/set_properties.ts";
import { RestCatalog, type RestCatalogOptions } from "../../../core/iceberg/catalog/rest_catalog.ts";
import { createTable } from "../../../core/iceberg/action/create_table.ts";
import type { TableUpdate } from "../../../core/iceberg/format/table_update.ts";
import { applyUpdates } from "../../../core/iceberg/format/table_update_applier.ts";
import { tableMetadataToText } from "../../../core/iceberg/table_metadata_json.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { SimulatedDisk } from "../../support/simulated_disk.ts";
import { identifier, sampleFields } from "../sample_table.ts";

const random = seededRandom(3);
const metadataText = tableMetadataToText(applyUpdates(
  undefined,
  createTable({ fields: sampleFields, location: "s3a://bucket/wh/t", random }).updates,
  1000,
));
const table = (more = "") =>
  `{"metadata-location":"s3a://bucket/wh/t/metadata/1.json","metadata":${metadataText}${more}}`;

type Answer = [status: number, body?: string] | Error;

/** A server that gives its answers in turn, and keeps what it was asked. */
async function scripted(answers: Answer[], options: Partial<RestCatalogOptions> = {}) {
  const asked: { line: string; headers: Headers; body: string }[] = [];
  const opened: Record<string, string>[] = [];
  const clock = new ManualClock();
  const queue: Answer[] = [
    [200, '{"defaults":{"s3.endpoint":"http://minio"},"overrides":{"prefix":"ware house/x"}}'],
    ...answers,
  ];
  const fake = async (url: string | URL | Request, init: RequestInit = {}) => {
    const request = new Request(url, init);
    asked.push({ line: `${request.method} ${String(url)}`, headers: request.headers, body: await request.text() });
    const answer = queue.shift()!;
    if (answer instanceof Error) throw answer;
    return new Response(answer[0] === 204 ? null : answer[1] ?? "", { status: answer[0] });
  };
  const catalog = await RestCatalog.connect({
    uri: "http://catalog/",
    clock,
    random,
    fetch: fake as typeof fetch,
    openTable: (_location, config) => {
      opened.push(config);
      return Promise.resolve({ store: new SimulatedDisk({ root: "s3://bucket/wh" }).connect(), folder: "t" });
    },
    ...options,
  });
  return { catalog, asked, opened, clock };
}

const isKind = (kind: string, message: RegExp) => (error: unknown) =>
  error instanceof StreamlabError && error.kind === kind && message.test(error.message);

Deno.test("the server's prefix stands in every path, and names are encoded", async () => {
  const { catalog, asked } = await scripted([
    [200, '{"identifiers":[{"namespace":["a","b c"],"name":"x/y"}],"next-page-token":"p2"}'],
    [200, '{"identifiers":[]}'],
    [404],
  ]);
  const tables = await catalog.listTables(["a", "b c"]);
  assertEquals(tables, [{ namespace: ["a", "b c"], name: "x/y" }]);
  assertEquals(await catalog.loadTable(tables[0]!), undefined);
  assertEquals(asked.map((request) => request.line), [
    "GET http://catalog/v1/config",
    "GET http://catalog/v1/ware%20house/x/namespaces/a%1Fb%20c/tables",
    "GET http://catalog/v1/ware%20house/x/namespaces/a%1Fb%20c/tables?pageToken=p2",
    "GET http://catalog/v1/ware%20house/x/namespaces/a%1Fb%20c/tables/x%2Fy",
  ]);
});

Deno.test("credentials for the longest prefix are handed to whoever opens the table", async () => {
  const credentials = `,"config":{"client.region":"eu"},"storage-credentials":[
    {"prefix":"s3://bucket/wh","config":{"s3.access-key-id":"near"}},
    {"prefix":"s3://bucket","config":{"s3.access-key-id":"far"}},
    {"prefix":"s3://other","config":{"s3.access-key-id":"other"}}]`;
  const { catalog, opened, asked } = await scripted([[200, table(credentials)]]);
  const loaded = (await catalog.loadTable(identifier))!;
  assertEquals(opened, [{
    "s3.endpoint": "http://minio",
    prefix: "ware house/x",
    "client.region": "eu",
    "s3.access-key-id": "near",
  }]);
  assertEquals(asked[1]!.headers.get("x-iceberg-access-delegation"), "vended-credentials");
  assertEquals(loaded.io.location.pathOf("s3://bucket/wh/t/data/x"), "t/data/x");
});

Deno.test("a table is opened anew when its load brings another key, and only then", async () => {
  const key = (id: string) => table(`,"config":{"s3.access-key-id":"${id}","s3.secret-access-key":"x"}`);
  const { catalog, opened } = await scripted([[200, key("one")], [200, key("one")], [200, key("two")], [200, table()]]);
  const ios = [];
  for (let load = 0; load < 4; load++) ios.push((await catalog.loadTable(identifier))!.io);
  assertEquals(opened.map((config) => config["s3.access-key-id"]), ["one", "two"]);
  assertEquals([ios[0] === ios[1], ios[1] === ios[2], ios[2] === ios[3]], [true, false, true]);
});

Deno.test("client credentials buy a token, which is renewed before its end and after a 401", async () => {
  const token = (text: string): Answer => [200, `{"access_token":"${text}","expires_in":600}`];
  const asked: string[] = [];
  const answers: Answer[] = [
    token("one"),
    [200, "{}"],
    [200, '{"identifiers":[]}'],
    token("two"),
    [200, '{"identifiers":[]}'],
    [401],
    token("three"),
    [200, '{"identifiers":[]}'],
  ];
  const fake = async (url: string | URL | Request, init: RequestInit = {}) => {
    const request = new Request(url, init);
    asked.push(`${request.headers.get("authorization")} ${new URL(request.url).pathname} ${await request.text()}`);
    const [status, body] = answers.shift() as [number, string?];
    return new Response(body ?? "", { status });
  };
  const { catalog, clock } = await scripted([], { credential: "me:secret", fetch: fake as typeof fetch });
  await catalog.listTables(["a"]);
  clock.advance(590_000);
  await catalog.listTables(["a"]);
  await catalog.listTables(["a"]);
  const form = "null /v1/oauth/tokens grant_type=client_credentials&client_secret=secret&scope=catalog&client_id=me";
  assertEquals(asked, [
    form,
    "Bearer one /v1/config ",
    "Bearer one /v1/namespaces/a/tables ",
    form,
    "Bearer two /v1/namespaces/a/tables ",
    "Bearer two /v1/namespaces/a/tables ",
    form,
    "Bearer three /v1/namespaces/a/tables ",
  ]);
});

Deno.test("a wrong secret is said without being shown", async () => {
  const refused = scripted([], {
    credential: "me:very-secret",
    fetch: (() => Promise.resolve(new Response('{"error":"very-secret"}', { status: 401 }))) as typeof fetch,
  });
  await assertRejects(refused, (error: StreamlabError) => {
    return /Cannot get a token from http:\/\/catalog\/v1\/oauth\/tokens: it answered 401/.test(error.message) &&
      !`${error.message} ${error.hint} ${error.cause}`.includes("very-secret");
  });
});

Deno.test("what may be asked again is asked again, a commit only when the server says so", async () => {
  const cut = new TypeError("connection reset");
  const { catalog, asked } = await scripted([cut, [500], [200, table()], [503], [200, table()], [
    500,
    '{"error":{"message":"boom"}}',
  ]]);
  const base = (await catalog.loadTable(identifier))!;
  const commit = { identifier, base, commitId: "1", ...setProperties({ a: "b" }) };
  await catalog.commit(commit);
  await assertRejects(
    catalog.commit(commit),
    isKind("unavailable", /Cannot commit to bronze.events: the catalog answered 500: boom/),
  );
  assertEquals(asked.map((request) => request.line.split(" ")[0]), [
    "GET",
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "POST",
  ]);
});

/** A table whose main branch has these snapshots, each the child of the one before. */
function tableWith(...ids: bigint[]): string {
  const start = createTable({ fields: sampleFields, location: "s3a://bucket/wh/t", random: seededRandom(3) }).updates;
  const updates = ids.flatMap((snapshotId, i): TableUpdate[] => [
    { action: "add-snapshot", snapshot: snapshotOf(snapshotId, BigInt(i + 1), ids[i - 1]) },
    { action: "set-snapshot-ref", refName: "main", ref: { type: "branch", snapshotId } },
  ]);
  const text = tableMetadataToText(applyUpdates(undefined, [...start, ...updates], 1000));
  return `{"metadata-location":"s3a://bucket/wh/t/metadata/2.json","metadata":${text}}`;
}

const snapshotOf = (snapshotId: bigint, sequenceNumber: bigint, parentSnapshotId?: bigint) => ({
  snapshotId,
  sequenceNumber,
  timestampMs: 5,
  summary: { operation: "append" as const },
  manifestList: "x",
  parentSnapshotId,
});

const ours = 9223372036854775807n;
const lost = new TypeError("reset");
/** What the server says to the commit, how the table is then, and what we make of it. */
const settled: [string, Answer[], string, RegExp | undefined][] = [
  ["lost, and it is there", [lost], tableWith(1n, ours), undefined],
  ["lost, and it is there with another after it", [lost], tableWith(1n, ours, 3n), undefined],
  ["refused because it is there", [[409, "{}"]], tableWith(1n, ours), undefined],
  ["refused after a 503 because it is there", [[503], [409, "{}"]], tableWith(1n, ours), undefined],
  ["broken off in the middle, and it is there", [[200, '{"metadata":']], tableWith(1n, ours), undefined],
  ["lost, and another was first", [lost], tableWith(1n, 2n), /^conflict Cannot commit .*another commit was first/],
  ["refused, and another was first", [[409, "{}"]], tableWith(1n, 2n), /^conflict .*another commit was first/],
  ["refused for another reason", [[409, "{}"]], tableWith(1n), /^conflict .*answered 409/],
  ["lost, and nothing has happened so far", [lost], tableWith(1n), /^unavailable .*does not answer/],
  ["refused, and what was there has expired", [[409, "{}"]], tableWith(5n, 6n), /^unavailable Cannot tell whether/],
  ["lost, and what was there has expired", [lost], tableWith(5n, 6n), /^unavailable .*does not answer/],
  ["broken, by the server's word", [[400, "{}"]], tableWith(1n, ours), /^usage .*answered 400/],
];
for (const [what, answers, then, expected] of settled) {
  Deno.test(`a commit is settled by its snapshot, every digit of its id, and by the branch: ${what}`, async () => {
    const { catalog, asked } = await scripted([[200, tableWith(1n)], ...answers, [200, then]]);
    const base = (await catalog.loadTable(identifier))!;
    const updates = [{ action: "add-snapshot" as const, snapshot: snapshotOf(ours, 2n, 1n) }];
    const commit = { identifier, base, commitId: "1", requirements: [], updates };
    const outcome = await catalog.commit(commit).then(
      (table) => ({ ids: table.metadata.snapshots.map(({ snapshotId }) => snapshotId) }),
      (error: StreamlabError) => `${error.kind} ${error.message}`,
    );
    if (typeof outcome === "string") match(outcome, expected ?? /nothing was to fail/);
    else assertEquals([outcome.ids.includes(ours), expected], [true, undefined]);
    ok(asked[2]!.body.includes(stringifyJson({ "snapshot-id": ours }).slice(1, -1)));
  });
}

Deno.test("a change that a newer version makes a bad request is a lost race, and one that is bad by itself is not", async () => {
  const moved = tableWith(1n).replace("metadata/2.json", "metadata/3.json");
  const refused: Answer = [400, '{"error":{"message":"arraySize cannot be negative but was: -10"}}'];
  for (const [then, kind] of [[moved, "conflict"], [tableWith(1n), "usage"]] as const) {
    const { catalog } = await scripted([[200, tableWith(1n)], refused, [200, then]]);
    const base = (await catalog.loadTable(identifier))!;
    const updates = [{ action: "remove-snapshots" as const, snapshotIds: [7n, 8n] }];
    await assertRejects(
      catalog.commit({ identifier, base, commitId: "1", requirements: [], updates }),
      isKind(kind, /arraySize cannot be negative/),
    );
  }
});

Deno.test("a page of something else at the address is told as such", async () => {
  const { catalog } = await scripted([[200, "<html>"], [200, "<html>"]]);
  await assertRejects(catalog.loadTable(identifier), isKind("unavailable", /answered 200 and no JSON/));
});
