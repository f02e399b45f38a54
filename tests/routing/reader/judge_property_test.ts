import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "../../support/property.ts";
import { isThorough } from "../../support/thorough.ts";
import { anyContract, conditionedContract } from "../../contract/arbitrary_contract.ts";
import { anyRecord, type Style } from "../../contract/arbitrary_record.ts";
import type { Contract } from "../../../core/contract/contract.ts";
import { Judge } from "../../../core/contract/judge.ts";
import { judgesRecords } from "../../../core/contract/judge_alone.ts";
import type { Row } from "../../../core/contract/judgement.ts";
import { contractOf, TestReader } from "./test_reader.ts";

const RUNS = isThorough ? 5_000 : 300;
const RECORDS_MAX = 8;

/** A member that no contract has, of every kind of value. */
const extraMember = fc.tuple(fc.constantFrom("zz", "zz 9", "Ö_ö"), fc.jsonValue({ maxDepth: 3 }))
  .map(([name, value]) => `"${name}" : ${JSON.stringify(value)}`);

/** Half of them with some of what only the judge knows. */
const everyContract = fc.oneof(anyContract, conditionedContract);

/** A contract, and records that were made for it. */
function recordsOf(style: Style, contracts = everyContract): fc.Arbitrary<{ contract: Contract; records: string[] }> {
  return contracts.chain((contract) => {
    const records = fc.array(anyRecord(contract, style), { minLength: 1, maxLength: RECORDS_MAX });
    return records.map((records) => ({ contract, records }));
  });
}

/** What the judge makes of the records that are events: their values, by position. */
function judged(contract: Contract, records: readonly string[]): Map<number, Row> {
  const judge = new Judge(contract, "dead-letter");
  const events = new Map<number, Row>();
  for (const [position, record] of records.entries()) {
    const judgement = judge.judge(record);
    if (judgement.kind === "event") events.set(position, judgement.values);
  }
  return events;
}

Deno.test("ordinary records become rows with the judge's values, all but few", () => {
  let events = 0, left = 0;
  fc.assert(
    fc.property(recordsOf("ordinary", anyContract), ({ contract, records }) => {
      const { isWhole, rows, odd } = new TestReader(contract).scanArray(`[${records.join(", ")}]`);
      ok(isWhole);
      const expected = judged(contract, records);
      const taken = [...expected.keys()].filter((position) => !odd.includes(position));
      deepStrictEqual(rows, taken.map((position) => expected.get(position)));
      strictEqual(rows.length + odd.length, records.length);
      events += expected.size;
      left += expected.size - taken.length;
    }),
    { numRuns: RUNS },
  );
  ok(left * 200 <= events, `${left} of ${events} events were left to the judge`);
});

Deno.test("extra fields are rescued in the judge's very text", () => {
  let rescued = 0;
  fc.assert(
    fc.property(recordsOf("wild"), extraMember, ({ contract, records }, extra) => {
      const judge = new Judge(contract, "rescue");
      const lines = records.map((record) => record.replaceAll(/[\r\n]/g, " ").replace("{", `{${extra},`))
        .filter((line) => line.trim() !== "");
      const { rows, odd } = new TestReader(contract, "rescue").scanLines(lines.join("\n"));
      const taken = lines.keys().filter((position) => !odd.includes(position)).toArray();
      const expected = taken.map((position) => {
        const judgement = judge.judge(lines[position]!);
        strictEqual(judgement.kind, "event", lines[position]);
        const { values, rescued } = judgement as { values: Row; rescued: string | null };
        return { ...values, _rescued: rescued };
      });
      deepStrictEqual(rows, expected);
      rescued += expected.filter((row) => row._rescued !== null).length;
    }),
    { numRuns: RUNS },
  );
  ok(rescued > RUNS / 4, `${rescued} records had extra fields`);
});

Deno.test("what the judge has read comes back from the columns of both tables", () => {
  fc.assert(
    fc.property(recordsOf("wild"), ({ contract, records }) => {
      const judge = new Judge(contract, "dead-letter");
      const judgements = records.map((record) => judge.judge(record)).filter(({ kind }) => kind !== "not_json");
      const values = judgements.map((judgement) => (judgement as { values: Row }).values);
      const events = values.filter((_, i) => judgements[i]!.kind === "event");
      const reader = new TestReader(contract);
      deepStrictEqual(reader.appendJudged(values, "letters"), values);
      deepStrictEqual(reader.appendJudged(events, "events"), events);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("an array is cut behind whole elements, wherever its bytes end", () => {
  fc.assert(
    fc.property(recordsOf("wild"), fc.integer({ min: 0 }), ({ contract, records }, cut) => {
      const judge = new Judge(contract, "dead-letter");
      const elements = records.filter((record) => judge.judge(record).kind !== "not_json" && /^[ -~]*$/.test(record));
      if (elements.length === 0) return;
      const text = `${elements.join(" ,")}]`;
      const length = cut % (text.length + 1);
      let count = 0, end = 0, isEnd = false;
      for (let at = 0, i = 0; i < elements.length; i++) {
        const stop = at + elements[i]!.length + (i < elements.length - 1 ? 1 : 0);
        if (stop >= length) break;
        count++;
        end = stop;
        isEnd = i === elements.length - 1;
        at = stop + 1;
      }
      deepStrictEqual(new TestReader(contract).scanElements(text.slice(0, length)), { count, length: end, isEnd });
    }),
    { numRuns: RUNS },
  );
});

/** Of a value that the reader does not take, only the judge says whether it is wrong. */
function mayBeRight(fault: string): boolean {
  return fault === "value" || fault === "entry";
}

Deno.test("a dead letter has the judge's values, and each fault is one that the judge finds, or it looks", () => {
  let read = 0, odd = 0;
  fc.assert(
    fc.property(recordsOf("wild"), ({ contract, records }) => {
      const reader = new TestReader(contract);
      const judge = new Judge(contract, "dead-letter");
      for (const record of records) {
        const judgement = judge.judge(record);
        if (judgement.kind === "not_json") continue;
        const { verdict, row, faults, extras } = reader.readLetter(record.trim());
        if (verdict === "too odd") {
          if (!judgesRecords(contract)) odd++;
          continue;
        }
        read++;
        const isDoubtful = (name: string) =>
          faults.some(({ kind, field }) => mayBeRight(kind) && contract.fields[field]!.name === name);
        for (const [name, value] of Object.entries(judgement.values)) {
          if (row[name] !== null || !isDoubtful(name)) deepStrictEqual(row[name], value, `${record}: ${name}`);
        }
        const isCertain = verdict === "no object" || faults.some(({ kind }) => !mayBeRight(kind));
        const reason = judgement.kind === "dead_letter" ? judgement.reason : undefined;
        if (isCertain) strictEqual(reason, "invalid_schema", record);
        else if (faults.length === 0 && extras > 0) strictEqual(reason, "extra_fields", record);
        else if (faults.length === 0) strictEqual(reason, undefined, record);
        else if (extras > 0) ok(reason !== undefined, record);
      }
    }),
    { numRuns: RUNS },
  );
  ok(odd * 5 < read, `${odd} records of ${read + odd} were too odd`);
});

Deno.test("of wild lines the reader takes only events, with the judge's values", () => {
  fc.assert(
    fc.property(recordsOf("wild"), ({ contract, records }) => {
      const lines = records.map((record) => record.replaceAll(/[\r\n]/g, " ")).filter((line) => line.trim() !== "");
      const { rows, odd } = new TestReader(contract).scanLines(lines.join("\n"));
      const expected = judged(contract, lines);
      const taken = lines.keys().filter((position) => !odd.includes(position)).toArray();
      deepStrictEqual(rows, taken.map((position) => expected.get(position)));
    }),
    { numRuns: RUNS },
  );
});

Deno.test("beside values that only the judge reads, the reader takes the rest", () => {
  let taken = 0, left = 0;
  fc.assert(
    fc.property(recordsOf("ordinary", conditionedContract), ({ contract, records }) => {
      const { isWhole, rows, odd } = new TestReader(contract).scanArray(`[${records.join(", ")}]`);
      ok(isWhole);
      const expected = judged(contract, records);
      const positions = records.keys().filter((position) => !odd.includes(position)).toArray();
      deepStrictEqual(rows, positions.map((position) => expected.get(position)));
      if (judgesRecords(contract)) strictEqual(rows.length, 0);
      taken += rows.length;
      left += odd.length;
    }),
    { numRuns: RUNS },
  );
  ok(taken * 20 > left && left > taken, `${taken} records taken, ${left} left`);
});

Deno.test("a value that only the judge can read is never taken, however plain it looks, but null is", () => {
  const instant = '"2026-03-01T12:00:00Z"';
  const cases: [schema: Record<string, unknown>, values: string[]][] = [
    [{ type: "integer", format: "epoch-seconds" }, ["1772366400", instant]],
    [{ type: "string", format: "date-time-lenient" }, [instant, '"2026-03-01 12:00:00+0000"']],
    [{ type: "string", format: "date-time-local" }, [instant, '"2026-03-01T12:00:00"']],
    [{}, ['"text"', "1", '{"a":1}']],
    [{ type: "integer", multipleOf: 2 }, ["1", "2"]],
    [{ type: "string", allOf: [{ pattern: "a" }, { pattern: "b" }] }, ['"a"', '"ab"']],
    [{ type: "array", items: { type: "integer" }, uniqueItems: true }, ["[]", "[1,1]", "[1,2]"]],
    [{ type: "array", items: { type: "integer", multipleOf: 2 } }, ["[1]", "[2]"]],
    [{ type: "object", additionalProperties: { type: "string" }, maxProperties: 1 }, ['{"a":"","b":""}', '{"a":""}']],
    [{ type: "object", properties: { a: { type: "string" } }, not: { required: ["a"] } }, ['{"a":""}', "{}"]],
  ];
  for (const [schema, values] of cases) {
    const reader = new TestReader(contractOf({ properties: { v: schema } }));
    const records = values.map((value) => `{"v":${value}}`);
    const { rows, odd } = reader.scanLines([...records, '{"v":null}', "{}"].join("\n"));
    deepStrictEqual(odd, [...values.keys()], JSON.stringify(schema));
    deepStrictEqual(rows, [{ v: null }, { v: null }], JSON.stringify(schema));
  }
});

Deno.test("a record with conditions of its own is never taken, and no letter is made of it without the judge", () => {
  for (const whole of [{ minProperties: 1 }, { not: { required: ["w"] } }, { dependentRequired: { v: ["w"] } }]) {
    const contract = contractOf({ properties: { v: { type: "string" }, w: { type: "string" } }, ...whole });
    const reader = new TestReader(contract);
    for (const record of ["{}", '{"v":"a"}', '{"v":"a","w":"b"}', '{"v":1}', '{"v":"a","x":1}']) {
      deepStrictEqual(reader.scanLines(record).odd, [0], record);
      strictEqual(reader.readLetter(record).verdict, "too odd", record);
    }
  }
});

Deno.test("a renamed field is found by its key alone", () => {
  const reader = new TestReader(contractOf({ properties: { a: { type: "string", "x-column": "b" } } }));
  const { rows, odd } = reader.scanLines('{"a":"x"}\n{"b":"x"}\n{"a":"x","b":"y"}');
  deepStrictEqual(rows, [{ b: "x" }]);
  deepStrictEqual(odd, [1, 2]);
});
