import { deepStrictEqual, ok } from "node:assert/strict";
import { compileReader, readerWasm, unformattedReader } from "../../../tools/wasm.ts";
import { contractOf, TestReader } from "./test_reader.ts";

Deno.test("reader.wasm is what its source makes", async () => {
  const compiled = await compileReader();
  const kept = await Deno.readFile(readerWasm);
  ok(compiled.length === kept.length && compiled.every((byte, i) => byte === kept[i]), "run deno task wasm");
});

Deno.test("the reader's source is formatted like all other code", async () => {
  deepStrictEqual([...(await unformattedReader()).keys()], []);
});

const ORDER = {
  required: ["id"],
  properties: {
    id: { type: "string" },
    at: { type: "string", format: "date-time" },
    count: { type: "integer" },
    price: { type: ["number", "null"] },
    lines: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["sku"],
        properties: { sku: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
      },
    },
    labels: { type: "object", additionalProperties: { type: ["string", "number"] } },
  },
};

Deno.test("an array's plain records become rows, the others are left to the judge", () => {
  const reader = new TestReader(contractOf(ORDER));
  const text = `[ {"id":"a","at":"2026-03-01T12:00:00+02:00","count":3,"price":1.5},
    {"id":7}, {"id":"b\\n\\u00e9","lines":[{"sku":"x"},{"tags":["p","q"],"sku":"y"},{"sku":"z","tags":[]}]},
    {"id":"c","labels":{"k":"v","n":1.50},"price":null, "count": -12}, "no object" ]\n`;
  const none = { at: null, count: null, price: null, lines: null, labels: null };
  deepStrictEqual(reader.scanArray(text), {
    isWhole: true,
    records: 5,
    rows: [
      { ...none, id: "a", at: "2026-03-01T10:00:00.000000Z", count: "3", price: "1.5" },
      {
        ...none,
        id: "b\né",
        lines: [{ sku: "x", tags: null }, { sku: "y", tags: ["p", "q"] }, { sku: "z", tags: [] }],
      },
      { ...none, id: "c", count: "-12", labels: Object.assign(Object.create(null), { k: "v", n: "1.50" }) },
    ],
    odd: [1, 4],
  });
});

Deno.test("what is no array leaves no row", () => {
  const reader = new TestReader(contractOf(ORDER));
  for (const text of ["", "[]", "{}", '[{"id":"a"}', '[{"id":"a"},]', '[{"id":"a"}] x', '[{"id":"\xff"}]', "[01]"]) {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const { isWhole, rows } = reader.scanArray(bytes);
    deepStrictEqual({ text, isWhole, rows }, { text, isWhole: false, rows: [] });
  }
});

Deno.test("lines are read one by one, whatever is in the others", () => {
  const reader = new TestReader(contractOf(ORDER));
  const { rows, records, odd } = reader.scanLines('{"id":"a"}\r\n\n {"id":\n{"id":"b"} \n{"id":"c"} {"id":"d"}');
  deepStrictEqual(rows.map(({ id }) => id), ["a", "b"]);
  deepStrictEqual({ records, odd }, { records: 4, odd: [1, 3] });
});

Deno.test("texts with the same ends and length are told apart, however often they take turns", () => {
  const reader = new TestReader(contractOf(ORDER));
  const middles = ["", "0", "1", "-", "00", "01"], turns = Array.from({ length: 300 }, (_, i) => i * i % 7 % 6);
  const ids = turns.map((turn) => `12345678${middles[turn]}12345678`);
  const short = turns.map((turn) => ["", "a", "b", "ab", "abcdefg", "abcdefh"][turn]!);
  for (const texts of [ids, short]) {
    const { rows, odd } = reader.scanArray(JSON.stringify(texts.map((id) => ({ id }))));
    deepStrictEqual([rows.map(({ id }) => id), odd], [texts, []]);
  }
});

Deno.test("times of day are read anew where they differ from the last, whatever their fraction and offset", () => {
  const reader = new TestReader(contractOf(ORDER));
  const at = [
    ...["12:00:00.000036+00:00", "12:00:00.5+00:00", "12:00:00Z", "12:00:01.123456789Z", "12:00:01.12345Z"],
    ...["12:00:01.1234567+00:00", "12:00:01.123456-00:00", "12:00:01.123456+00:30", "12:01:01z", "12:00:01+00:00"],
  ];
  const text = JSON.stringify(at.map((time, id) => ({ id: String(id), at: `2026-03-01T${time}` })));
  const { rows, odd } = reader.scanArray(text);
  const read = [
    ...["12:00:00.000036", "12:00:00.500000", "12:00:00.000000", "12:00:01.123456", "12:00:01.123450"],
    ...["12:00:01.123456", "12:00:01.123456", "11:30:01.123456", "12:01:01.000000", "12:00:01.000000"],
  ];
  deepStrictEqual([rows.map((row) => row.at), odd], [read.map((time) => `2026-03-01T${time}Z`), []]);
  const wrong = [
    "12:00:60Z",
    "24:00:00Z",
    "12:60:00Z",
    "12:00:01.Z",
    "12:00:01.12345xZ",
    "12:00:01.123456",
    "12;00:01Z",
  ];
  const refused = reader.scanArray(JSON.stringify(wrong.map((time) => ({ id: "x", at: `2026-03-01T${time}` }))));
  deepStrictEqual([refused.rows, refused.odd], [[], wrong.map((_, position) => position)]);
});
