import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { seededRandom } from "../../../core/base/random.ts";
import { defaultContract } from "../../../core/contract/default_contract.ts";
import type { Row } from "../../../core/contract/judgement.ts";
import { VALUES_MAX } from "../../../core/json/reader.ts";
import { HASH_KEY_BYTES } from "../../../core/routing/reader/reader_instance.ts";
import { FORM, type Form } from "../../../core/routing/reader/envelope_steps.ts";
import { contractOf, TestReader } from "./test_reader.ts";

/** Of lists or maps in one another, in a contract. */
const DEEPEST = 79;
const text = { type: "string" };
const map = contractOf({ properties: { m: { type: "object", additionalProperties: text } } });

Deno.test("a key that comes twice in a map is found at any size", () => {
  const reader = new TestReader(map);
  for (const size of [1, 2, 255, 256, 257, 4_096, 4_097, 20_000]) {
    const keys = Array.from({ length: size }, (_, i) => `k${i}`);
    const records = [keys, [...keys, "k0"], [...keys, keys.at(-1)!], keys.toReversed()].map((each) => {
      return `{"m":{${each.map((key) => `"${key}":"${key}"`).join()}}}`;
    });
    const { rows, odd } = reader.scanArray(`[${records.join()}]`);
    deepStrictEqual(odd, [1, 2], `${size} keys`);
    deepStrictEqual(rows.map(({ m }) => Object.keys(m as Row).length), [size, size]);
  }
});

Deno.test("nesting of any depth is read strictly", () => {
  const reader = new TestReader(map);
  const depth = 200_000;
  for (const [open, close] of [["[", "]"], ['{"a":', "}"], ['[{"":[', "]}]"]] as const) {
    const whole = `[${open.repeat(depth)}1${close.repeat(depth)}]`;
    const { isWhole, odd } = reader.scanArray(whole);
    deepStrictEqual({ isWhole, odd }, { isWhole: true, odd: [0] });
    strictEqual(reader.scanArray(whole.replace("1", "01")).isWhole, false);
    strictEqual(reader.scanArray(whole.slice(0, -2) + "]").isWhole, false);
  }
});

Deno.test("what may hold more values than the judge takes is left to it", () => {
  const list = contractOf({ properties: { l: { type: "array", items: { type: "integer" } } } });
  const reader = new TestReader(list);
  const numbers = (count: number) => `{"l":[${"1,".repeat(count - 1)}1]}`;
  deepStrictEqual(reader.scanArray(`[${numbers(VALUES_MAX - 10)}]`).odd, []);
  deepStrictEqual(reader.scanArray(`[${numbers(VALUES_MAX + 1)},{"l":[7]}]`), {
    isWhole: true,
    records: 2,
    rows: [{ l: ["7"] }],
    odd: [0],
  });
});

Deno.test("a small record that would fill memory with nulls is left to the judge", () => {
  const fields = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, text]));
  const wide = contractOf({
    properties: { l: { type: "array", items: { type: "object", additionalProperties: false, properties: fields } } },
  });
  const reader = new TestReader(wide);
  const { rows, odd } = reader.scanArray(`[{"l":[${"{},".repeat(400_000)}{}]},{"l":[{"f7":"x"}]}]`);
  deepStrictEqual(odd, [0]);
  strictEqual((rows[0]!.l as Row[])[0]!.f7, "x");
  ok(reader.instance.bytes.length < 200 << 20, `${reader.instance.bytes.length} bytes`);
});

Deno.test("texts keep their values when a column gives up numbering them, nulls and refused records between", () => {
  const reader = new TestReader(contractOf({ properties: { a: text, b: text, n: { type: "integer" } } }));
  for (let round = 0; round < 3; round++) {
    const values = Array.from({ length: 30_000 }, (_, i) => ({
      a: i % 7 === 0 ? null : `${"é".repeat(i % 40)}${i * 7919 % 30_011} ${round}`,
      b: i % 5 === 0 ? null : `v${i % 3_000}`,
      n: i % 11 === 0 ? "1.5" : String(i),
    }));
    const { rows, odd } = reader.scanArray(JSON.stringify(values).replaceAll(/"n":"([\d.]+)"/g, '"n":$1'));
    deepStrictEqual(odd, values.keys().filter((i) => values[i]!.n === "1.5").toArray());
    deepStrictEqual(rows, values.filter(({ n }) => n !== "1.5"));
  }
});

Deno.test("texts that somebody has chosen to collide, knowing the key, are still told apart", () => {
  // A product of two words counts, each with its key added: where one is 0, the other is free.
  const hashKey = seededRandom(1).bytes(HASH_KEY_BYTES);
  const words = new DataView(hashKey.buffer);
  for (const at of [0, 8]) words.setInt32(at, -0x61616161, true);
  const chosen = Array.from({ length: 3_000 }, (_, i) => `aaaa${1_000 + i}aaaa${9_999 - i}`);
  const reader = new TestReader(
    contractOf({ properties: { a: text, m: { type: "object", additionalProperties: text } } }),
    "dead-letter",
    hashKey,
  );
  const records = chosen.map((a, i) => ({ a, m: { [a]: chosen[(i * 7) % chosen.length] } }));
  const twice = `{"m":{${[...chosen, chosen[1_234]].map((key) => `"${key}":""`).join()}}}`;
  const { rows, odd } = reader.scanArray(`[${records.map((record) => JSON.stringify(record)).join()},${twice}]`);
  deepStrictEqual(odd, [chosen.length]);
  deepStrictEqual(
    rows.map(({ a, m }) => [a, Object.entries(m as Row)]),
    records.map(({ a, m }) => [a, Object.entries(m)]),
  );
});

Deno.test("texts of any length are kept whole", () => {
  const reader = new TestReader(map);
  const lengths = [0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 257, 511, 512, 65_535, 65_536, 300_000];
  const texts = lengths.flatMap((length) => ["x".repeat(length), `${"x".repeat(length)}y`, `z${"x".repeat(length)}`]);
  const { rows, odd } = reader.scanArray(JSON.stringify(texts.map((value) => ({ m: { [value]: value } }))));
  deepStrictEqual(odd, []);
  deepStrictEqual(rows.map(({ m }) => Object.entries(m as Row)), texts.map((value) => [[value, value]]));
});

Deno.test("a file that turns out to be broken leaves no row, whatever came before", () => {
  const reader = new TestReader(defaultContract());
  const event = (id: number) =>
    `{"user_id":"u","event_id":"e${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}`;
  const events = Array.from({ length: 9_000 }, (_, id) => event(id)).join();
  strictEqual(reader.scanArray(`[${events},{"a":01}]`).rows.length, 0);
  const { rows } = reader.scanArray(`[${event(1)},${event(2)}]`);
  deepStrictEqual(rows.map(({ event_id }) => event_id), ["e1", "e2"]);
});

Deno.test("a name is known in every spelling", () => {
  const reader = new TestReader(contractOf({ required: ["größe"], properties: { "größe": text, 'q"t': text } }));
  const { rows, odd } = reader.scanArray(
    String
      .raw`[{"größe":"1","q\"t":"2"},{"gr\u00f6\u00DFe":"1","\u0071\u0022t":"2"},{"gr\u00f6\u00dfe":"1","größe":"1"}]`,
  );
  deepStrictEqual(rows, [{ "größe": "1", 'q"t': "2" }, { "größe": "1", 'q"t': "2" }]);
  deepStrictEqual(odd, [2]);
});

Deno.test("the deepest columns that a contract may have fit the levels of the reader", () => {
  const nested = (depth: number, wrap: (inner: object) => object): object =>
    depth === 0 ? text : wrap(nested(depth - 1, wrap));
  const list = (items: object) => ({ type: ["array", "null"], items });
  const mapOf = (inner: object) => ({ type: ["object", "null"], additionalProperties: inner });
  const forms = [[list, "[", "]"], [mapOf, '{"k":', "}"]] as const;
  for (const [wrap, open, close] of forms) {
    const read = new TestReader(contractOf({ properties: { l: nested(DEEPEST, wrap) } }));
    const record = `{"l":${open.repeat(DEEPEST)}"x"${close.repeat(DEEPEST)}}`;
    deepStrictEqual(read.scanArray(`[${record}]`).odd, []);
    throws(() => contractOf({ properties: { l: nested(DEEPEST + 1, wrap) } }), /nested deeper than 80 levels/);
  }
});

Deno.test("where memory ends, the reader fails with a word instead of a trap", () => {
  const { calls } = new TestReader(map).instance;
  throws(() => calls.alloc(1_200_000_000), /Cannot read event files: a record takes more than 2 GB/);
  throws(() => {
    for (let i = 0; i < 40; i++) calls.alloc(64 << 20);
  }, /Cannot read event files/);
});

Deno.test("a scan stops where its rows would fill memory, and goes on once they are written", () => {
  const fields = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, text]));
  const reader = new TestReader(contractOf({ properties: { ...fields, l: { type: "array", items: text } } }));
  const records = Array.from({ length: 45_000 }, (_, i) => i % 1_000 === 0 ? `{"f7":"${i}"}` : "{}");
  for (const [scan, whole] of [["array", `[${records}]`], ["lines", records.join("\n")]] as const) {
    const { verdict, pieces } = reader.scanInPieces(scan, whole);
    strictEqual(verdict, "whole");
    ok(pieces.length > 1, `${pieces.length} pieces`);
    strictEqual(pieces.reduce((sum, { rows }) => sum + rows, 0), 45_000);
    ok(reader.instance.bytes.length < 400 << 20, `${reader.instance.bytes.length} bytes`);
  }
  strictEqual(reader.scanInPieces("array", `[${records},{]`).verdict, "no array");
});

Deno.test("a scan of envelopes stops within one only if the rest of it is sound, and drops no rows of others", () => {
  const fields = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, text]));
  const reader = new TestReader(contractOf({ properties: fields }));
  const around = (records: string, behind = "") => `{"Records":[${records}]${behind}}`;
  const many = "{},".repeat(45_000) + "5";
  const scanned = (whole: string, form: Form) => {
    const left: string[] = [];
    const { records, rows, dropped, odd } = reader.scanEnvelopes(whole, form, "/Records", (from, to, position) => {
      left.push(`${position}: ${to - from}`);
      return 1;
    });
    return { records, rows: rows.length + dropped, hasStopped: dropped > 0, odd: odd.length, left };
  };
  const small = around("{}"), large = around(many), twice = around(many, ',"Records":0');
  const sound = { records: 45_003, rows: 45_002, hasStopped: true, odd: 1, left: [] };
  const broken = { records: 3, rows: 2, hasStopped: false, odd: 0, left: [`1: ${twice.length}`] };
  for (const form of [FORM.LINES, FORM.LINED_VALUES]) {
    deepStrictEqual(scanned([small, large, small].join("\n"), form), sound);
    deepStrictEqual(scanned([small, twice, small].join("\n"), form), broken);
    const cut = twice.slice(0, -1);
    deepStrictEqual(scanned([small, cut, small].join("\n"), form), { ...broken, left: [`1: ${cut.length}`] });
  }
  deepStrictEqual(scanned(`[${[small, large, small]}]`, FORM.ELEMENTS), sound);
  deepStrictEqual(scanned(`[${[small, twice, small]}]`, FORM.ELEMENTS), broken);
  ok(reader.instance.bytes.length < 400 << 20, `${reader.instance.bytes.length} bytes`);
});
