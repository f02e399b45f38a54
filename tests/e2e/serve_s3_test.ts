import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { findPython } from "../support/python.ts";
import { s3Test } from "../support/s3_servers.ts";
import { startStreamlab, succeed } from "./program.ts";
import { type S3Place, startS3Place, useLake } from "./s3_lake.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

s3Test(
  "a lake in a bucket is served: its overview, tables that PyIceberg reads, and commits",
  () =>
    useLake(place, async ({ folder, uri, env }) => {
      await succeed(folder, ["produce", "--sink", uri, "--batches", "2", "--batch-size", "50", "--interval", "0"], {
        env,
      });
      await succeed(folder, ["consume", "--source", uri, "--once"], { env });
      const child = startStreamlab(folder, ["serve", "--source", uri, "--port", "0"], { env });
      const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
      try {
        let said = "";
        while (!said.includes("/readyz")) said += (await reader.read()).value ?? "/readyz";
        const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? said;
        const overview = await (await fetch(`${address}/api/overview`)).json();
        strictEqual(overview.isReadable, true);
        deepStrictEqual(
          overview.targets.map((target: Record<string, unknown>) => [target.target, target.waitingFiles]),
          [
            ["bronze.events", 0],
          ],
        );
        const python = await findPython();
        const keys = [
          `s3.endpoint=${place.server.endpoint}`,
          `s3.access-key-id=${env.AWS_ACCESS_KEY_ID}`,
          `s3.secret-access-key=${env.AWS_SECRET_ACCESS_KEY}`,
          "s3.region=us-east-1",
        ];
        const events = await python.json<string[]>(
          "rest_steps.py",
          `${address}/catalog`,
          "read",
          "bronze.events",
          ...keys,
        );
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
      } finally {
        child.kill("SIGINT");
        await Promise.all([reader.cancel(), child.stdin.close(), child.stdout.cancel(), child.status]);
      }
    }),
);
