import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { s3Test } from "../support/s3_servers.ts";
import { streamlab, succeed } from "./program.ts";
import { type S3Place, startS3Place, useLake } from "./s3_lake.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

const PROPERTIES = { id: { type: "integer" }, coupon: { type: "string" } };

s3Test(
  "files of a bucket are reingested once each, archived ones and changed ones too, by two maintainers beside a consumer",
  () =>
    useLake(place, async ({ folder, uri, env, open }) => {
      const store = await open();
      const put = (name: string, records: object[]) =>
        store.write(`raw/events/${name}`, new TextEncoder().encode(JSON.stringify(records)));
      const contract = (name: string, properties: object) =>
        Deno.writeTextFile(`${folder}/${name}`, JSON.stringify({ type: "object", properties }));
      await contract("narrow.json", { id: PROPERTIES.id });
      await contract("wide.json", PROPERTIES);
      await put("a.json", [{ id: 1, coupon: "a" }, { id: "x" }]);
      await put("b.json", [{ id: 2, coupon: "b" }]);
      const consume = ["consume", "--source", uri, "--once", "--no-upkeep", "--threads", "1"];
      await succeed(folder, [...consume, "--contract", "narrow.json"], { env });
      await succeed(
        folder,
        [...consume, "--contract", "wide.json", "--after-ingest", "archive", "--after-ingest-age", "0s"],
        { env },
      );
      await put("b.json", [{ id: 3, coupon: "b" }, { id: 4 }]);
      await put("c.json", [{ id: 5 }]);
      const reingest = ["maintain", "--source", uri, "--reingest", "*/[ab].json", "--threads", "1"];
      const [first] = await Promise.all([
        succeed(folder, reingest, { env }),
        succeed(folder, reingest, { env }),
        succeed(folder, consume, { env }),
      ]);
      match(
        first!,
        /reingested 2 files in batch \d+, 1 of them from the archive: 3 events and 1 dead letter in place of/,
      );
      const ask = async (sql: string) =>
        JSON.parse(await succeed(folder, ["query", "--source", uri, "--format", "json", sql], { env }));
      deepStrictEqual(await ask("SELECT id FROM bronze.events ORDER BY id"), [1, 3, 4, 5].map((id) => ({ id })));
      deepStrictEqual(await ask("SELECT count(*)::INT AS letters FROM dead_letters.events"), [{ letters: 1 }]);
      const audit = await streamlab(folder, ["maintain", "--source", uri, "--audit"], { env });
      strictEqual(audit.status, 0, audit.stdout + audit.stderr);
    }),
);

s3Test(
  "an archived version is told from a later one of the same size by its etag",
  () =>
    useLake(place, async ({ folder, uri, env, open }) => {
      const store = await open();
      const put = (id: number) => store.write("raw/events/a.json", new TextEncoder().encode(`[{"id":${id}}]`));
      await Deno.writeTextFile(
        `${folder}/c.json`,
        JSON.stringify({ type: "object", properties: { id: PROPERTIES.id } }),
      );
      const consume = ["consume", "--source", uri, "--once", "--no-upkeep", "--threads", "1", "--contract", "c.json"];
      await put(1);
      await succeed(folder, [...consume, "--after-ingest", "archive", "--after-ingest-age", "0s"], { env });
      await put(2);
      await succeed(folder, [...consume, "--on-changed-file", "ingest"], { env });
      await store.deletePaths(["raw/events/a.json"]);
      const reingest = await streamlab(folder, ["maintain", "--source", uri, "--reingest", "*"], { env });
      strictEqual(reingest.status, 1, reingest.stdout + reingest.stderr);
      match(reingest.stderr, /a\.json is gone, also from the archive: its rows stay/);
      const rows = await succeed(
        folder,
        ["query", "--source", uri, "--format", "json", "SELECT id FROM bronze.events ORDER BY id"],
        { env },
      );
      deepStrictEqual(JSON.parse(rows), [{ id: 1 }, { id: 2 }]);
    }),
);
