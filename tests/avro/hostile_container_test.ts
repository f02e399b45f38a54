import { match, ok, strictEqual, throws } from "node:assert/strict";
import * as zlib from "node:zlib";
import { decodeContainer, encodeContainer } from "../../core/avro/container.ts";
import type { AvroSchema } from "../../core/avro/schema.ts";
import { writeBytesMap, writeLong } from "../../core/avro/varint.ts";
import { StreamlabError } from "../../core/base/errors.ts";

const text = (value: string) => new TextEncoder().encode(value);
const sync = new Uint8Array(16).fill(7);
const NO_LONGS = { numberFieldIds: new Set<number>() };

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A container as an enemy writes it: any count and any bytes in a block. */
function container(schema: AvroSchema, count: number, data: Uint8Array, codec = "null"): Uint8Array {
  return containerOf(JSON.stringify(schema), count, data, codec);
}

function containerOf(schemaText: string, count: number, data: Uint8Array, codec = "null"): Uint8Array {
  const header = writeBytesMap({ "avro.schema": text(schemaText), "avro.codec": text(codec) });
  return join(text("Obj"), Uint8Array.of(1), header, sync, writeLong(count), writeLong(data.length), data, sync);
}

const record = (...fields: AvroSchema[]): AvroSchema => ({
  type: "record",
  name: "r",
  fields: fields.map((type, i) => ({ name: `f${i}`, type, "field-id": i })),
});
const list = (items: AvroSchema): AvroSchema => ({ type: "array", items });
const empty = new Uint8Array();

function refused(bytes: Uint8Array, message: RegExp, skippedFieldIds: number[] = []): void {
  const options = { ...NO_LONGS, skippedFieldIds: new Set(skippedFieldIds) };
  throws(() => decodeContainer(bytes, options, "the-file"), (error) => {
    ok(error instanceof StreamlabError, Deno.inspect(error));
    strictEqual(error.kind, "corrupt");
    match(error.message, /^Cannot read the Avro file the-file: /);
    match(error.message, message);
    return true;
  });
}

const tooMany = /it claims more values than fit into memory/;

Deno.test("a block that claims more records than there can be is refused, also where they have no bytes", () => {
  for (const count of [2 ** 31, 2 ** 52]) {
    for (const schema of [record(), record("null"), record("long"), "null" as AvroSchema]) {
      refused(container(schema, count, empty), tooMany);
    }
  }
  refused(container(record("long"), 5, Uint8Array.of(2)), /it ends within a record/);
});

Deno.test("a negative number of records, and bytes beyond the records, are damage and no empty file", () => {
  const one = Uint8Array.of(2);
  refused(container(record("long"), -1, one), /negative number of records/);
  refused(container(record("long"), 0, one), /a block holds more than its records/);
  refused(container(record("long"), 1, Uint8Array.of(2, 4)), /a block holds more than its records/);
  const good = encodeContainer({ schema: record("long"), longs: NO_LONGS, metadata: {}, records: [{ f0: 1n }], sync });
  strictEqual(decodeContainer(good, NO_LONGS, "x").records.length, 1);
  // Any cut but that between two blocks.
  const start = good.length - 16 - 2;
  for (let length = start; length < good.length; length++) {
    refused(good.subarray(0, length), /ends within a block|does not end|more than its records/);
  }
  const wrongSync = good.slice();
  wrongSync[good.length - 1]! ^= 1;
  refused(wrongSync, /does not end in the sync marker/);
});

Deno.test("lists and maps that claim more than there can be are refused, read or passed over", () => {
  const claim = (count: number) => join(writeLong(count), writeLong(0));
  for (const items of ["null", record(), list("null")] as AvroSchema[]) {
    for (const skipped of [[], [0]]) {
      refused(container(record(list(items)), 1, writeLong(2 ** 52)), /it claims more|it ends within/, skipped);
    }
  }
  refused(container(record({ type: "map", values: "null" }), 1, writeLong(2 ** 52)), tooMany);
  // Small claims within each other: a hundred lists of a million nothings.
  const nested = join(writeLong(100), ...Array.from({ length: 100 }, () => claim(1_000_000)), writeLong(0));
  for (const skipped of [[], [0]]) {
    const outcome = () =>
      decodeContainer(container(record(list(list("null"))), 1, nested), {
        ...NO_LONGS,
        skippedFieldIds: new Set(skipped),
      }, "x");
    if (skipped.length === 0) throws(outcome, tooMany);
    else strictEqual(outcome().records.length, 1);
  }
  refused(
    container(record(list("long")), 1, join(writeLong(-1), writeLong(5), writeLong(3), writeLong(0))),
    /a block of items has another size/,
  );
});

Deno.test("a record that doubles at every level of its schema is refused", () => {
  let schema: AvroSchema = { type: "record", name: "r0", fields: [{ name: "x", type: "null" }] };
  for (let level = 1; level <= 60; level++) {
    schema = {
      type: "record",
      name: `r${level}`,
      fields: [{ name: "a", type: schema }, { name: "b", type: `r${level - 1}` }],
    };
  }
  refused(container(schema, 1, empty), tooMany);
});

Deno.test("schemas without end, of no type or of no size are refused", () => {
  const itself: AvroSchema = { type: "record", name: "r", fields: [{ name: "again", type: "r" }] };
  refused(container(itself, 1, empty), /nested too deep/);
  refused(
    containerOf(`${'{"type":"array","items":'.repeat(20_000)}"null"${"}".repeat(20_000)}`, 1, empty),
    /levels deep/,
  );
  for (const size of [-1, 0.5, "x", null, 2 ** 60]) {
    refused(container(record({ type: "fixed", name: "f", size }), 1, empty), /fixed type of no size|ends within/);
  }
  refused(container(record("strange"), 1, empty), /unknown type/);
  refused(container("null", 0, empty, "snappy"), /codec "snappy" is not supported/);
});

Deno.test("lengths of text and bytes are within the block, and text is UTF-8", () => {
  for (const type of ["string", "bytes"]) {
    for (const length of [-1, 2, 2 ** 40, 2 ** 52]) {
      for (const skipped of [[], [0]]) {
        refused(
          container(record(type), 1, join(writeLong(length), Uint8Array.of(65))),
          /it ends within a record/,
          skipped,
        );
      }
    }
  }
  refused(container(record("string"), 1, join(writeLong(1), Uint8Array.of(0xff))), /./);
  refused(container(record("long"), 1, new Uint8Array(20).fill(0xff)), /an integer does not end/);
  refused(container(record("int"), 1, new Uint8Array(20).fill(0xff)), /an integer does not end/);
  refused(container(record("boolean"), 1, Uint8Array.of(2)), /neither true nor false/);
  refused(container(record(["null", "long"]), 1, Uint8Array.of(8)), /no such branch/);
  refused(container(record({ type: "enum", name: "e", symbols: ["A"] }), 1, Uint8Array.of(8)), /no such symbol/);
});

Deno.test("blocks that unpack without end are refused", () => {
  const zeros = new Uint8Array(300_000_000);
  const packers = [
    ["deflate", zlib.deflateRawSync(zeros)],
    ["zstandard", zlib.zstdCompressSync(zeros)],
  ] as const;
  for (const [codec, bomb] of packers) {
    refused(container(record("long"), 1, bomb, codec), /it unpacks to more than 268 MB/);
  }
});
