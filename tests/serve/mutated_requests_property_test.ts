import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Random } from "../../core/base/random.ts";
import { ServedLake } from "../support/lake_server.ts";
import { mutateBytes, mutateJson } from "../support/mutate.ts";
import { withSeed } from "../support/seed.ts";
import { isThorough } from "../support/thorough.ts";
import { snapshotUpdates, someTable, writeManifestList } from "./catalog/requests.ts";

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

const RUNS = isThorough ? 10_000 : 300;

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
      for (let run = 0; run < RUNS; run++) {
        const { method, path, headers, body } = mutated(random, pick(random, requests));
        const url = `http://localhost/catalog/v1/${path}`;
        const hasBody = method !== "GET" && method !== "HEAD";
        const request = new Request(url, { method, headers, body: hasBody ? body ?? null : null });
        const { status } = await lake.server.answer(request);
        const after = filesIn(lake.folder);
        const what = `${status} ${method} ${path} ${JSON.stringify(headers)} ${body?.slice(0, 2_000)}`;
        ok(status < 500, what);
        deepStrictEqual(after.filter(([name]) => !name.startsWith("/warehouse/")), [], what);
        if (status >= 400) {
          refused++;
          deepStrictEqual(after, before, what);
        }
        before = after;
      }
      ok(refused > RUNS / 4, `${refused} were refused`);
      deepStrictEqual(lake.failures, []);
      strictEqual((await lake.ask("GET", "namespaces")).status, 200);
    })
  ));
