import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { Store } from "../../core/storage/store.ts";
import { s3Test } from "../support/s3_servers.ts";
import { leftIn, streamlab, succeed } from "./program.ts";
import { type S3Place, startS3Place, useLake } from "./s3_lake.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

/** Every object of the lake, with its version. */
async function objectsOf(store: Store): Promise<string[]> {
  const files = await Array.fromAsync(store.list(""));
  return files.map(({ path, info }) => `${path} ${info?.etag} ${info?.modifiedMs}`);
}

s3Test(
  "a dry run of a lake in a bucket foretells the run and writes no object",
  () =>
    useLake(place, async ({ folder, uri, env, open }) => {
      const store = await open();
      const put = (name: string, text: string) => store.write(`raw/events/${name}`, new TextEncoder().encode(text));
      await Deno.writeTextFile(`${folder}/c.json`, '{"type":"object","properties":{"id":{"type":"integer"}}}');
      const records = async (...args: string[]) => {
        const out = await succeed(folder, ["consume", "--source", uri, ...args, "--json"], { env });
        return out.trim().split("\n").map((line) => JSON.parse(line)).filter(({ action }) => action !== "upkeep");
      };
      for (const [name, flags] of [["a", ["--contract", "c.json"]], ["b", []]] as const) {
        await put(`${name}.ndjson`, '{"id":1}\n{"id":"x"}\n');
        await put(`${name}.json`, "[{");
        const before = await objectsOf(store);
        const [foretold] = await records("--dry-run", ...flags);
        deepStrictEqual(await objectsOf(store), before);
        deepStrictEqual(leftIn(env.TMPDIR!), []);
        const [batch] = await records("--once", ...flags);
        strictEqual(foretold.groups.length, 2);
        const counts = ({ files, bytes, records, events, deadLetters }: typeof batch) => {
          return [files, bytes, records, events, deadLetters];
        };
        deepStrictEqual(counts(foretold), counts(batch));
        deepStrictEqual(counts(batch).slice(2), [2, 1, 2]);
      }
    }),
);

s3Test(
  "a contract is drawn from the files of a bucket, Parquet ones too",
  () =>
    useLake(place, async ({ folder, uri, env, open }) => {
      const store = await open();
      await store.write("raw/events/a.ndjson", gzipSync('{"id":1}\n{"id":2}\n'));
      await succeed(folder, ["produce", "--sink", uri, "--format", "parquet", "--batches", "1", "--interval", "0"], {
        env,
      });
      const { stdout, stderr } = await streamlab(folder, ["consume", "--infer-contract", "--source", uri], { env });
      match(stderr, /^Drawn from 12 records, the first .* of 2 of 2 files$/m);
      match(stderr, /^1 file is gzip by the first bytes, though not by name, and read so: raw\/events\/a\.ndjson$/m);
      const { id, user_id } = JSON.parse(stdout).properties;
      deepStrictEqual([id.type, user_id.type], ["integer", "string"]);
      deepStrictEqual(leftIn(env.TMPDIR!), []);
    }),
);
