import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { bucketHash } from "../../../core/iceberg/format/bucket_hash.ts";
import type { Value } from "../../../core/iceberg/format/single_value.ts";
import {
  applyTransform,
  transformAccepts,
  transformFromText,
  transformResultType,
  transformToText,
} from "../../../core/iceberg/format/transform.ts";
import type { PrimitiveType } from "../../../core/iceberg/format/type.ts";
import { typeFromJson } from "../../../core/iceberg/format/type_json.ts";

const primitive = (text: string) => typeFromJson(text) as PrimitiveType;

Deno.test("hashes are the specification's (Appendix B)", () => {
  const vectors: [string, Value, number][] = [
    ["int", 34, 2017239379],
    ["long", 34n, 2017239379],
    ["decimal(9,2)", 1420n, -500754589],
    ["date", 17_486, -653330422],
    ["time", 81_068_000_000n, -662762989],
    ["timestamp", 1_510_871_468_000_000n, -2047944441],
    ["timestamptz", 1_510_871_468_000_001n, -1207196810],
    ["string", "iceberg", 1210000089],
    ["uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", 1488055340],
    ["fixed[4]", Uint8Array.of(0, 1, 2, 3), -188683207],
    ["binary", Uint8Array.of(0, 1, 2, 3), -188683207],
  ];
  for (const [type, value, hash] of vectors) assertEquals(bucketHash(primitive(type), value), hash, type);
});

Deno.test("truncation is the specification's, towards minus infinity", () => {
  const vectors: [string, number, Value, Value][] = [
    ["int", 10, 1, 0],
    ["int", 10, -1, -10],
    ["long", 10, 1n, 0n],
    ["long", 10, -1n, -10n],
    ["decimal(9,2)", 50, 1065n, 1050n],
    ["string", 3, "iceberg", "ice"],
    ["string", 2, "\u{1f600}\u{1f600}x", "\u{1f600}\u{1f600}"],
    ["binary", 3, Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(1, 2, 3)],
  ];
  for (const [type, width, value, expected] of vectors) {
    assertEquals(applyTransform({ name: "truncate", width }, primitive(type), value), expected);
  }
});

Deno.test("parts of time are floored before 1970", () => {
  const timestamp = primitive("timestamp"), date = primitive("date");
  const apply = (name: string, type: PrimitiveType, value: Value) =>
    applyTransform(transformFromText(name), type, value);
  assertEquals(["year", "month", "day", "hour"].map((name) => apply(name, timestamp, -1n)), [-1, -1, -1, -1]);
  assertEquals(["year", "month", "day"].map((name) => apply(name, date, -1)), [-1, -1, -1]);
  assertEquals(["year", "month", "day", "hour"].map((name) => apply(name, timestamp, 1_510_871_468_000_000n)), [
    47,
    574,
    17_486,
    419_686,
  ]);
  assertEquals(apply("year", date, -365), -1);
  assertEquals(apply("year", date, -366), -2);
});

Deno.test("every transform keeps null, and void has nothing else", () => {
  for (const name of ["identity", "bucket[4]", "truncate[2]", "day", "void"]) {
    assertEquals(applyTransform(transformFromText(name), { type: "date" }, null), null);
  }
  assertEquals(applyTransform({ name: "void" }, { type: "int" }, 5), null);
});

Deno.test("transforms are read and written as text, unknown ones kept as they are", () => {
  for (const text of ["identity", "bucket[16]", "truncate[20]", "year", "month", "day", "hour", "void", "zorder[3]"]) {
    assertEquals(transformToText(transformFromText(text)), text);
  }
  assertEquals(transformFromText("bucket[0]").name, "unknown");
  assertEquals(transformResultType({ name: "day" }, { type: "timestamptz" }), { type: "date" });
  assertEquals(transformAccepts({ name: "hour" }, { type: "date" }), false);
  assertEquals(transformAccepts({ name: "bucket", buckets: 2 }, { type: "double" }), false);
});
