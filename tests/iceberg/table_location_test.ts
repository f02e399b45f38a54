import { deepStrictEqual as assertEquals, throws as assertThrows } from "node:assert/strict";
import { storeUri, TableLocation } from "../../core/iceberg/table_location.ts";
import { normalizeUri } from "../../core/storage/uri.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";

const storeAt = (root: string) => new SimulatedDisk({ root }).connect();

Deno.test("one place has one spelling, and nothing is percent-decoded", () => {
  for (const uri of ["file:/a/b", "file:///a/b", "/a/b"]) {
    assertEquals(normalizeUri(uri), "/a/b");
  }
  assertEquals(["s3://b/k", "s3a://b/k", "s3n://b/k"].map(normalizeUri), ["s3://b/k", "s3://b/k", "s3://b/k"]);
  assertEquals(normalizeUri("s3://b/a%20b"), "s3://b/a%20b");
  assertEquals(storeUri(storeAt("/data/a b#c"), "x/y%z"), "file:///data/a b#c/x/y%z");
  assertEquals(storeUri(storeAt("s3://b/p"), ""), "s3://b/p");
});

Deno.test("paths of a table lead to where it was found, and back to what was recorded", () => {
  const location = new TableLocation(storeAt("/mnt/lake"), "warehouse/a/t", "file:/data/lake/warehouse/a/t/");
  assertEquals(location.pathOf("file:///data/lake/warehouse/a/t/data/x"), "warehouse/a/t/data/x");
  assertEquals(location.pathOf("/mnt/lake/warehouse/a/t/data/x"), "warehouse/a/t/data/x");
  assertEquals(location.pathOf("/mnt/lake/elsewhere/x"), "elsewhere/x");
  assertEquals(location.uriOf("data/x"), "file:/data/lake/warehouse/a/t/data/x");
  assertEquals(location.pathInStore("data/x"), "warehouse/a/t/data/x");
  // A table whose name begins like ours is not ours.
  assertEquals(location.findPath("/data/lake/warehouse/a/tt/x"), undefined);
  assertThrows(() => location.pathOf("/data/lake/warehouse/a/tt/x"), /Cannot reach .*: it is outside/);
});

Deno.test("a store may begin at the table itself", () => {
  const location = new TableLocation(storeAt("s3://b/wh/t"), "", "s3a://b/wh/t");
  assertEquals([location.pathOf("s3n://b/wh/t/data/x"), location.pathInStore("data/x")], ["data/x", "data/x"]);
});
