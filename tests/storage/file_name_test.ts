import { strictEqual, throws } from "node:assert/strict";
import fc from "../support/property.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { locateFile, nameFile, rootOfNames } from "../../core/storage/file_name.ts";

Deno.test("a file inside the lake is known by its path there, whatever folder it was found through", () => {
  strictEqual(nameFile("/data/lake", "/data/lake", "raw/events/a b%20.json"), "raw/events/a b%20.json");
  strictEqual(nameFile("/data/lake", "/data/lake/raw", "events/x.json"), "raw/events/x.json");
  strictEqual(nameFile("/data/lake", "/data", "lake/raw/x.json"), "raw/x.json");
  strictEqual(nameFile("s3://bucket/lake", "s3://bucket", "lake/raw/x.json"), "raw/x.json");
  strictEqual(nameFile("/", "/data", "x.json"), "data/x.json");
});

Deno.test("a file outside the lake is known by its URI, never percent-encoded", () => {
  strictEqual(nameFile("/data/lake", "/data/lake2", "x y.json"), "file:///data/lake2/x y.json");
  strictEqual(nameFile("/data/lake", "s3://in/raw", "ü%20.json"), "s3://in/raw/ü%20.json");
  strictEqual(nameFile("s3://bucket/lake", "s3://bucket/lakeside", "x"), "s3://bucket/lakeside/x");
  strictEqual(nameFile("s3://bucket/lake", "/", "x#1"), "file:///x#1");
});

Deno.test("all names of a root begin alike", () => {
  strictEqual(nameFile("/data/lake", "/data/lake", ""), "");
  strictEqual(nameFile("/data/lake", "/data/lake/raw", ""), "raw/");
  strictEqual(nameFile("/data/lake", "/elsewhere", ""), "file:///elsewhere/");
});

Deno.test("every name leads back to its file", () => {
  const part = fc.string({ minLength: 1, unit: "grapheme" }).filter((s) => !/[/\0]/.test(s) && s !== "." && s !== "..");
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const root = fc.constantFrom(
    "/data/lake",
    "/data",
    "/",
    "/other/my lake",
    "s3://bucket",
    "s3://bucket/lake",
    "s3://b2/a%20b",
  );
  fc.assert(fc.property(root, root, path, (lake, root, path) => {
    const found = locateFile(lake, nameFile(lake, root, path));
    const full = (root: string, path: string) => `${root}/${path}`.replace(/^\/\//, "/");
    strictEqual(full(found.root, found.path), full(root, path));
  }));
});

Deno.test("a name that leads nowhere we know, or out of its place, is refused", () => {
  for (const name of ["gs://bucket/x", "../../etc/passwd", "file:///data/../etc/passwd", "s3://bucket/a//b", ""]) {
    throws(() => locateFile("/data/lake", name), StreamlabError);
  }
});

Deno.test("what all names of a root begin with leads back to it", () => {
  const roots = fc.constantFrom(
    "/data/lake",
    "/data",
    "/",
    "/other/my lake",
    "s3://bucket",
    "s3://bucket/lake",
    "s3://b/c",
  );
  fc.assert(fc.property(roots, roots, (lake, root) => {
    strictEqual(rootOfNames(lake, nameFile(lake, root, "")), root);
  }));
});
