import { deepStrictEqual as assertEquals, throws as assertThrows } from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as zlib from "node:zlib";
import fc from "../support/property.ts";
import { decodeContainer, encodeContainer } from "../../core/avro/container.ts";
import type { AvroSchema } from "../../core/avro/schema.ts";
import { readBytesMap, readLongAt, writeBytesMap, writeLong } from "../../core/avro/varint.ts";

const schema: AvroSchema = {
  type: "record",
  name: "row",
  fields: [
    { name: "id", type: "long", "field-id": 1 },
    { name: "size", type: ["null", "long"], default: null, "field-id": 2 },
    { name: "list", type: { type: "array", items: "long", "element-id": 4 }, "field-id": 3 },
    { name: "bytes", type: "bytes", "field-id": 5 },
  ],
};
const longs = { numberFieldIds: new Set([2]) };
const sync = new Uint8Array(16).fill(7);

interface Row {
  id: bigint;
  size: number | null;
  list: bigint[];
  bytes: Uint8Array;
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const row: fc.Arbitrary<Row> = fc.record({
  id: int64,
  size: fc.option(fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 })),
  list: fc.array(int64, { maxLength: 3 }),
  bytes: fc.uint8Array({ maxLength: 2000 }),
});

function encode(records: Row[]): Uint8Array {
  // What writes takes node's own kind of bytes.
  const encodable = records.map((record) => ({ ...record, bytes: Buffer.from(record.bytes) }));
  return encodeContainer({ schema, longs, metadata: { content: "data" }, records: encodable, sync });
}

Deno.test("records come back as they went, 64 bits exact, over many blocks", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 100 }), (rows) => {
      const { records, metadata } = decodeContainer<Row>(encode(rows), longs, "x");
      assertEquals(records.map((record) => ({ ...record })), rows.map((record) => ({ ...record })));
      assertEquals(metadata.get("content"), "data");
    }),
    { numRuns: 50 },
  );
});

Deno.test("the header keeps the schema's own text, with the ids that readers go by", () => {
  const { metadata } = decodeContainer(encode([]), longs, "x");
  assertEquals(metadata.get("avro.schema"), JSON.stringify(schema));
});

Deno.test("files with other codecs are read, unknown ones are named", () => {
  const bytes = encode([{ id: 5n, size: 1, list: [], bytes: Buffer.from("x") }]);
  const header = readBytesMap(bytes, 4);
  const count = readLongAt(bytes, header.end + 16), size = readLongAt(bytes, count.end);
  const raw = zlib.inflateRawSync(bytes.subarray(size.end, size.end + size.value));
  const withCodec = (codec: string, data: Uint8Array) => {
    const entries = { ...Object.fromEntries(header.entries), "avro.codec": new TextEncoder().encode(codec) };
    const parts = [
      bytes.subarray(0, 4),
      writeBytesMap(entries),
      sync,
      writeLong(1),
      writeLong(data.length),
      data,
      sync,
    ];
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  };
  const read = (file: Uint8Array) => decodeContainer<Row>(file, longs, "x").records[0]!.id;
  assertEquals(read(withCodec("null", raw)), 5n);
  assertEquals(read(withCodec("zstandard", zlib.zstdCompressSync(raw))), 5n);
  assertThrows(
    () => read(withCodec("snappy", raw)),
    /Cannot read the Avro file x: its codec "snappy" is not supported/,
  );
});

Deno.test("a file that was cut or altered is corrupt, at whatever byte", () => {
  const bytes = encode([{ id: 5n, size: 1, list: [1n], bytes: Buffer.from("x") }]);
  for (let length = 0; length < bytes.length; length++) {
    // Cut right after the header it is a file without records.
    if (length === readBytesMap(bytes, 4).end + 16) continue;
    assertThrows(
      () => decodeContainer(bytes.subarray(0, length), longs, "x"),
      /Cannot read the Avro file x/,
      String(length),
    );
  }
  const altered = bytes.slice();
  altered[bytes.length - 1] = 8;
  assertThrows(() => decodeContainer(altered, longs, "x"), /sync marker/);
});
