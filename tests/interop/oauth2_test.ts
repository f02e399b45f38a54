import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { systemRandom } from "../../core/base/random.ts";
import { createTable } from "../../core/iceberg/action/create_table.ts";
import { createTableIfAbsent } from "../../core/iceberg/commit.ts";
import { inFolder, streamlab, succeed } from "../e2e/program.ts";
import { identifier, sampleFields } from "../iceberg/sample_table.ts";
import { connectRest, restCatalogTest, withRestCatalog } from "../support/rest_catalog_server.ts";

/** What the server's own tokens look like, by the client's id. */
const tokenOf = (client: string) => `client-credentials-token:sub=${client}`;
const tokenPath = "/v1/oauth/tokens";

interface Guard {
  uri: string;
  /** Tokens that the server gave out, and requests that came with the right one. */
  counts: { tokens: number; let_in: number; refused: number };
  /** Makes all tokens that were given out so far worthless. */
  revoke(): void;
}

/**
 * The server gives out tokens and asks nobody for them, so a guard before it does: what does not
 * come with the last token is sent away.
 */
async function withGuard(server: string, action: (guard: Guard) => Promise<void>): Promise<void> {
  const counts = { tokens: 0, let_in: 0, refused: 0 };
  let valid: string | undefined;
  const guard = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    const isToken = url.pathname === tokenPath;
    if (!isToken && (valid === undefined || request.headers.get("authorization") !== `Bearer ${valid}`)) {
      counts.refused++;
      const error = { message: "Not authorized", type: "NotAuthorizedException", code: 401 };
      return Response.json({ error }, { status: 401 });
    }
    const body = request.body === null ? undefined : await request.arrayBuffer();
    const headers = new Headers(request.headers);
    headers.delete("host");
    const answer = await fetch(server + url.pathname + url.search, { method: request.method, headers, body });
    const text = await answer.text();
    if (isToken && answer.ok) {
      counts.tokens++;
      valid = (JSON.parse(text) as { access_token: string }).access_token;
    } else counts.let_in++;
    const type = { "content-type": answer.headers.get("content-type") ?? "application/json" };
    return new Response(answer.status === 204 ? null : text, { status: answer.status, headers: type });
  });
  try {
    await action({ uri: `http://127.0.0.1:${guard.addr.port}`, counts, revoke: () => valid = undefined });
  } finally {
    await guard.shutdown();
  }
}

restCatalogTest(
  "the token that Iceberg's own server gives for client credentials opens it, and a new one is asked for when that is refused",
  () =>
    inFolder((folder) =>
      withRestCatalog(folder, (server) =>
        withGuard(server, async ({ uri, counts, revoke }) => {
          await rejects(connectRest(uri), /401/);
          const catalog = await connectRest(uri, { credential: "lab:secret" });
          const create = (location: string) => createTable({ fields: sampleFields, location, random: systemRandom });
          ok((await createTableIfAbsent(catalog, identifier, create, { random: systemRandom })).created);
          strictEqual(counts.tokens, 1);
          revoke();
          deepStrictEqual(await catalog.listTables(["bronze"]), [identifier]);
          strictEqual(counts.tokens, 2);
          const byToken = await connectRest(uri, { token: tokenOf("lab") });
          strictEqual((await byToken.loadTable(identifier))!.metadata.formatVersion, 2);
          strictEqual(counts.tokens, 2);
          await rejects(connectRest(uri, { token: tokenOf("nobody") }), /401/);
        }))
    ),
);

restCatalogTest(
  "commands open a guarded catalog by a credential, and say so when it is not taken",
  () =>
    inFolder((folder) =>
      withRestCatalog(folder, (server) =>
        withGuard(server, async ({ uri, counts }) => {
          const env = { STREAMLAB_CATALOG: uri, STREAMLAB_CATALOG_CREDENTIAL: "lab:top-secret" };
          await succeed(folder, ["produce", "--batches", "2", "--interval", "0"], { env });
          await succeed(folder, ["consume", "--once"], { env });
          const count = await succeed(folder, [
            "query",
            "--format",
            "csv",
            "select count(*) > 0 as n from bronze.events",
          ], {
            env,
          });
          strictEqual(count, "n\ntrue\n");
          await succeed(folder, ["maintain", "--compact"], { env });
          ok(counts.tokens >= 3 && counts.let_in > 10);
          const without = await streamlab(folder, ["query", "show tables"], { env: { STREAMLAB_CATALOG: uri } });
          strictEqual(without.status, 1);
          ok(/401/.test(without.stderr) && !/top-secret/.test(without.stderr), without.stderr);
        }))
    ),
);
