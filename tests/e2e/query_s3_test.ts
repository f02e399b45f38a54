import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { ProxyFault } from "../support/fault_proxy.ts";
import { findHttpfs } from "../support/httpfs.ts";
import { s3Test } from "../support/s3_servers.ts";
import { leftIn, streamlab, succeed } from "./program.ts";
import { type S3Lake, type S3Place, startS3Place, useLake } from "./s3_lake.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

const sql = "select event_type, count(*) as n, sum(_source_position) as p from bronze.events group by all order by all";

async function makeLake({ folder, uri, env }: S3Lake, lateChance = "0.3"): Promise<void> {
  const size = ["--batches", "4", "--batch-size", "20000", "--interval", "0", "--late-chance", lateChance];
  await succeed(folder, ["produce", "--sink", uri, ...size, "--seed", "5", "--start", "2026-03-01"], { env });
  await succeed(folder, ["consume", "--source", uri, "--once"], { env });
}

s3Test(
  "the same answer comes by DuckDB's own reading of the bucket and from whole files, later ones from the cache",
  () =>
    useLake(place, async (lake) => {
      const { folder, uri, env } = lake;
      await makeLake(lake);
      const httpfs = await findHttpfs();
      const answers: string[] = [], bytes: number[] = [], requests: number[] = [];
      for (const extension of [httpfs ?? "off", "off", "off"]) {
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

s3Test(
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
        env: { ...env, STREAMLAB_HTTPFS: "off" },
      });
      const moved = place.proxy.bytesBack - before;
      ok(moved < 2 * needed + 20_000, `${moved} bytes for ${needed}`);
    }),
);

s3Test("neither answers nor errors of a question show the credentials", () =>
  useLake(place, async (lake) => {
    const { folder, uri } = lake;
    await makeLake(lake);
    const httpfs = await findHttpfs() ?? "off";
    const secret = "a-secret-that-is-wrong";
    const wrong = { ...lake.env, STREAMLAB_HTTPFS: httpfs, AWS_SECRET_ACCESS_KEY: secret };
    for (const question of [sql, "select * from duckdb_secrets()", "from which_secret('s3://x', 's3')"]) {
      for (const env of [wrong, { ...lake.env, STREAMLAB_HTTPFS: httpfs }]) {
        const { stdout, stderr } = await streamlab(folder, ["query", "--debug", "--source", uri, question], { env });
        for (const key of [secret, lake.env.AWS_ACCESS_KEY_ID!, lake.env.AWS_SECRET_ACCESS_KEY!]) {
          ok(!(stdout + stderr).includes(key), stdout + stderr);
        }
      }
    }
  }));

s3Test(
  "what DuckDB cannot read of a bucket is told by bucket, key and cause, and what passes is asked for again",
  async (t) => {
    const httpfs = await findHttpfs();
    await t.step({ name: "by its extension httpfs", ignore: httpfs === undefined, fn: () => askUnderFaults(httpfs!) });
  },
);

function askUnderFaults(httpfs: string): Promise<void> {
  return useLake(place, async (lake) => {
    const { folder, uri, env } = lake;
    // Large files only: small ones are fetched whole, in another way.
    await makeLake(lake, "0");
    const query = ["query", "--source", uri, "--format", "json", sql];
    const refused = (status: number, code: string) => ({ do: "answer", when: "before", status, code }) as const;
    const faults: [ProxyFault, RegExp][] = [
      [refused(403, "AccessDenied"), /access denied \(HTTP 403\)\n {2}Give these credentials the right/],
      [refused(404, "NoSuchKey"), /there is no such object\n {2}Ask again/],
      [refused(503, "SlowDown"), /asks for fewer requests \(HTTP 503\)\n {2}Wait a while/],
      [refused(500, "InternalError"), /HTTP 500\n {2}Ask again/],
      [{ do: "cut", when: "before" }, /returned nothing.*\n {2}Ask again/],
      [{ do: "truncate", bytes: 1_000 }, /partial file\n {2}Ask again/],
    ];
    const environment = { ...env, STREAMLAB_HTTPFS: httpfs, XDG_CACHE_HOME: `${folder}/other-cache` };
    try {
      for (const [fault, words] of faults) {
        place.proxy.decide = ({ target }) => /data\/.*\.parquet/.test(target) ? fault : undefined;
        const { status, stderr } = await streamlab(folder, query, { env: environment });
        strictEqual(status, 1, stderr);
        match(
          stderr,
          /^streamlab: Cannot read "[^"]+\/bucket-\d+\/lake\/warehouse\/bronze\/events\/data\/[^"%]+\.parquet": /,
        );
        match(stderr, words);
      }
      let asked = 0;
      place.proxy.decide = ({ target }) => {
        return /data\/.*\.parquet/.test(target) && asked++ % 4 === 1 ? refused(503, "SlowDown") : undefined;
      };
      await succeed(folder, query, { env: environment });
      ok(asked > 4);
    } finally {
      place.proxy.decide = undefined;
    }
  });
}

s3Test(
  "an extension that does not fit is told by its file, where one is named",
  () =>
    useLake(place, async (lake) => {
      const { folder, uri, env } = lake;
      await makeLake(lake);
      await Deno.writeTextFile(`${folder}/httpfs.duckdb_extension`, "none");
      for (const name of ["httpfs.duckdb_extension", "not-there"]) {
        const { status, stderr } = await streamlab(folder, ["query", "--source", uri, sql], {
          env: { ...env, STREAMLAB_HTTPFS: name },
        });
        strictEqual(status, 2, stderr);
        ok(stderr.startsWith(`streamlab: Cannot load DuckDB's extension httpfs from "${folder}/${name}": `), stderr);
        match(stderr, /\n {2}.*STREAMLAB_HTTPFS; off does without it\n$/);
      }
    }),
);
