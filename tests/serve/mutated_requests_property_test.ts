import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Random } from "../../core/base/random.ts";
import { ServedLake } from "../support/lake_server.ts";
import { mutateBytes, mutateJson } from "../support/mutate.ts";
import { withSeed } from "../support/seed.ts";
import { isThorough } from "../support/thorough.ts";
import { useFilledLake } from "./console/console_lake.ts";
import { snapshotUpdates, someTable, writeManifestList } from "./catalog/requests.ts";

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

const CATALOG_RUNS = isThorough ? 9_000 : 300;
/** Many of these ask DuckDB. */
const CONSOLE_RUNS = isThorough ? 1_000 : 60;

/** Every file of a folder, with its content. */
function filesIn(folder: string, below = ""): [string, string][] {
  return [...Deno.readDirSync(folder + below)].flatMap(({ name, isDirectory }): [string, string][] => {
    const path = `${below}/${name}`;
    return isDirectory ? filesIn(folder, path) : [[path, Deno.readTextFileSync(folder + path)]];
  }).sort();
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)]!;
}

async function validRequests(lake: ServedLake): Promise<Sent[]> {
  const snapshot = await writeManifestList(lake, "shop/orders", { id: 5, sequence: 1 });
  const commit = {
    identifier: { namespace: ["shop"], name: "orders" },
    requirements: [{ type: "assert-ref-snapshot-id", ref: "main", "snapshot-id": null }],
    updates: [...snapshotUpdates(snapshot), { action: "set-properties", updates: { a: "1" } }],
  };
  const metadata = `file://${lake.folder}/warehouse/shop/orders/metadata/v1.metadata.json`;
  const posts: [string, object][] = [
    ["namespaces", { namespace: ["shop", "inner"], properties: { a: "1" } }],
    ["namespaces/shop/properties", { removals: ["b"], updates: { a: "1" } }],
    ["namespaces/shop/tables", { ...someTable, name: "others", location: "file:///etc", "stage-create": true }],
    ["namespaces/shop/register", { name: "copies", "metadata-location": metadata }],
    ["namespaces/shop/tables/orders", commit],
    ["namespaces/shop/tables/orders/metrics", { "report-type": "scan-report" }],
    ["transactions/commit", { "table-changes": [commit, commit] }],
    ["tables/rename", { source: commit.identifier, destination: { namespace: ["shop"], name: "x" } }],
  ];
  const gets = [
    "config",
    "namespaces?parent=shop&pageToken=&pageSize=1",
    "namespaces/shop/tables/orders?snapshots=refs",
  ];
  const headers = {
    host: "localhost",
    "idempotency-key": "01890a5d-ac96-774b-bcce-b302099a8057",
    "if-none-match": '"a"',
  };
  return [
    ...posts.map(([path, body]) => ({ method: "POST", path, headers, body: JSON.stringify(body) })),
    ...gets.map((path) => ({ method: "GET", path, headers })),
  ];
}

/** One of each of the console's endpoints, and of those for monitoring. */
function consoleRequests(): Sent[] {
  const letters = "table=dead_letters.events", within = "from=2026-03-01T12%3A00%3A00Z&to=2036-03-02";
  const gets = [
    "",
    "metrics",
    "readyz",
    "api/overview",
    "api/batches?target=bronze.events&limit=60&before=2",
    "api/live?target=bronze.events",
    "api/tables",
    "api/table?table=bronze.events",
    `api/letters/reasons?${letters}&reason=invalid_schema&place=%2Fuser_id&${within}`,
    `api/letters/over-time?${letters}&by=day&last=24&reason=invalid_schema`,
    `api/letters?${letters}&reason=invalid_schema&place=%2Fuser_id&limit=50&offset=1&${within}`,
    `api/letters/export?${letters}&${within}`,
    `api/letter?${letters}&file=raw%2Fevents%2Fa.json&batch=1&position=2`,
    "api/files?find=a&target=bronze.events&batch=1&status=ingested&limit=50&offset=0",
    "api/contract?target=bronze.events",
  ];
  const contract = JSON.stringify({ type: "object", properties: { user_id: { type: "string" } } });
  const posts: [string, object][] = [
    ["api/contract/compare", { target: "bronze.events", contract }],
    ["api/letters/replay", {
      table: "dead_letters.events",
      reason: "invalid_schema",
      from: "2026-03-01",
      dryRun: true,
    }],
    ["api/upkeep", { table: "bronze.events", action: "compact", dryRun: true }],
    ["api/sql", { sql: "select user_id, count(*) from bronze.events group by 1", rows: 1_000 }],
  ];
  const headers = { host: "localhost", origin: "http://localhost", "content-type": "application/json" };
  return [
    ...gets.map((path) => ({ method: "GET", path, headers })),
    ...posts.map(([path, body]) => ({ method: "POST", path, headers, body: JSON.stringify(body) })),
  ];
}

function requestOf({ method, path, headers, body }: Sent, base: string): Request {
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(`${base}/${path}`, { method, headers, body: hasBody ? body ?? null : null });
}

function said({ method, path, headers, body }: Sent): string {
  return `${method} ${path} ${JSON.stringify(headers)} ${body?.slice(0, 2_000)}`;
}

function mutated(random: Random, sent: Sent): Sent {
  const bytes = (text: string) =>
    Array.from(mutateBytes(random, new TextEncoder().encode(text)), (byte) => String.fromCharCode(byte)).join("");
  switch (Math.floor(random.next() * 6)) {
    case 0:
      return { ...sent, path: encodeURI(bytes(sent.path).toWellFormed()) };
    case 1:
      return { ...sent, method: pick(random, ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) };
    case 2: {
      const name = pick(random, Object.keys(sent.headers));
      return {
        ...sent,
        headers: { ...sent.headers, [name]: bytes(sent.headers[name]!).replaceAll(/[^\x21-\x7e]/g, "?") },
      };
    }
    case 3:
      return sent.body === undefined ? sent : { ...sent, body: bytes(sent.body) };
    default:
      return sent.body === undefined ? sent : { ...sent, body: mutateJson(random, sent.body) };
  }
}

Deno.test("a request that is refused, whatever it holds, changes nothing, and none of them breaks the server", () =>
  withSeed((random) =>
    ServedLake.use(async (lake) => {
      await lake.ask("POST", "namespaces", { namespace: ["shop"] });
      await lake.ask("POST", "namespaces/shop/tables", someTable);
      const requests = await validRequests(lake);
      let before = filesIn(lake.folder), refused = 0;
      for (let run = 0; run < CATALOG_RUNS; run++) {
        const sent = mutated(random, pick(random, requests));
        const { status } = await lake.server.answer(requestOf(sent, "http://localhost/catalog/v1"));
        const after = filesIn(lake.folder);
        const what = `${status} ${said(sent)}`;
        ok(status < 500, what);
        deepStrictEqual(after.filter(([name]) => !name.startsWith("/warehouse/")), [], what);
        if (status >= 400) {
          refused++;
          deepStrictEqual(after, before, what);
        }
        before = after;
      }
      ok(refused > CATALOG_RUNS / 4, `${refused} were refused`);
      deepStrictEqual(lake.failures, []);
      strictEqual((await lake.ask("GET", "namespaces")).status, 200);
    })
  ));

Deno.test("a request for the console, whatever it holds, changes nothing in the lake and breaks nothing", () =>
  withSeed((random) =>
    useFilledLake(async (lake) => {
      const requests = consoleRequests(), before = filesIn(lake.folder);
      let answered = 0;
      for (let run = 0; run < CONSOLE_RUNS; run++) {
        const sent = mutated(random, pick(random, requests));
        const { status, body } = await lake.server.answer(requestOf(sent, "http://localhost"));
        // What goes on without an end is hung up on.
        const reader = body?.getReader();
        await reader?.read();
        await reader?.cancel();
        ok(status < 500, `${status} ${said(sent)}`);
        deepStrictEqual(filesIn(lake.folder), before, said(sent));
        if (status < 300) answered++;
      }
      ok(answered < CONSOLE_RUNS, `${answered} were answered`);
      deepStrictEqual(lake.failures, []);
      strictEqual((await lake.ask("GET", "/api/overview")).status, 200);
    })
  ));
