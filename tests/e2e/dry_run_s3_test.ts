import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Store } from "../../core/storage/store.ts";
import { s3Test } from "../support/s3_servers.ts";
import { leftIn, succeed } from "./program.ts";
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
