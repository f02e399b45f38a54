import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { seededRandom } from "../../core/base/random.ts";
import { LinkFinder, removeTree } from "../../core/disk/removal.ts";
import { deleteOwn, judgeOwn, type OwnPlace } from "../../core/storage/deletion.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";

const places: OwnPlace[] = [
  { folder: "t/data", isOwn: (path) => path.endsWith(".parquet") },
  { folder: "t/metadata", isOwn: (path) => path.endsWith(".avro") && !path.includes("/") },
];

async function withFolder(action: (folder: string, store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-deletion-" });
  try {
    await action(folder, openLocalStore(`${folder}/lake`, { random: seededRandom(1), durable: false }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("only files of our places and names are deleted, and what is left is told", () =>
  withFolder(async (_folder, store) => {
    const own = ["t/data/a.parquet", "t/data/p=1/b.parquet", "t/metadata/m.avro"];
    const others = ["t/data/notes.txt", "t/metadata/deep/m.avro", "u/data/a.parquet", "raw/events/a.parquet"];
    for (const path of [...own, ...others]) await store.write(path, new Uint8Array(1));
    const hostile = ["../x.parquet", "/etc/x.parquet", "t/data/../../raw/events/a.parquet", "t/data//a.parquet", ""];
    const paths = [...own, ...others, ...hostile, "t/data/never.parquet"];
    const expected = { deleted: own, left: [...others, ...hostile].map((path) => ({ path, reason: "not ours" })) };
    deepStrictEqual(await judgeOwn(store, paths, places), expected);
    deepStrictEqual(await deleteOwn(store, paths, places), expected, "the file that is not there is not counted");
    deepStrictEqual((await Array.fromAsync(store.list(""))).map(({ path }) => path), others.toSorted());
  }));

Deno.test("what a link leads to is left: a folder on the way, the file, or a folder of that name", () =>
  withFolder(async (folder, store) => {
    await Deno.mkdir(`${folder}/stranger/deep`, { recursive: true });
    await Deno.writeTextFile(`${folder}/stranger/deep/a.parquet`, "theirs");
    await Deno.mkdir(`${folder}/lake/t/data/empty.parquet`, { recursive: true });
    await Deno.symlink(`${folder}/stranger`, `${folder}/lake/t/data/mounted`);
    await Deno.symlink(`${folder}/stranger/deep/a.parquet`, `${folder}/lake/t/data/b.parquet`);
    const paths = ["t/data/mounted/deep/a.parquet", "t/data/b.parquet", "t/data/empty.parquet"];
    const { deleted, left } = await deleteOwn(store, paths, places);
    deepStrictEqual([deleted, left.map(({ reason }) => reason)], [[], ["linked", "linked", "linked"]]);
    strictEqual(await Deno.readTextFile(`${folder}/stranger/deep/a.parquet`), "theirs");
    strictEqual((await Deno.lstat(`${folder}/lake/t/data/b.parquet`)).isSymlink, true);
    strictEqual((await Deno.stat(`${folder}/lake/t/data/empty.parquet`)).isDirectory, true);
  }));

Deno.test("a lake that is itself behind a link is the user's own choice of a place", () =>
  withFolder(async (folder, store) => {
    await store.write("t/data/a.parquet", new Uint8Array(1));
    await Deno.symlink(`${folder}/lake`, `${folder}/link`);
    const linked = openLocalStore(`${folder}/link`, { random: seededRandom(1), durable: false });
    deepStrictEqual((await deleteOwn(linked, ["t/data/a.parquet"], places)).deleted, ["t/data/a.parquet"]);
  }));

Deno.test("each folder is looked at once, however many files are in it", () =>
  withFolder(async (folder, store) => {
    await store.write("t/data/p=1/a.parquet", new Uint8Array(1));
    let looks = 0;
    const finder = new LinkFinder(`${folder}/lake`, (path) => (looks++, Deno.lstat(path)));
    const standings = await Promise.all(
      Array.from({ length: 1_000 }, () => finder.standing(`${folder}/lake/t/data/p=1/a.parquet`)),
    );
    deepStrictEqual(new Set(standings), new Set(["file"]));
    strictEqual(looks, 1_000 + 3);
  }));

Deno.test("a folder of ours is not emptied through a link, nor are links in it followed", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/lake/scratch`, { recursive: true });
    await Deno.mkdir(`${folder}/stranger/x`, { recursive: true });
    await Deno.writeTextFile(`${folder}/stranger/x/kept`, "theirs");
    await Deno.symlink(`${folder}/stranger`, `${folder}/lake/linked`);
    strictEqual(removeTree(`${folder}/lake/linked/x`, `${folder}/lake`), false);
    strictEqual(removeTree(`${folder}/lake/linked`), false);
    await Deno.symlink(`${folder}/stranger`, `${folder}/lake/scratch/in`);
    strictEqual(removeTree(`${folder}/lake/scratch`, `${folder}/lake`), true);
    strictEqual(await Deno.readTextFile(`${folder}/stranger/x/kept`), "theirs");
  }));

Deno.test("whatever is asked for, nothing outside of the places is lost (simulated store)", async () => {
  const part = fc.constantFrom("t", "u", "data", "metadata", "raw", "..", ".", "", "a.parquet", "m.avro", "x.json");
  const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
  const property = fc.asyncProperty(fc.array(path, { maxLength: 8 }), async (paths) => {
    const store = new SimulatedDisk().connect();
    const kept = [
      "raw/a.parquet",
      "u/data/a.parquet",
      "a.parquet",
      "t/a.parquet",
      "t/data/x.json",
      "t/metadata/data/m.avro",
    ];
    for (const each of [...kept, "t/data/a.parquet", "t/metadata/m.avro"]) await store.write(each, new Uint8Array(1));
    const { deleted, left } = await deleteOwn(store, paths, places);
    strictEqual(deleted.length + left.length, paths.length);
    const after = (await Array.fromAsync(store.list(""))).map((file) => file.path);
    deepStrictEqual(kept.filter((each) => !after.includes(each)), []);
  });
  await fc.assert(property, { numRuns: 300 });
});
