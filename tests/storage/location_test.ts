import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { StreamlabError } from "../../core/base/errors.ts";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { locateFile, nameFile } from "../../core/storage/file_name.ts";
import { formatLocation, type Location, openStore, parseLocation } from "../../core/storage/location.ts";

const places: [written: string, place: Location, formatted: string][] = [
  ["local", { kind: "local", path: "/work/lake" }, "/work/lake"],
  ["s3", { kind: "s3", bucket: "lake", prefix: "" }, "s3://lake"],
  ["./local", { kind: "local", path: "/work/local" }, "/work/local"],
  ["data/my lake/", { kind: "local", path: "/work/data/my lake" }, "/work/data/my lake"],
  ["/data/a%20b", { kind: "local", path: "/data/a%20b" }, "/data/a%20b"],
  ["../x", { kind: "local", path: "/x" }, "/x"],
  ["/", { kind: "local", path: "/" }, "/"],
  ["file:///data/a%20b", { kind: "local", path: "/data/a b" }, "/data/a b"],
  ["file:/data/x/", { kind: "local", path: "/data/x" }, "/data/x"],
  ["a:b", { kind: "local", path: "/work/a:b" }, "/work/a:b"],
  ["s3://bucket", { kind: "s3", bucket: "bucket", prefix: "" }, "s3://bucket"],
  ["s3://bucket/", { kind: "s3", bucket: "bucket", prefix: "" }, "s3://bucket"],
  ["s3://bucket/a/b/", { kind: "s3", bucket: "bucket", prefix: "a/b" }, "s3://bucket/a/b"],
  ["s3a://bucket/a%20b", { kind: "s3", bucket: "bucket", prefix: "a%20b" }, "s3://bucket/a%20b"],
];

Deno.test("what users write as a place is understood, and written back the same way everywhere", () => {
  for (const [written, place, formatted] of places) {
    deepStrictEqual(parseLocation(written, "/work"), place, written);
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
      "s3:///x",
      "s3://a/../b",
      "s3://UP_/x y//z",
      "file://host/x",
    ]
  ) {
    throws(
      () => parseLocation(written, "/work"),
      (error) => error instanceof StreamlabError && error.kind === "usage",
      written,
    );
  }
});

Deno.test("the store of a folder has the place's name as its root", async () => {
  const store = await openStore(parseLocation("local", "/nowhere"), { clock: systemClock, random: seededRandom(1) });
  strictEqual(store.root, "/nowhere/lake");
  strictEqual(store.localPath("raw/x y.json"), "/nowhere/lake/raw/x y.json");
  strictEqual(await store.rootExists(), false);
});

const lake = parseLocation("/data/lake", "/");
const bucketLake = parseLocation("s3://bucket/lake", "/");

Deno.test("a file inside the lake is known by its path there, whatever folder it was found through", () => {
  strictEqual(nameFile(lake, lake, "raw/events/a b%20.json"), "raw/events/a b%20.json");
  strictEqual(nameFile(lake, parseLocation("/data/lake/raw", "/"), "events/x.json"), "raw/events/x.json");
  strictEqual(nameFile(lake, parseLocation("/data", "/"), "lake/raw/x.json"), "raw/x.json");
  strictEqual(nameFile(bucketLake, parseLocation("s3://bucket", "/"), "lake/raw/x.json"), "raw/x.json");
});

Deno.test("a file outside the lake is known by its URI, never percent-encoded", () => {
  strictEqual(nameFile(lake, parseLocation("/data/lake2", "/"), "x y.json"), "file:///data/lake2/x y.json");
  strictEqual(nameFile(lake, parseLocation("s3://input/raw", "/"), "ü.json"), "s3://input/raw/ü.json");
  strictEqual(nameFile(bucketLake, parseLocation("s3://bucket/lakeside", "/"), "x"), "s3://bucket/lakeside/x");
  strictEqual(nameFile(bucketLake, parseLocation("/", "/"), "x#1"), "file:///x#1");
});

Deno.test("every name leads back to its file", () => {
  const part = fc.string({ minLength: 1, unit: "grapheme" }).filter((s) => !/[/\0]/.test(s) && s !== "." && s !== "..");
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const place = fc.constantFrom(lake, bucketLake, ...places.map(([, place]) => place));
  fc.assert(fc.property(place, place, path, (lake, place, path) => {
    const found = locateFile(lake, nameFile(lake, place, path));
    strictEqual(nameFile(lake, found.place, found.path), nameFile(lake, place, path));
    const full = (place: Location, path: string) => `${formatLocation(place)}/${path}`.replace(/^\/\//, "/");
    strictEqual(full(found.place, found.path), full(place, path));
  }));
});

Deno.test("a name that leads nowhere we know is refused", () => {
  throws(() => locateFile(lake, "gs://bucket/x"), StreamlabError);
  throws(() => locateFile(lake, "../../etc/passwd"), StreamlabError);
  throws(() => locateFile(lake, "file:///data/../etc/passwd"), StreamlabError);
});

Deno.test("the S3 client is loaded only when a bucket is opened", async () => {
  const entry = new URL("../../core/storage/location.ts", import.meta.url).href;
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
