import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { isKind } from "../../core/base/errors.ts";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { formatLocation, type Location, parseLocation } from "../../core/storage/location.ts";
import { openStore } from "../../core/storage/open_store.ts";

const places: [written: string, place: Location, formatted: string][] = [
  ["local", { kind: "local", path: "lake" }, "lake"],
  ["s3", { kind: "s3", bucket: "lake", prefix: "" }, "s3://lake"],
  ["./local", { kind: "local", path: "./local" }, "./local"],
  ["data/my lake/", { kind: "local", path: "data/my lake/" }, "data/my lake/"],
  ["/data/a%20b", { kind: "local", path: "/data/a%20b" }, "/data/a%20b"],
  ["../x", { kind: "local", path: "../x" }, "../x"],
  ["/", { kind: "local", path: "/" }, "/"],
  ["file:///data/a%20b", { kind: "local", path: "/data/a b" }, "/data/a b"],
  ["file:/data/x", { kind: "local", path: "/data/x" }, "/data/x"],
  ["a:b", { kind: "local", path: "a:b" }, "a:b"],
  ["s3://bucket", { kind: "s3", bucket: "bucket", prefix: "" }, "s3://bucket"],
  ["s3://bucket/", { kind: "s3", bucket: "bucket", prefix: "" }, "s3://bucket"],
  ["s3://bucket/a/b/", { kind: "s3", bucket: "bucket", prefix: "a/b" }, "s3://bucket/a/b"],
  ["s3a://bucket/a%20b", { kind: "s3", bucket: "bucket", prefix: "a%20b" }, "s3://bucket/a%20b"],
];

Deno.test("what users write as a place is understood, and written back the same way everywhere", () => {
  for (const [written, place, formatted] of places) {
    deepStrictEqual(parseLocation(written), place, written);
    strictEqual(formatLocation(place), formatted);
  }
});

Deno.test("a place that is none is refused as wrong usage, with what can be written instead", () => {
  for (
    const written of [
      "",
      "http://x/y",
      "gs://b/x",
      "s3://",
      "s3:/lake",
      "s3a:lake",
      "s3:///x",
      "s3://a/../b",
      "s3://UP_/x y//z",
      "file://host/x",
    ]
  ) {
    throws(
      () => parseLocation(written),
      (error) => isKind(error, "usage"),
      written,
    );
  }
});

Deno.test("the store of a folder has the place's name as its root", async () => {
  const store = await openStore({ kind: "local", path: "/nowhere/lake" }, {
    clock: systemClock,
    random: seededRandom(1),
  });
  strictEqual(store.root, "/nowhere/lake");
  strictEqual(store.localPath("raw/x y.json"), "/nowhere/lake/raw/x y.json");
  strictEqual(await store.rootExists(), false);
});

Deno.test("the S3 client is loaded only when a bucket is opened", async () => {
  const entry = new URL("../../core/storage/open_store.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry] }).output();
  const graph = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string; dependencies?: { isDynamic?: boolean; code?: { specifier: string } }[] }[];
  };
  const eager = new Set<string>(), waiting = [entry];
  for (let specifier = waiting.pop(); specifier !== undefined; specifier = waiting.pop()) {
    if (eager.has(specifier)) continue;
    eager.add(specifier);
    const module = graph.modules.find((module) => module.specifier === specifier);
    for (const { isDynamic, code } of module?.dependencies ?? []) if (!isDynamic && code) waiting.push(code.specifier);
  }
  deepStrictEqual([...eager].filter((specifier) => /s3_store|npm:/.test(specifier)), []);
  strictEqual(graph.modules.some(({ specifier }) => specifier.endsWith("/s3_store.ts")), true);
});
