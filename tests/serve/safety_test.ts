import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { incomingOf } from "../../core/serve/incoming.ts";
import { HttpRefusal } from "../../core/serve/http_refusal.ts";
import { Tokens } from "../../core/serve/tokens.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { ServedLake } from "../support/lake_server.ts";
import { storeWith } from "../support/store_with.ts";
import { someTable } from "./catalog/requests.ts";

const TOKEN = "0123456789abcdef0123";
const secret = new Tokens(`# ours\n${TOKEN}\n`);

/** A request as a client writes it that obeys no rules of the browser's. */
async function rawRequest(lake: ServedLake, lines: string[], body = ""): Promise<string> {
  const { hostname, port } = new URL(lake.address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const text = [...lines, "connection: close", `content-length: ${body.length}`, "", body].join("\r\n");
  await connection.write(new TextEncoder().encode(text));
  return await new Response(connection.readable).text();
}

Deno.test("without a token of the file nobody is let in, except for health", async () => {
  await ServedLake.use(async (lake) => {
    for (const path of ["/metrics", "/catalog/v1/config", "/nothing"]) {
      for (const authorization of [undefined, "Bearer wrong", `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, "Bearer "]) {
        const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
        const { status, text, headers: answered } = await lake.ask("GET", path, undefined, headers);
        strictEqual(status, 401, `${path} ${authorization}`);
        strictEqual(answered.get("www-authenticate"), "Bearer");
        ok(!text.includes(TOKEN));
      }
    }
    const headers = { authorization: `bearer ${TOKEN}` };
    strictEqual((await lake.ask("GET", "config", undefined, headers)).status, 200);
    strictEqual((await lake.ask("GET", "/healthz")).status, 204);
    deepStrictEqual((await lake.ask("GET", "/readyz")).json, { ready: true }, "and no names of tables");
  }, { guard: { tokens: secret } });
});

Deno.test("a token file without tokens that could be secrets is refused, and its content is not shown", () => {
  for (const text of ["", "\n# nothing\n", "short", "0123456789abcdef with spaces"]) {
    let message = "";
    try {
      new Tokens(text);
    } catch (error) {
      ok(error instanceof StreamlabError);
      message = error.message;
    }
    match(message, /^Cannot take the tokens/);
    ok(!message.includes("0123456789abcdef"), message);
  }
});

Deno.test("a page that lets its own name lead here is refused", async () => {
  await ServedLake.use(async (lake) => {
    const { port } = new URL(lake.address);
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "localhost.", ""]) {
      match(await rawRequest(lake, ["GET /catalog/v1/config HTTP/1.1", `host: ${host}`]), /^HTTP\/1.1 40[03]/, host);
    }
    for (const host of ["localhost", `LOCALHOST:${port}`, "127.0.0.1", "[::1]:80", "10.0.0.7", "lake.example"]) {
      match(await rawRequest(lake, ["GET /catalog/v1/config HTTP/1.1", `host: ${host}`]), /^HTTP\/1.1 200/, host);
    }
  }, { guard: { hosts: ["lake.example"] } });
});

Deno.test("requests from pages of other sites are refused, and none is told that it may read an answer", async () => {
  await ServedLake.use(async (lake) => {
    const sites = [["origin", "https://evil.example"], ["origin", "null"], ["sec-fetch-site", "cross-site"]] as const;
    for (const [header, site] of sites) {
      const headers = { [header]: site };
      const { status } = await lake.ask("POST", "namespaces", { namespace: ["a"] }, headers);
      strictEqual(status, 403, JSON.stringify(headers));
    }
    const own = await lake.ask("GET", "config", undefined, { origin: lake.address });
    strictEqual(own.status, 200);
    deepStrictEqual([...own.headers.keys()].filter((name) => name.startsWith("access-control")), []);
    strictEqual((await lake.ask("OPTIONS", "config")).status, 405);
    deepStrictEqual((await lake.ask("GET", "namespaces")).json.namespaces, []);
  });
});

Deno.test("a body that is too large, or is no JSON object, is refused", async () => {
  await ServedLake.use(async (lake) => {
    const report = "namespaces/a/tables/b/metrics", large = JSON.stringify({ a: "x".repeat(17_000_000) });
    strictEqual((await lake.ask("POST", report, large)).status, 413);
    const unannounced = { method: "POST", body: new Blob([large]).stream() };
    strictEqual((await fetch(`${lake.address}/catalog/v1/${report}`, unannounced)).status, 413);
    strictEqual((await lake.ask("POST", report, large.slice(0, 1_000) + '"}')).status, 204);
    const deep = `{"namespace":${"[".repeat(2_000)}${"]".repeat(2_000)}}`;
    for (const body of ["", "[]", "1", "{", '{"a":1}x', deep, "null"]) {
      strictEqual((await lake.ask("POST", "namespaces", body)).status, 400, body.slice(0, 20));
    }
    strictEqual(
      (await lake.ask("POST", "namespaces", { namespace: ["a"], properties: { a: "x".repeat(300_000) } })).status,
      413,
    );
    deepStrictEqual((await lake.ask("GET", "namespaces")).json.namespaces, []);
  });
});

Deno.test("a body that never ends is given up", async () => {
  const clock = new ManualClock();
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([0x7b])) });
  const incoming = incomingOf(new Request("http://127.0.0.1/x", { method: "POST", body }), clock);
  await rejects(incoming.readJson(), (error) => error instanceof HttpRefusal && error.status === 408);
});

Deno.test("a client that hangs up in the middle leaves the server as it was", async () => {
  await ServedLake.use(async (lake) => {
    const { hostname, port } = new URL(lake.address);
    for (
      const text of [
        "",
        "GET / HT",
        "POST /catalog/v1/namespaces HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{",
      ]
    ) {
      const connection = await Deno.connect({ hostname, port: Number(port) });
      await connection.write(new TextEncoder().encode(text));
      connection.close();
    }
    strictEqual((await lake.ask("GET", "/healthz")).status, 204);
    deepStrictEqual((await lake.ask("GET", "namespaces")).json.namespaces, []);
  });
});

Deno.test("no name leads out of the lake, or into a table's own folders", async () => {
  await ServedLake.use(async (lake) => {
    await lake.ask("POST", "namespaces", { namespace: ["shop"] });
    const names = [
      "..",
      ".",
      ".namespaces",
      "a/b",
      "a\\b",
      "",
      "metadata",
      "data",
      "a\0b",
      "a\nb",
      "x".repeat(201),
      "\ud800",
    ];
    for (const name of names) {
      strictEqual((await lake.ask("POST", "namespaces", { namespace: [name] })).status, 400, JSON.stringify(name));
      strictEqual((await lake.ask("POST", "namespaces/shop/tables", { ...someTable, name })).status, 400, name);
      strictEqual(
        (await lake.ask("POST", "namespaces/shop/register", { name, "metadata-location": "/x" })).status,
        400,
      );
    }
    for (
      const path of [
        "namespaces/..%2f..%2fetc",
        "namespaces/shop/tables/..%2f..",
        "namespaces/%ff",
        "namespaces/a%1F%1Fb",
      ]
    ) {
      strictEqual((await lake.ask("GET", path)).status, 400, path);
    }
    deepStrictEqual([...Deno.readDirSync(lake.folder)].map(({ name }) => name), ["warehouse"]);
  });
});

Deno.test("a table is nowhere but in its own folder of the warehouse, whatever place a client names", async () => {
  await ServedLake.use(async (lake) => {
    await lake.ask("POST", "namespaces", { namespace: ["shop"] });
    const own = `file://${lake.folder}/warehouse/shop/orders`;
    const places = [
      "/etc",
      "s3://other/bucket",
      `${own}/../../../raw`,
      `file://${lake.folder}/warehouse/shop/else`,
      `${own}2`,
    ];
    for (const location of places) {
      const created = await lake.ask("POST", "namespaces/shop/tables", { ...someTable, location });
      strictEqual(created.status, 400, location);
      match(created.text, /leave the location out/);
    }
    strictEqual((await lake.ask("POST", "namespaces/shop/tables", { ...someTable, location: `${own}/` })).status, 200);
    const snapshot = { "snapshot-id": 1, "sequence-number": 1, "timestamp-ms": 1, summary: { operation: "append" } };
    const updates = [
      ...places.flatMap((place): object[] => [
        { action: "set-location", location: place },
        { action: "set-properties", updates: { "write.data.path": place } },
        { action: "add-snapshot", snapshot: { ...snapshot, "manifest-list": `${place}/x.avro` } },
        { action: "set-statistics", statistics: { "snapshot-id": 1, "statistics-path": `${place}/x.puffin` } },
      ]),
      { action: "add-snapshot", snapshot: { ...snapshot, "manifest-list": `${own}/metadata/not-there.avro` } },
    ];
    for (const update of updates) {
      const answer = await lake.ask("POST", "namespaces/shop/tables/orders", { requirements: [], updates: [update] });
      strictEqual(answer.status, 400, JSON.stringify(update));
    }
    const { json } = await lake.ask("GET", "namespaces/shop/tables/orders");
    strictEqual(json["metadata-location"], `${own}/metadata/v1.metadata.json`);
  });
});

Deno.test("a commit of unknown outcome says so, and never asks to be sent again", async () => {
  let isBroken = false;
  const fail = () => Promise.reject(new StreamlabError("unavailable", "Cannot reach the lake with key SECRETKEY"));
  await ServedLake.use(
    async (lake) => {
      await lake.ask("POST", "namespaces", { namespace: ["shop"] });
      await lake.ask("POST", "namespaces/shop/tables", someTable);
      isBroken = true;
      const update = { action: "set-properties", updates: { a: "1" } };
      const tried = await lake.ask("POST", "namespaces/shop/tables/orders", { requirements: [], updates: [update] });
      strictEqual(tried.status, 500, tried.text);
      match(tried.text, /"CommitStateUnknownException"/);
    },
    { serves: (store) => storeWith(store, { create: (path, bytes) => isBroken ? fail() : store.create(path, bytes) }) },
  );
});

Deno.test("what goes wrong on our side is told to the operator, and not to the client", async () => {
  const fail = () => Promise.reject(new StreamlabError("unavailable", "Cannot reach the lake with key SECRETKEY"));
  await ServedLake.use(
    async (lake) => {
      const answer = await lake.ask("GET", "namespaces/shop");
      strictEqual(answer.status, 503);
      ok(!answer.text.includes("SECRETKEY"), answer.text);
      match(lake.failures.join(), /SECRETKEY/);
      ok(!(await lake.ask("GET", "/readyz")).text.includes("SECRETKEY"));
    },
    { serves: (store) => storeWith(store, { list: () => ({ [Symbol.asyncIterator]: () => ({ next: fail }) }) }) },
  );
});

Deno.test("the server ends when it is told to, after what is under way", async () => {
  let enter = () => {}, leave = () => {};
  const entered = new Promise<void>((resolve) => enter = resolve);
  const left = new Promise<void>((resolve) => leave = resolve);
  let isSlow = false;
  let asking: ReturnType<ServedLake["ask"]> | undefined;
  await ServedLake.use(
    async (lake) => {
      await lake.ask("POST", "namespaces", { namespace: ["shop"] });
      isSlow = true;
      asking = lake.ask("POST", "namespaces/shop/tables", someTable);
      await entered;
      lake.end.addEventListener("abort", leave);
    },
    {
      serves: (store) =>
        storeWith(store, {
          async create(path, bytes) {
            if (isSlow) {
              enter();
              await left;
            }
            return await store.create(path, bytes);
          },
        }),
    },
  );
  strictEqual((await asking!).status, 200);
});
