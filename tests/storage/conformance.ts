import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { isKind, StreamlabError } from "../../core/base/errors.ts";
import type { ErrorKind } from "../../core/base/errors.ts";
import type { Store } from "../../core/storage/store.ts";
import { listingCases } from "./conformance_listing.ts";
import { modelCases } from "./conformance_model.ts";
import { bytes, type ConformanceCase, pathsOf, text } from "./conformance_case.ts";

/** Runs the contract of `Store` as steps of one test; `open` gives every step an empty store. */
export async function runConformance(t: Deno.TestContext, open: () => Promise<Store>): Promise<void> {
  for (const { name, run } of [...contentCases, ...writingCases, ...listingCases, ...modelCases]) {
    await t.step(name, async () => run(await open()));
  }
}

function fails(action: () => Promise<unknown>, kind: ErrorKind): Promise<void> {
  return rejects(action, (error) => error instanceof StreamlabError && error.kind === kind);
}

async function withScratch(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const contentCases: ConformanceCase[] = [
  {
    name: "a file reads back as it was written, whole and in ranges",
    async run(store) {
      await store.write("a/b.txt", bytes("0123456789"));
      strictEqual(text(await store.read("a/b.txt")), "0123456789");
      strictEqual(text(await store.readRange("a/b.txt", 2, 3)), "234");
      strictEqual(text(await store.readRange("a/b.txt", 8, 100)), "89");
      strictEqual(text(await store.readRange("a/b.txt", -4, 3)), "678");
      strictEqual(text(await store.readRange("a/b.txt", -100, 100)), "0123456789");
      strictEqual(text(await store.readRange("a/b.txt", 10, 5)), "");
      strictEqual(text(await store.readRange("a/b.txt", 3, 0)), "");
    },
  },
  {
    name: "an empty file is a file",
    async run(store) {
      await store.write("empty", new Uint8Array());
      strictEqual((await store.read("empty")).length, 0);
      strictEqual((await store.readRange("empty", 0, 10)).length, 0);
      strictEqual((await store.readRange("empty", -10, 10)).length, 0);
      strictEqual((await store.stat("empty"))?.size, 0);
    },
  },
  {
    name: "a file that is larger than it may be is not read",
    async run(store) {
      await store.write("x", bytes("0123456789"));
      strictEqual(text(await store.read("x", { bytesMax: 10 })), "0123456789");
      await fails(() => store.read("x", { bytesMax: 9 }), "corrupt");
      strictEqual(text(await store.read("x")), "0123456789");
    },
  },
  {
    name: "a missing file is not found, and has no stat",
    async run(store) {
      await store.write("a/b", bytes("x"));
      for (const path of ["missing", "a", "a/b/c", "a/c"]) {
        strictEqual(await store.stat(path), undefined);
        await fails(() => store.read(path), "not-found");
        await fails(() => store.readRange(path, 0, 1), "not-found");
      }
    },
  },
  {
    name: "stat tells the size, and an etag that changes with the content",
    async run(store) {
      await store.write("x", bytes("one"));
      const first = await store.stat("x");
      strictEqual(first?.path, "x");
      strictEqual(first.size, 3);
      strictEqual((await store.stat("x"))?.etag, first.etag);
      await store.write("x", bytes("three"));
      const second = await store.stat("x");
      strictEqual(second?.size, 5);
      strictEqual(second.etag === first.etag, false);
      strictEqual(Number.isSafeInteger(second.modifiedMs), true);
    },
  },
  {
    name: "reading with the etag of an older version is a conflict",
    async run(store) {
      await store.write("x", bytes("old"));
      const etag = (await store.stat("x"))!.etag;
      strictEqual(text(await store.read("x", { etag })), "old");
      strictEqual(text(await store.readRange("x", 1, 2, { etag })), "ld");
      await store.write("x", bytes("newer"));
      await fails(() => store.read("x", { etag }), "conflict");
      await fails(() => store.readRange("x", 0, 1, { etag }), "conflict");
      await withScratch((folder) => fails(() => store.getFile("x", `${folder}/x`, { etag }), "conflict"));
    },
  },
  {
    name: "a file of several megabytes keeps every byte, read and copied",
    async run(store) {
      const content = new Uint8Array(3_000_001).map((_, i) => (i * 7919) >> 3);
      await store.write("big", content);
      deepStrictEqual(await store.read("big"), content);
      await withScratch(async (folder) => {
        await store.getFile("big", `${folder}/copy`);
        deepStrictEqual(await Deno.readFile(`${folder}/copy`), content);
      });
      deepStrictEqual(await store.readRange("big", 1_999_999, 3), content.slice(1_999_999, 2_000_002));
    },
  },
  {
    name: "getFile of a missing file leaves nothing behind",
    async run(store) {
      await withScratch(async (folder) => {
        await fails(() => store.getFile("missing", `${folder}/x`), "not-found");
        deepStrictEqual([...Deno.readDirSync(folder)], []);
      });
    },
  },
];

const writingCases: ConformanceCase[] = [
  {
    name: "write replaces",
    async run(store) {
      await store.write("a/x", bytes("one, the longer"));
      await store.write("a/x", bytes("two"));
      strictEqual(text(await store.read("a/x")), "two");
      deepStrictEqual(await pathsOf(store, ""), ["a/x"]);
    },
  },
  {
    name: "create makes a file once and never overwrites",
    async run(store) {
      strictEqual(await store.create("m/v1.json", bytes("mine")), true);
      strictEqual(await store.create("m/v1.json", bytes("yours")), false);
      strictEqual(text(await store.read("m/v1.json")), "mine");
      await store.deletePaths(["m/v1.json"]);
      strictEqual(await store.create("m/v1.json", bytes("again")), true);
      await store.write("m/v1.json", bytes("written over"));
      strictEqual(await store.create("m/v1.json", bytes("late")), false);
    },
  },
  {
    name: "of twenty racing creates one wins, and its bytes stay",
    async run(store) {
      const won = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          store.create("race/v1", bytes(`writer ${i}`)).catch((error) => {
            if (isKind(error, "unavailable")) return false;
            throw error;
          })),
      );
      const winners = won.flatMap((isWinner, i) => isWinner ? [i] : []);
      strictEqual(winners.length, 1);
      strictEqual(text(await store.read("race/v1")), `writer ${winners[0]}`);
      deepStrictEqual(await pathsOf(store, ""), ["race/v1"]);
    },
  },
  {
    name: "delete removes files, and does not mind missing ones",
    async run(store) {
      const paths = Array.from({ length: 30 }, (_, i) => `d/${i % 3}/${i}`);
      await Promise.all(paths.map((path) => store.write(path, bytes(path))));
      await store.deletePaths([...paths.slice(0, 29), "d/never", "nowhere/at/all"]);
      deepStrictEqual(await pathsOf(store, ""), [paths[29]]);
      await store.deletePaths([]);
      await store.deletePaths(paths);
      deepStrictEqual(await pathsOf(store, ""), []);
    },
  },
  {
    name: "putFile moves a file from scratch to its place",
    async run(store) {
      await withScratch(async (folder) => {
        for (const content of ["first", "replaced"]) {
          await Deno.writeTextFile(`${folder}/part.parquet`, content);
          await store.putFile("w/t/data/part.parquet", `${folder}/part.parquet`);
          strictEqual(text(await store.read("w/t/data/part.parquet")), content);
          deepStrictEqual([...Deno.readDirSync(folder)], []);
        }
      });
    },
  },
  {
    name: "copy takes the version that it was asked for to a name that nothing has, and leaves the file",
    async run(store) {
      const content = Uint8Array.from({ length: 20_000 }, (_, at) => at * at);
      for (const [path, whole] of [["a/x", content], ["a/empty", new Uint8Array()]] as const) {
        await store.write(path, whole);
        const { etag } = (await store.stat(path))!;
        strictEqual(await store.copy(path, `b/deep/${path}`, etag), true);
        deepStrictEqual(await store.read(`b/deep/${path}`), whole);
        deepStrictEqual(await store.read(path), whole);
        strictEqual(await store.copy(path, `b/deep/${path}`, etag), false);
        await fails(() => store.copy(path, `c/${path}`, "another"), "conflict");
      }
      strictEqual(await store.copy("a/empty", "b/deep/a/x", (await store.stat("a/empty"))!.etag), false);
      await fails(() => store.copy("a/none", "b/none", "any"), "not-found");
      deepStrictEqual(await pathsOf(store, ""), ["a/empty", "a/x", "b/deep/a/empty", "b/deep/a/x"]);
    },
  },
  {
    name: "a path that is no path is refused before anything happens",
    async run(store) {
      for (const path of ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "a\0b", "\ud800"]) {
        await fails(() => store.read(path), "usage");
        await fails(() => store.write(path, bytes("x")), "usage");
        await fails(() => store.create(path, bytes("x")), "usage");
        await fails(() => store.deletePaths([path]), "usage");
        await fails(() => store.stat(path), "usage");
      }
      for (const prefix of ["/", "../", "a/../b", "a//b"]) await fails(() => pathsOf(store, prefix), "usage");
    },
  },
  {
    name: "the probe accepts this store and cleans up after itself",
    async run(store) {
      await store.probe("checkpoints");
      await store.probe("");
      deepStrictEqual(await pathsOf(store, ""), []);
    },
  },
];
