import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { maintain } from "../../commands/maintain/maintain.ts";
import { runProgram } from "../../commands/line/program.ts";
import { testWorld } from "../support/test_world.ts";

interface Asked {
  path: string;
  authorization: string | null;
  form: Record<string, string>;
}

/** A catalog that knows everybody, lets nobody in, and repeats what it was told. */
async function withServer(action: (uri: string, asked: Asked[]) => Promise<void>): Promise<void> {
  const asked: Asked[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const form = Object.fromEntries(new URLSearchParams(await request.text()));
    const authorization = request.headers.get("authorization");
    asked.push({ path: pathname + search, authorization, form });
    if (pathname === "/tokens") return Response.json({ access_token: "granted-token", expires_in: 600 });
    if (pathname === "/v1/config") return Response.json({ defaults: {}, overrides: {} });
    const message = `${authorization} may not do this with ${asked.map((each) => each.form.client_secret).join("")}`;
    return Response.json({ error: { message } }, { status: 403 });
  });
  try {
    await action(`http://127.0.0.1:${server.addr.port}`, asked);
  } finally {
    await server.shutdown();
  }
}

async function ask(args: string[], given: { env?: Record<string, string>; files?: Record<string, string> } = {}) {
  const program = testWorld({ commands: [maintain], env: given.env ?? {}, files: given.files ?? {} });
  const status = await runProgram(["maintain", "--status", ...args], { ...program, clock: systemClock });
  return { status, shown: program.stdoutText() + program.stderrText() };
}

Deno.test("a credential buys a token where and for what it is told, and neither is ever shown", () =>
  withServer(async (uri, asked) => {
    const { status, shown } = await ask([
      "--catalog",
      `${uri}/v1/`,
      "--catalog-warehouse",
      "gold",
      "--catalog-credential",
      "lab:open-sesame",
      "--catalog-oauth2-server-uri",
      `${uri}/tokens`,
      "--catalog-scope",
      "PRINCIPAL_ROLE:ALL",
      "--debug",
    ]);
    strictEqual(status, 1);
    match(
      shown,
      /^streamlab: Cannot list namespaces: the catalog answered 403: Bearer \*\*\* may not do this with \*\*\*$/m,
    );
    strictEqual(/granted-token|open-sesame/.test(shown), false, shown);
    const [token, config] = asked;
    deepStrictEqual([token!.path, token!.form], ["/tokens", {
      grant_type: "client_credentials",
      client_id: "lab",
      client_secret: "open-sesame",
      scope: "PRINCIPAL_ROLE:ALL",
    }]);
    deepStrictEqual([config!.path, config!.authorization], ["/v1/config?warehouse=gold", "Bearer granted-token"]);
  }));

for (
  const [where, args, given] of [
    ["a flag", ["--catalog-token", "open-sesame"], {}],
    ["a variable", [], { env: { STREAMLAB_CATALOG_TOKEN: "open-sesame" } }],
    ["a variable of one command", [], { env: { STREAMLAB_MAINTAIN_CATALOG_TOKEN: "open-sesame" } }],
    ["streamlab.json", [], { files: { "/work/streamlab.json": '{ "catalog-token": "open-sesame" }' } }],
  ] as const
) {
  Deno.test(`a token given by ${where} is used and not shown`, () =>
    withServer(async (uri, asked) => {
      const { status, shown } = await ask(["--catalog", uri, ...args], given);
      strictEqual(status, 1);
      strictEqual(asked[0]!.authorization, "Bearer open-sesame");
      strictEqual(shown.includes("open-sesame"), false, shown);
    }));
}
