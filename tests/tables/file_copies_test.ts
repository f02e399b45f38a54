import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { systemRandom } from "../../core/base/random.ts";
import { Scratch } from "../../core/disk/scratch.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { FileCopies } from "../../core/tables/read/file_copies.ts";

Deno.test("readers that share a scratch folder never copy two files to one path, which DuckDB might take for one", async () => {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-copies-test-" });
  try {
    const store = openLocalStore(`${folder}/lake`, { random: systemRandom, durable: false });
    for (const name of ["a", "b"]) await store.write(name, new TextEncoder().encode(name));
    const scratch = Scratch.create(`${folder}/scratch`);
    const [one, other] = [new FileCopies(scratch), new FileCopies(scratch)];
    const first = await one.pathOf(store, "a");
    strictEqual(await one.pathOf(store, "a"), first);
    const second = await other.pathOf(store, "b");
    deepStrictEqual([first, second].map((path) => Deno.readTextFileSync(path)), ["a", "b"]);
    await one.forget(store, "a");
    notStrictEqual(await other.pathOf(store, "a"), first);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
