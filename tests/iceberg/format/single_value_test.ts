import { deepStrictEqual as assertEquals, throws as assertThrows } from "node:assert/strict";
import {
  decimalBytesRequired,
  decimalToBytes,
  decimalToFixedBytes,
  valueFromBytes,
  valueToBytes,
} from "../../../core/iceberg/format/single_value.ts";

Deno.test("a file written before its column was widened keeps four bytes, which are read as such", () => {
  assertEquals(valueFromBytes({ type: "long" }, valueToBytes({ type: "int" }, -5)), -5n);
  assertEquals(valueFromBytes({ type: "double" }, valueToBytes({ type: "float" }, 1.5)), 1.5);
  const narrow = valueToBytes({ type: "decimal", precision: 4, scale: 2 }, -1234n);
  assertEquals(valueFromBytes({ type: "decimal", precision: 30, scale: 2 }, narrow), -1234n);
});

Deno.test("bytes of the wrong length are corrupt", () => {
  assertThrows(() => valueFromBytes({ type: "int" }, new Uint8Array(3)), /Cannot read a int from 3 bytes/);
  assertThrows(() => valueFromBytes({ type: "uuid" }, new Uint8Array(15)));
  assertThrows(() => valueFromBytes({ type: "timestamp" }, new Uint8Array(4)));
});

Deno.test("decimals take as few bytes as hold them, and the sign", () => {
  assertEquals([...decimalToBytes(0n)], [0]);
  assertEquals([...decimalToBytes(127n)], [127]);
  assertEquals([...decimalToBytes(128n)], [0, 128]);
  assertEquals([...decimalToBytes(-128n)], [128]);
  assertEquals([...decimalToBytes(-129n)], [255, 127]);
  assertEquals([...decimalToFixedBytes(-2n, 3)], [255, 255, 254]);
  assertEquals([1, 2, 4, 9, 18, 38].map(decimalBytesRequired), [1, 1, 2, 4, 8, 16]);
});
