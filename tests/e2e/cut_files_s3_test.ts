import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { s3Test } from "../support/s3_servers.ts";
import { streamlab, succeed } from "./program.ts";
import { type S3Place, startS3Place, useLake } from "./s3_lake.ts";
import { ingest, Tasks } from "./task_processes.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

/** The reader cuts nothing below some megabytes. */
const EVENT = {
  user_id: "u",
  event_id: "e",
  event_type: "t",
  event_timestamp: "2026-03-01T00:00:00Z",
  properties: { filling: "x".repeat(50_000) },
};

s3Test(
  "ranges of a large object are read by processes of their own, and every record is in a table once",
  () =>
    useLake(place, async ({ folder, uri, env, open }) => {
      const store = await open();
      const records = Array.from({ length: 200 }, (_, number) => JSON.stringify(number % 9 === 0 ? {} : EVENT));
      await store.write("raw/events/a.json", new TextEncoder().encode(`[${records}]`));
      const cluster = new Tasks(2, async (command, stdin) => {
        const { status, stdout, stderr } = await streamlab(folder, [command], { stdin, env });
        strictEqual(status, 0, stderr);
        return stdout;
      });
      await ConsumeWorld.use((world) => ingest(world.options({ sink: store }), cluster, folder, 5_000_000));
      deepStrictEqual(cluster.tasks.map(({ files }) => files.map(({ ranges }) => ranges?.of)), [[2], [2]]);
      const audit = await succeed(folder, ["maintain", "--source", uri, "--audit"], { env });
      match(audit, /every record is in one table exactly once .* 177 events, 23 dead letters/);
    }),
);
