import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { isWithin, normalizeUri, uriKey } from "../../core/storage/uri.ts";

Deno.test("one file has one spelling, whoever names it", () => {
  const spellings = [
    "/a b/c",
    "file:/a b/c",
    "file:///a b/c",
    "file://localhost/a b/c",
    "FILE:///a b/c",
    "/a b//c",
    "file:////a b/./c",
    "/a b/x/../c",
  ];
  deepStrictEqual(new Set(spellings.map(normalizeUri)), new Set(["/a b/c"]));
  deepStrictEqual(
    new Set([...spellings, "file:///a%20b/c", "/a+b/c", "/a%20b/%2e/c"].map(uriKey)),
    new Set(["/a b/c"]),
  );
  deepStrictEqual(
    new Set(["s3://b/k", "s3a://b/k", "S3N://b/k", "s3://b//k", "s3://b/x/../k"].map(uriKey)),
    new Set(["s3://b/k"]),
  );
  strictEqual(uriKey("/ü"), uriKey("/u\u0308"));
});

Deno.test("what names two files is not made one where a file is looked for", () => {
  strictEqual(normalizeUri("/a%20b"), "/a%20b");
  strictEqual(normalizeUri("s3://b/a//k"), "s3://b/a//k");
  strictEqual(normalizeUri("s3://b/a/../k"), "s3://b/a/../k");
  strictEqual(normalizeUri("file://other-host/a"), "/other-host/a");
  strictEqual(normalizeUri("hdfs://n/a/../b"), "hdfs://n/a/../b");
  strictEqual(normalizeUri("/.."), "/");
  strictEqual(normalizeUri("/../.."), "/");
  strictEqual(uriKey("s3://b/../../k"), "s3://b/k");
});

Deno.test("a folder holds itself and what lies in it, and nothing that is only called alike", () => {
  deepStrictEqual(["/a/b", "/a/b/", "/a/b/c", "/a/bc", "/a"].map((key) => isWithin(key, "/a/b")), [
    true,
    true,
    true,
    false,
    false,
  ]);
  strictEqual(isWithin("/x", "/"), true);
  strictEqual(isWithin("s3://bucket/x", "s3://bucket"), true);
  strictEqual(isWithin("s3://bucket2/x", "s3://bucket"), false);
});

Deno.test("a spelling of a spelling is the same", () => {
  const part = fc.constantFrom("a", "a b", "a%20b", "%2e%2e", "..", ".", "", "+", "ü", "u\u0308", "%", "s3:", "file:");
  const text = fc.tuple(
    fc.constantFrom("", "/", "file:/", "file:///", "file://localhost/", "s3://b/", "s3a://b/"),
    fc.array(part),
  )
    .map(([start, parts]) => start + parts.join("/"));
  fc.assert(fc.property(text, (uri) => {
    strictEqual(normalizeUri(normalizeUri(uri)), normalizeUri(uri));
    strictEqual(uriKey(normalizeUri(uri)), uriKey(uri));
  }));
});
