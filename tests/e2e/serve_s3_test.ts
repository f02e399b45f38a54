import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { findPython } from "../support/python.ts";
import { s3Test } from "../support/s3_servers.ts";
import { startStreamlab, succeed } from "./program.ts";
import { type S3Lake, type S3Place, startS3Place, useLake } from "./s3_lake.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

async function serving(lake: S3Lake, args: string[], action: (address: string) => Promise<void>): Promise<void> {
  const { folder, uri, env } = lake;
  const produce = ["produce", "--sink", uri, "--batches", "2", "--batch-size", "50", "--interval", "0"];
  await succeed(folder, produce, { env });
  await succeed(folder, ["consume", "--source", uri, "--once"], { env });
  const child = startStreamlab(folder, ["serve", "--source", uri, "--port", "0", ...args], { env });
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let said = "";
    while (!said.includes("/readyz")) said += (await reader.read()).value ?? "/readyz";
    await action(/http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? said);
  } finally {
    child.kill("SIGINT");
    await Promise.all([reader.cancel(), child.stdin.close(), child.stdout.cancel(), child.status]);
  }
}

s3Test(
  "a lake in a bucket is served: its overview, tables that PyIceberg reads, and commits",
  () =>
    useLake(place, (lake) =>
      serving(lake, [], async (address) => {
        const { uri, env } = lake;
        const overview = await (await fetch(`${address}/api/overview`)).json();
        strictEqual(overview.isReadable, true);
        deepStrictEqual(
          overview.targets.map((target: Record<string, unknown>) => [target.target, target.waitingFiles]),
          [
            ["bronze.events", 0],
          ],
        );
        const python = await findPython();
        const properties = {
          "s3.endpoint": place.server.endpoint,
          "s3.access-key-id": env.AWS_ACCESS_KEY_ID,
          "s3.secret-access-key": env.AWS_SECRET_ACCESS_KEY,
          "s3.region": "us-east-1",
        };
        const question = { uri: `${address}/catalog`, step: "read", table: "bronze.events", properties };
        const { rows: events } = await python.ask<{ rows: string[] }>("rest_steps.py", question);
        strictEqual(events.length, overview.targets[0].lastBatch.events);
        const table = `${address}/catalog/v1/namespaces/bronze/tables/events`;
        const before = await (await fetch(table)).json();
        const committed = await fetch(table, {
          method: "POST",
          body: JSON.stringify({
            requirements: [{ type: "assert-table-uuid", uuid: before.metadata["table-uuid"] }],
            updates: [{ action: "set-properties", updates: { owner: "somebody" } }],
          }),
        });
        strictEqual(committed.status, 200, await committed.text());
        const after = await (await fetch(table)).json();
        deepStrictEqual([before.metadata.properties.owner, after.metadata.properties.owner], [undefined, "somebody"]);
        strictEqual(after["metadata-location"].startsWith(`${uri}/warehouse/bronze/events/metadata/v`), true);
        const asking = { headers: { "x-iceberg-access-delegation": "vended-credentials" } };
        const told = await (await fetch(table, asking)).json();
        deepStrictEqual([told.config, told["storage-credentials"]], [{}, undefined]);
      })),
);

s3Test(
  "a server that is told to gives the bucket's keys to clients that ask for them with a token: they need none of their own",
  () =>
    useLake(place, async (lake) => {
      const token = "0123456789abcdef";
      await Deno.writeTextFile(`${lake.folder}/tokens`, token);
      // The client's uploads wait for a "100 Continue", which no proxy gives.
      lake.env.AWS_ENDPOINT_URL = place.server.endpoint;
      await serving(lake, ["--token-file", "tokens", "--vend-credentials"], async (address) => {
        const { env, uri } = lake;
        const table = `${address}/catalog/v1/namespaces/bronze/tables/events`;
        const load = async (headers: Record<string, string>) => {
          const response = await fetch(table, { headers });
          return { status: response.status, etag: response.headers.get("etag"), body: await response.text() };
        };
        const asking = { "x-iceberg-access-delegation": "vended-credentials,remote-signing" };
        const authorization = `Bearer ${token}`;
        const [stranger, plain, vended] = [
          await load(asking),
          await load({ authorization }),
          await load({
            ...asking,
            authorization,
          }),
        ];
        strictEqual(stranger.status, 401);
        for (const { body } of [stranger, plain]) ok(!body.includes(env.AWS_SECRET_ACCESS_KEY!));
        const config = {
          "s3.access-key-id": env.AWS_ACCESS_KEY_ID,
          "s3.secret-access-key": env.AWS_SECRET_ACCESS_KEY,
          "s3.region": "us-east-1",
          "client.region": "us-east-1",
          "s3.path-style-access": "true",
          "s3.endpoint": env.AWS_ENDPOINT_URL,
        };
        const told = JSON.parse(vended.body);
        deepStrictEqual(told.config, config);
        deepStrictEqual(told["storage-credentials"], [{ prefix: `${uri}/warehouse/bronze/events`, config }]);
        ok(plain.etag !== vended.etag, "who has a table without keys is not told that nothing is new");
        const python = await findPython();
        const question = { uri: `${address}/catalog`, step: "create", properties: { token } };
        const { rows: own } = await python.ask<{ rows: string[] }>("rest_steps.py", question);
        strictEqual(own.length, 40);
      });
    }),
);
