import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { bytes, type ConformanceCase, pathsOf, text } from "./conformance_case.ts";

/** Names that stores and URLs are known to trip over. */
const oddNames = [
  "with space",
  "plus+sign",
  "percent%20encoded",
  "percent%",
  "hash#tag",
  "question?mark",
  "amp&ersand=1",
  "quote'\"`",
  "semi;colon:comma,",
  "brackets[1]{2}(3)<4>",
  "star*|pipe",
  "ünïcödé-名前",
  "emoji-😀",
  "tab\tnew\nline",
  "back\\slash",
  "...",
  "~tilde@at$dollar!",
];

export const listingCases: ConformanceCase[] = [
  {
    name: "an empty store lists nothing",
    async run(store) {
      deepStrictEqual(await pathsOf(store, ""), []);
      deepStrictEqual(await pathsOf(store, "raw/events/"), []);
    },
  },
  {
    name: "a listing goes through all depths in the order of the bytes of the whole path",
    async run(store) {
      const sorted = [
        "A",
        "a",
        "a-b/x",
        "a.b",
        "a/b",
        "a/b.c",
        "a/b/c/d",
        "a/c",
        "a0",
        "b/1",
        "b/10",
        "b/2",
        "é",
        "\uffee",
        "😀",
      ];
      await Promise.all(
        sorted.toReversed().filter((path) => path !== "a" && path !== "a/b").map((path) =>
          store.write(path, bytes("x"))
        ),
      );
      deepStrictEqual(await pathsOf(store, ""), sorted.filter((path) => path !== "a" && path !== "a/b"));
    },
  },
  {
    name: "a prefix may end anywhere in a name, and `after` skips up to and including its path",
    async run(store) {
      const paths = ["raw/events/a.json", "raw/events/b.json", "raw/events/sub/c.json", "raw/eventz", "raw2/x"];
      await Promise.all(paths.map((path) => store.write(path, bytes("x"))));
      deepStrictEqual(await pathsOf(store, "raw/events/"), paths.slice(0, 3));
      deepStrictEqual(await pathsOf(store, "raw/event"), paths.slice(0, 4));
      deepStrictEqual(await pathsOf(store, "raw/events/sub/c"), [paths[2]]);
      deepStrictEqual(await pathsOf(store, "raw/events/a.json"), [paths[0]]);
      deepStrictEqual(await pathsOf(store, "raw/nothing/"), []);
      deepStrictEqual(await pathsOf(store, "raw/events/a.json/"), []);
      for (let i = 0; i < paths.length; i++) deepStrictEqual(await pathsOf(store, "", paths[i]), paths.slice(i + 1));
      deepStrictEqual(await pathsOf(store, "raw/", "raw/events/b"), paths.slice(1, 4));
      deepStrictEqual(await pathsOf(store, "raw/", "raw/events/zzz"), [paths[3]]);
      deepStrictEqual(await pathsOf(store, "raw/", "zzz"), []);
    },
  },
  {
    name: "what a listing tells agrees with stat",
    async run(store) {
      await store.write("a/one", bytes("1"));
      await store.write("a/two", bytes("22"));
      for await (const { path, info } of store.list("a/")) {
        if (info !== undefined) deepStrictEqual(info, await store.stat(path));
      }
    },
  },
  {
    name: "odd names are written, read, listed and deleted as they are",
    async run(store) {
      const paths = oddNames.flatMap((name) => [`odd/${name}.json`, `odd/${name}/in folder`]);
      await Promise.all(paths.map((path) => store.write(path, bytes(path))));
      deepStrictEqual(new Set(await pathsOf(store, "odd/")), new Set(paths));
      for (const path of paths) {
        strictEqual(text(await store.read(path)), path);
        strictEqual((await store.stat(path))?.path, path);
        strictEqual(await store.create(path, bytes("second")), false);
        deepStrictEqual(await pathsOf(store, path), [path]);
      }
      await store.deletePaths(paths);
      deepStrictEqual(await pathsOf(store, ""), []);
    },
  },
  {
    name: "finished files are not among the unfinished writes",
    async run(store) {
      await store.write("a/x", bytes("1"));
      await store.create("a/y", bytes("1"));
      const unfinished = await Array.fromAsync(store.listUnfinished(""));
      deepStrictEqual(unfinished, []);
      await store.discardUnfinished(unfinished);
    },
  },
];
