import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../../core/base/errors.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { openLocalStore } from "../../../core/storage/local/local_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { runConformance } from "../conformance.ts";
import { bytes, pathsOf, text } from "../conformance_case.ts";

const random = seededRandom(1);

async function withFolder(use: (folder: string, store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder, openLocalStore(`${folder}/lake`, { random }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function failsWith(action: () => Promise<unknown>, kind: string, message: RegExp): Promise<void> {
  return rejects(action, (error) => {
    if (!(error instanceof StreamlabError)) return false;
    strictEqual(error.kind, kind);
    match(error.message, message);
    return true;
  });
}

Deno.test("the local store keeps the contract of a store", async (t) => {
  const folder = await Deno.makeTempDir();
  let count = 0;
  await runConformance(
    t,
    () => Promise.resolve(openLocalStore(`${folder}/${count++}`, { random, durable: count % 2 === 0 })),
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the root of a local store is there once a file is", () =>
  withFolder(async (_folder, store) => {
    strictEqual(await store.rootExists(), false);
    await store.write("a", bytes("1"));
    strictEqual(await store.rootExists(), true);
  }));

Deno.test("what a crashed writer left is hidden from listings, shown as unfinished and can be discarded", () =>
  withFolder(async (folder, store) => {
    await store.write("raw/x.json", bytes("[]"));
    const stale = "raw/.streamlab-00000000-0000-4000-8000-000000000000.tmp";
    await Deno.writeTextFile(`${folder}/lake/${stale}`, "half");
    await Deno.writeTextFile(`${folder}/lake/raw/.hidden.tmp`, "somebody else's");
    deepStrictEqual(await pathsOf(store, ""), ["raw/.hidden.tmp", "raw/x.json"]);
    const unfinished = await Array.fromAsync(store.listUnfinished("raw/"));
    deepStrictEqual(unfinished.map(({ path }) => path), [stale]);
    await store.discardUnfinished(unfinished);
    deepStrictEqual([...Deno.readDirSync(`${folder}/lake/raw`)].map(({ name }) => name).sort(), [
      ".hidden.tmp",
      "x.json",
    ]);
  }));

Deno.test("a write that fails leaves no temporary file behind", () =>
  withFolder(async (folder, store) => {
    await Deno.mkdir(`${folder}/lake/taken`, { recursive: true });
    await Deno.writeTextFile(`${folder}/lake/taken/x`, "");
    await failsWith(
      () => store.write("taken", bytes("1")),
      "unavailable",
      /^Cannot write ".*lake\/taken": it is a folder/,
    );
    await failsWith(() => store.create("taken", bytes("1")), "unavailable", /there is a folder of that name/);
    deepStrictEqual([...Deno.readDirSync(`${folder}/lake`)].map(({ name }) => name), ["taken"]);
  }));

Deno.test("writing below a file says so, and is no missing file", () =>
  withFolder(async (_folder, store) => {
    await store.write("a", bytes("1"));
    await failsWith(() => store.write("a/b", bytes("1")), "unavailable", /a part of the path is a file|file exists/i);
  }));

Deno.test("links to files and folders are followed when listing, and never round in a circle", () =>
  withFolder(async (folder, store) => {
    await store.write("raw/a.json", bytes("[]"));
    await Deno.mkdir(`${folder}/other/deep`, { recursive: true });
    await Deno.writeTextFile(`${folder}/other/deep/b.json`, "[1]");
    await Deno.symlink(`${folder}/other`, `${folder}/lake/raw/mounted`);
    await Deno.symlink(`${folder}/other/deep/b.json`, `${folder}/lake/raw/c.json`);
    await Deno.symlink(`${folder}/lake`, `${folder}/other/deep/back`);
    await Deno.symlink("..", `${folder}/lake/raw/up`);
    await Deno.symlink("/nowhere", `${folder}/lake/raw/broken.json`);
    deepStrictEqual(await pathsOf(store, ""), ["raw/a.json", "raw/c.json", "raw/mounted/deep/b.json"]);
    strictEqual(text(await store.read("raw/mounted/deep/b.json")), "[1]");
  }));

Deno.test("deleting and replacing a link leaves what it leads to alone", () =>
  withFolder(async (folder, store) => {
    await Deno.mkdir(`${folder}/lake`);
    await Deno.writeTextFile(`${folder}/kept`, "kept");
    await Deno.symlink(`${folder}/kept`, `${folder}/lake/link`);
    await store.write("link", bytes("mine"));
    await Deno.symlink(`${folder}/kept`, `${folder}/lake/link2`);
    await store.deletePaths(["link2"]);
    strictEqual(await Deno.readTextFile(`${folder}/kept`), "kept");
    deepStrictEqual(await pathsOf(store, ""), ["link"]);
  }));

Deno.test("a name that is not UTF-8 fails the listing by name instead of being lost", {
  ignore: Deno.build.os !== "linux",
}, () =>
  withFolder(async (folder, store) => {
    await store.write("raw/ok\ufffd.json", bytes("[]"));
    deepStrictEqual(await pathsOf(store, ""), ["raw/ok\ufffd.json"]);
    await new Deno.Command("bash", { args: ["-c", `touch "$0"/lake/raw/$'bad\\xff'`, folder] }).output();
    await failsWith(() => pathsOf(store, ""), "corrupt", /the name "bad\ufffd" is not valid UTF-8/);
  }));

function folderOfAnotherDevice(folder: string): string {
  const { dev } = Deno.statSync(folder);
  const found = ["/dev/shm", "/tmp", "."].find((other) => Deno.statSync(other).dev !== dev);
  ok(found !== undefined, "every folder here is on one device");
  return found;
}

Deno.test(
  "a scratch file on another file system is copied, synced and removed",
  { ignore: Deno.build.os !== "linux" },
  () =>
    withFolder(async (folder, store) => {
      const scratch = await Deno.makeTempDir({ dir: folderOfAnotherDevice(folder) });
      try {
        await Deno.writeTextFile(`${scratch}/part`, "rows");
        await store.putFile("t/part", `${scratch}/part`);
        strictEqual(text(await store.read("t/part")), "rows");
        deepStrictEqual([...Deno.readDirSync(scratch)], []);
        deepStrictEqual(await Array.fromAsync(store.listUnfinished("")), []);
      } finally {
        await Deno.remove(scratch, { recursive: true });
      }
    }),
);
