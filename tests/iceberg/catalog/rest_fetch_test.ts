import { deepStrictEqual, doesNotMatch, match, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../../core/base/clock.ts";
import { StreamlabError } from "../../../core/base/errors.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { bearerToken, clientCredentials } from "../../../core/iceberg/catalog/rest_auth.ts";
import { RestCatalog, type RestCatalogOptions } from "../../../core/iceberg/catalog/rest_catalog.ts";
import { fetchWithinOrigin } from "../../../core/iceberg/catalog/rest_fetch.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { withRedirect } from "../../support/redirecting_server.ts";

const REDIRECTS = [301, 302, 303, 307, 308];

function connect(options: Partial<RestCatalogOptions> & { uri: string }): Promise<RestCatalog> {
  const random = seededRandom(5);
  const openTable = () => Promise.reject(new Error("no table is opened here"));
  return RestCatalog.connect({ clock: systemClock, random, openTable, ...options });
}

async function serving(
  answer: (request: Request, path: string) => Response | Promise<Response>,
  action: (url: string) => Promise<void>,
): Promise<void> {
  const quiet = { port: 0, hostname: "127.0.0.1", onListen() {} };
  const server = Deno.serve(quiet, (request) => {
    const { pathname, search } = new URL(request.url);
    return answer(request, pathname + search);
  });
  try {
    await action(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

const isKind = (kind: string, message: RegExp) => (error: unknown) => {
  if (!(error instanceof StreamlabError) || error.kind !== kind) return false;
  match(error.message, message);
  return true;
};

for (const status of REDIRECTS) {
  Deno.test(`no secret of a catalog follows a redirect (${status}) to another origin`, () =>
    withRedirect(status, async ({ url, strayed, asked }) => {
      const isRefused = isKind("unavailable", /it redirects to http:\/\/127\.0\.0\.1:\d+, where no secret is sent/);
      await rejects(connect({ uri: url, credential: "me:hunter2" }), isRefused);
      await rejects(connect({ uri: url, token: "bearer-secret" }), isRefused);
      await rejects(connect({ uri: "http://127.0.0.1:1", credential: "me:hunter2", tokenUri: `${url}/t` }), isRefused);
      for (const method of ["POST", "DELETE"]) {
        const request = { method, headers: { authorization: "Bearer x" } };
        await rejects(
          fetchWithinOrigin(url, request, { clock: systemClock, timeoutMs: 600_000, bytesMax: 100 }),
          /where no secret is sent/,
        );
      }
      deepStrictEqual(strayed, []);
      strictEqual(asked.length, 5);
    }));
}

Deno.test("a redirect within the origin is followed, by the same method and with the same body, and not for ever", () =>
  serving(async (request, path) => {
    const step = Number(/^\/(\d)$/.exec(path)?.[1] ?? NaN);
    if (step > 0) return new Response(null, { status: 308, headers: { location: `/${step - 1}` } });
    if (path === "/moved") return new Response(null, { status: 302, headers: { location: "/0" } });
    return new Response(`${request.method} ${request.headers.get("authorization")} ${await request.text()}`);
  }, async (url) => {
    const send = (path: string, method: string) =>
      fetchWithinOrigin(`${url}${path}`, {
        method,
        headers: { authorization: "Bearer x" },
        ...(method === "POST" && { body: "b" }),
      }, { clock: systemClock, timeoutMs: 600_000, bytesMax: 100 });
    strictEqual((await send("/5", "POST")).text, "POST Bearer x b");
    strictEqual((await send("/moved", "GET")).text, "GET Bearer x ");
    await rejects(send("/6", "GET"), /redirects again and again/);
    // A POST that became a GET would look as if it had happened.
    await rejects(send("/moved", "POST"), /redirects again and again, or a POST/);
  }));

Deno.test("a token that comes as no token is neither sent nor shown", async () => {
  const texts = [
    '{"access_token":"very-secret\\nx"}',
    '{"access_token":"very-secret€"}',
    "very-secret, and no JSON",
    '["very-secret"]',
    '{"access_token":["very-secret"]}',
  ];
  for (const text of texts) {
    await serving(() => new Response(text), async (url) => {
      const auth = clientCredentials({ tokenUri: url, clientSecret: "hunter2", clock: systemClock });
      await rejects(auth.header(), (error) => {
        doesNotMatch(Deno.inspect(error, { depth: 9 }), /very-secret|hunter2/);
        return isKind("unavailable", /it answered 200 and no token$/)(error);
      });
    });
  }
  for (const token of ["very-secret\n", "very secret", ""]) {
    try {
      bearerToken(token);
      ok(false, "it was taken");
    } catch (error) {
      ok(isKind("usage", /a character that no token has/)(error));
      doesNotMatch(Deno.inspect(error), /very/);
    }
  }
});

Deno.test("an answer of 4 GB ends when it is larger than any metadata is, and is not asked for again", async () => {
  let asked = 0, sent = 0;
  const piece = new Uint8Array(1 << 20).fill(0x20);
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += piece.length;
        if (sent > 2 ** 32) controller.close();
        else controller.enqueue(piece);
      },
    });
  await serving(() => (asked++, new Response(endless())), async (url) => {
    await rejects(connect({ uri: url }), isKind("unavailable", /its answer has more than 134 MB/));
    ok(asked === 1 && sent < 2 ** 28, `${asked} times, ${sent} bytes`);
    asked = sent = 0;
    await rejects(connect({ uri: url, credential: "me:x" }), isKind("unavailable", /its answer has more than 1 MB/));
    ok(asked === 1 && sent < 2 ** 26, `${asked} times, ${sent} bytes`);
  });
});

Deno.test("an answer that stands still for some seconds is read to its end", async () => {
  const clock = new ManualClock(0);
  const pieces = ["{", "}"].map((text) => new TextEncoder().encode(text));
  const halting = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      clock.advance(10_000);
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  }, { highWaterMark: 0 });
  const options = { clock, timeoutMs: 600_000, bytesMax: 100, fetch: () => Promise.resolve(new Response(halting)) };
  strictEqual((await fetchWithinOrigin("http://catalog", { method: "GET" }, options)).text, "{}");
});

Deno.test("an answer of a byte a second is not waited for", async () => {
  const clock = new ManualClock(0);
  let cancelled = false;
  const trickle = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        clock.advance(1_000);
        controller.enqueue(new Uint8Array([0x20]));
      },
      cancel() {
        cancelled = true;
      },
    }, { highWaterMark: 0 });
  const fake = (() => Promise.resolve(new Response(trickle()))) as unknown as typeof fetch;
  const slow = /its answer comes slower than 1000 bytes a second/;
  await rejects(connect({ uri: "http://catalog", clock, fetch: fake }), isKind("unavailable", slow));
  ok(clock.nowMs() < 60_000 && cancelled);
});

/** A catalog that opens, and then gives these pages. */
const giving = (
  pages: (path: string) => unknown,
  action: (catalog: RestCatalog, asked: () => number) => Promise<void>,
) => {
  let asked = 0;
  return serving((_request, path) => {
    asked++;
    return Response.json(path.startsWith("/v1/config") ? {} : pages(path));
  }, async (url) => action(await connect({ uri: url }), () => asked));
};

Deno.test("a listing that gives a page again, or one after another without end, ends", async () => {
  let page = 0;
  const isEndless = isKind("unavailable", /^Cannot list the tables of a: the catalog gives .*, without an end$/);
  await giving(() => ({ identifiers: [], "next-page-token": "same" }), async (catalog, asked) => {
    await rejects(catalog.listTables(["a"]), isEndless);
    ok(asked() <= 4);
  });
  await giving(() => ({ identifiers: [], "next-page-token": `${page++}` }), async (catalog, asked) => {
    await rejects(catalog.listTables(["a"]), isEndless);
    ok(asked() <= 110, `${asked()} requests`);
  });
});

Deno.test("namespaces that hold themselves, or others without end, end", async () => {
  await giving(() => ({ namespaces: [["a"], ["b"]] }), async (catalog) => {
    deepStrictEqual(await catalog.listNamespaces(), [["a"], ["b"]]);
  });
  await giving((path) => {
    const parent = new URL(path, "http://x").searchParams.get("parent")?.split("\x1f") ?? [];
    return { namespaces: [[...parent, "deeper"]] };
  }, async (catalog) => {
    await rejects(catalog.listNamespaces(), isKind("unavailable", /one namespace within another, without an end/));
  });
  await giving(() => ({ namespaces: [["a", null]] }), async (catalog) => {
    await rejects(catalog.listNamespaces(), isKind("corrupt", /"namespace" must be a string, found null/));
  });
});
