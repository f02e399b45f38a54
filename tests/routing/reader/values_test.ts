import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../../support/property.ts";
import { anyContract } from "../../contract/arbitrary_contract.ts";
import { anyRecord } from "../../contract/arbitrary_record.ts";
import { ValueSplit } from "../../../core/json/value_split.ts";
import { contractOf, TestReader } from "./test_reader.ts";

const contract = contractOf({ properties: { a: { type: "integer" } } });

/** The rows' values and the broken texts, in their order. */
function read(text: string): { rows: (string | null)[]; broken: string[]; records: number } {
  const { rows, broken, records } = new TestReader(contract).scanValues(text);
  return { rows: rows.map(({ a }) => a as string | null), broken, records };
}

Deno.test("values stand one after another with any white space or none between them", () => {
  for (const between of ["", " ", "\n", "\r\n\n", "\t \n"]) {
    const text = ['{"a":1}', '{\n  "a": 2\n}', "{}", '{"a":3}'].join(between);
    deepStrictEqual(read(`\ufeff ${text}\n`), { rows: ["1", "2", null, "3"], broken: [], records: 4 });
  }
});

Deno.test("a value that is no JSON costs its line while each value has one", () => {
  const text = '{"a":1}\n{"a":\n{"a":2} x\n{"a":3}\n}\n{"a":4}';
  deepStrictEqual(read(text), { rows: ["1", "3", "4"], broken: ['{"a":', '{"a":2} x', "}"], records: 6 });
});

Deno.test("a value that is no JSON costs all that follows where values share lines, or have several", () => {
  deepStrictEqual(read('{"a":1}{"a":2} {"a":x}\n{"a":3}\n '), {
    rows: ["1", "2"],
    broken: ['{"a":x}\n{"a":3}'],
    records: 3,
  });
  deepStrictEqual(read('{\n"a":1}\n{"a":\n}\n{"a":3}'), { rows: ["1"], broken: ['{"a":\n}\n{"a":3}'], records: 2 });
});

const HOSTILE = { open: "[\n", "open and closed": "[[\n],\n", "open behind others": '{"a":1} [\n[\n' };

for (const [kind, lines] of Object.entries(HOSTILE)) {
  Deno.test(`lines of values that end nowhere cost no more than they are long: ${kind}`, () => {
    const text = `{"a":1}\n${lines.repeat(100_000)}`;
    const count = text.split("\n").length - 1;
    strictEqual(read(text).records, count);
    strictEqual(new TestReader(contract).scanLines(text).records, count);
    const bytes = new TextEncoder().encode(text);
    const split = new ValueSplit({
      size: bytes.length,
      readInto: (offset, target) => {
        const found = bytes.subarray(offset, offset + target.length);
        target.set(found);
        return found.length;
      },
    }, 0);
    let pieces = 0;
    while (split.next() !== undefined) pieces++;
    strictEqual(pieces, count);
  });
}

Deno.test("a line of text is no values, whatever it begins with", () => {
  const text = '{"a":1}\n2026-03-01 12:00 {"a":2}\n"x" {"a":3}\n{"a":4} 12\n{"a":5}';
  deepStrictEqual(read(text).rows, ["1", "5"]);
});

Deno.test("any records one after another are read as those of an array", () => {
  const records = anyContract.chain((contract) =>
    fc.tuple(
      fc.constant(contract),
      fc.array(fc.tuple(anyRecord(contract, "ordinary"), fc.constantFrom("", " ", "\n", "\r\n")), { minLength: 1 }),
    )
  );
  fc.assert(
    fc.property(records, ([contract, pieces]) => {
      const reader = new TestReader(contract);
      const { rows, odd, records, broken } = reader.scanValues(pieces.flat().join(""));
      const array = reader.scanArray(`[${pieces.map(([record]) => record)}]`);
      deepStrictEqual({ rows, odd, records }, { rows: array.rows, odd: array.odd, records: array.records });
      strictEqual(broken.length, 0);
    }),
  );
});
