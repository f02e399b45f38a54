import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { dirname } from "node:path";
import { seededRandom } from "../../../core/base/random.ts";
import { openLocalStore } from "../../../core/storage/local/local_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { bytes } from "../conformance_case.ts";

const random = seededRandom(1);

/** Runs `use` on the disk, and tells which files and folders were made durable, in that order. */
async function syncsOf(use: (store: Store, lake: string) => Promise<unknown>): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  const lake = `${folder}/lake`, synced: string[] = [];
  const open = Deno.open;
  Deno.open = async (path, options) => {
    const file = await open(path, options);
    const sync = file.sync.bind(file);
    file.sync = async () => {
      await sync();
      synced.push(String(path));
    };
    return file;
  };
  try {
    await use(openLocalStore(lake, { random }), lake);
  } finally {
    Deno.open = open;
    await Deno.remove(folder, { recursive: true });
  }
  return synced.map((path) => path.replace(folder, "").replace(/\.streamlab-.*/, "*"));
}

function countOf(synced: readonly string[], path: string): number {
  return synced.filter((each) => each === path).length;
}

Deno.test("a file is durable before it has its name, and then every folder that leads to it is", async () => {
  const synced = await syncsOf((store) => store.create("a/b/c.json", bytes("1")));
  const file = synced.indexOf("/lake/a/b/*");
  strictEqual(countOf(synced, "/lake/a/b/*"), 1);
  strictEqual(synced.lastIndexOf("/lake/a/b") > file, true, "the name, after the content");
  for (const folder of ["/lake/a/b", "/lake/a", "/lake", ""]) strictEqual(countOf(synced, folder) >= 1, true, folder);
});

Deno.test("folders that another process made are made durable by the first write into them, once", async () => {
  const synced = await syncsOf(async (store, lake) => {
    await Deno.mkdir(`${lake}/a/b`, { recursive: true });
    await store.write("a/b/1.json", bytes("1"));
    await store.write("a/b/2.json", bytes("2"));
  });
  for (const [folder, times] of [["/lake/a/b", 2], ["/lake/a", 1], ["/lake", 1], ["", 1]] as const) {
    strictEqual(countOf(synced, folder), times, folder);
  }
});

Deno.test("a folder that vanished is made durable again, with all that leads to it from there", async () => {
  const synced = await syncsOf(async (store, lake) => {
    await store.write("a/b/1.json", bytes("1"));
    await Deno.remove(`${lake}/a`, { recursive: true });
    await store.write("a/b/2.json", bytes("2"));
  });
  const again = synced.slice(synced.indexOf("/lake/a/b/*") + 1);
  for (const folder of ["/lake/a/b", "/lake/a", "/lake"]) strictEqual(countOf(again, folder) >= 1, true, folder);
});

Deno.test("many files at once, each in a folder of its own, need few fsyncs of the folder around", async () => {
  const FILES = 64;
  const synced = await syncsOf((store) =>
    Promise.all(Array.from({ length: FILES }, (_, i) => store.write(`data/day=${i}/file`, bytes("1"))))
  );
  for (let i = 0; i < FILES; i++) {
    strictEqual(countOf(synced, `/lake/data/day=${i}/*`), 1);
    strictEqual(countOf(synced, `/lake/data/day=${i}`), 1);
  }
  strictEqual(countOf(synced, "/lake/data") < FILES / 2, true, `${countOf(synced, "/lake/data")} of ${FILES}`);
});

Deno.test("a name that comes while its folder is made durable waits for the next time", async () => {
  const open = Deno.open;
  const finished: string[] = [];
  await syncsOf(async (store, lake) => {
    await store.write("a/0", bytes("0"));
    const spied = Deno.open;
    const gate = Promise.withResolvers<void>(), entered = Promise.withResolvers<void>();
    let held = false;
    Deno.open = async (path, options) => {
      const file = await spied(path, options);
      if (String(path) !== `${lake}/a` || held) return file;
      held = true;
      const sync = file.sync.bind(file);
      file.sync = async () => {
        await sync();
        entered.resolve();
        await gate.promise;
      };
      return file;
    };
    const first = store.write("a/1", bytes("1")).then(() => finished.push("1"));
    await entered.promise;
    const second = store.write("a/2", bytes("2")).then(() => finished.push("2"));
    while (await store.stat("a/2") === undefined);
    deepStrictEqual(finished, [], "the fsync that runs began before the second name was there");
    gate.resolve();
    await Promise.all([first, second]);
    Deno.open = spied;
  });
  strictEqual(Deno.open, open);
  deepStrictEqual(finished, ["1", "2"]);
});

Deno.test("a probe makes its folder durable, and nothing else", async () => {
  const synced = await syncsOf((store) => store.probe("checkpoints/x"));
  deepStrictEqual(synced.filter((path) => path.includes("*")), []);
  for (const folder of ["/lake/checkpoints", "/lake", dirname("/lake").slice(1)]) {
    strictEqual(countOf(synced, folder), 1, folder);
  }
});
