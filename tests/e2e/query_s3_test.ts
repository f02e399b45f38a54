import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { findHttpfs } from "../support/httpfs.ts";
import { minioTest } from "../support/minio.ts";
import { leftIn, streamlab, succeed } from "./program.ts";
import { type S3Lake, type S3Place, startS3Place, useLake } from "./s3_lake.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

const sql = "select event_type, count(*) as n, sum(_source_position) as p from bronze.events group by all order by all";

async function makeLake({ folder, uri, env }: S3Lake): Promise<void> {
  const size = ["--batches", "4", "--batch-size", "20000", "--interval", "0", "--late-chance", "0.3"];
  await succeed(folder, ["produce", "--sink", uri, ...size, "--seed", "5", "--start", "2026-03-01"], { env });
  await succeed(folder, ["consume", "--source", uri, "--once"], { env });
}

minioTest(
  "the same answer comes by DuckDB's own reading of the bucket and from whole files, later ones from the cache",
  () =>
    useLake(place, async (lake) => {
      const { folder, uri, env } = lake;
      await makeLake(lake);
      const httpfs = await findHttpfs();
      const answers: string[] = [], bytes: number[] = [], requests: number[] = [];
      for (const extension of [httpfs ?? "/nowhere", "/nowhere", "/nowhere"]) {
        const [bytesBefore, requestsBefore] = [place.proxy.bytesBack, place.proxy.requests.length];
        answers.push(
          await succeed(folder, ["query", "--source", uri, "--format", "json", sql], {
            env: { ...env, STREAMLAB_HTTPFS: extension },
          }),
        );
        bytes.push(place.proxy.bytesBack - bytesBefore);
        requests.push(place.proxy.requests.length - requestsBefore);
      }
      strictEqual(answers[0], answers[1]);
      strictEqual(answers[1], answers[2]);
      // Two columns of ten, of files that travel whole without the extension.
      if (httpfs !== undefined) ok(bytes[0]! * 3 < bytes[1]!, `${bytes}`);
      // The bucket is looked at and the versions are listed; nothing else is asked for.
      deepStrictEqual([requests[2], bytes[2]! < 10_000], [2, true]);
      deepStrictEqual(leftIn(env.TMPDIR!), []);
    }),
);

minioTest(
  "a question of one day moves what that day's files need, and less than twice that",
  () =>
    useLake(place, async (lake) => {
      const { folder, uri, env } = lake;
      await makeLake(lake);
      const files = JSON.parse(
        await succeed(folder, [
          "query",
          "--source",
          uri,
          "--format",
          "json",
          `select file_path, file_size_in_bytes as size from bronze."events$files"`,
        ], { env }),
      ) as { file_path: string; size: number }[];
      const needed = files.filter(({ file_path }) => file_path.includes("2026-02-28")).reduce(
        (sum, { size }) => sum + Number(size),
        0,
      );
      ok(needed > 0);
      const before = place.proxy.bytesBack;
      const day = "event_timestamp >= '2026-02-28' and event_timestamp < '2026-03-01'";
      await succeed(folder, ["query", "--source", uri, `select max(user_id) from bronze.events where ${day}`], {
        env: { ...env, STREAMLAB_HTTPFS: "/nowhere" },
      });
      const moved = place.proxy.bytesBack - before;
      ok(moved < 2 * needed + 20_000, `${moved} bytes for ${needed}`);
    }),
);

minioTest("neither answers nor errors of a question show the credentials", () =>
  useLake(place, async (lake) => {
    const { folder, uri } = lake;
    await makeLake(lake);
    const httpfs = await findHttpfs() ?? "/nowhere";
    const secret = "a-secret-that-is-wrong";
    const wrong = { ...lake.env, STREAMLAB_HTTPFS: httpfs, AWS_SECRET_ACCESS_KEY: secret };
    for (const question of [sql, "select * from duckdb_secrets()", "from which_secret('s3://x', 's3')"]) {
      for (const env of [wrong, { ...lake.env, STREAMLAB_HTTPFS: httpfs }]) {
        const { stdout, stderr } = await streamlab(folder, ["query", "--debug", "--source", uri, question], { env });
        ok(!/minioadmin|a-secret-that/.test(stdout + stderr), stdout + stderr);
      }
    }
  }));
