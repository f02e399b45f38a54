/** What is wrong with records, said again and again: the judge is asked once. */
import { deepStrictEqual, ok } from "node:assert/strict";
import type { Contract } from "../../../core/contract/contract.ts";
import { Judge } from "../../../core/contract/judge.ts";
import { LargeValues } from "../../../core/routing/reader/large_values.ts";
import { OddRecords } from "../../../core/routing/reader/odd_records.ts";
import { RowWriter } from "../../../core/routing/reader/row_writer.ts";
import { anyContract, conditionedContract } from "../../contract/arbitrary_contract.ts";
import { anyRecord } from "../../contract/arbitrary_record.ts";
import fc from "../../support/property.ts";
import { isThorough } from "../../support/thorough.ts";
import { contractOf, TestReader } from "./test_reader.ts";

const ODD_WORDS = 3;
const ROUNDS = 3;

interface Letter {
  position: number;
  reason: string;
  detail: string;
}

/** Routes the odd ones of the records in several rounds; how many of each needed no judge. */
function routeAgain(contract: Contract, records: readonly string[]): { rounds: Letter[][]; known: number[] } {
  const reader = new TestReader(contract);
  const { instance, events, letters } = reader;
  const { calls } = instance;
  const judge = new Judge(contract, "dead-letter");
  const rows = new RowWriter(instance, contract, events, letters);
  const odd = new OddRecords(instance, judge, rows, {
    large: new LargeValues({ bytesMax: 1 << 20, held: new SharedArrayBuffer(4) }),
    onExtraFields: "dead-letter",
    onPending: () => {},
  });
  const rounds: Letter[][] = [];
  const known: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    reader.scanArray(`[${records.join(",")}]`);
    const list = calls.oddPtr() >>> 2, count = calls.oddN();
    let asked = 0;
    for (let entry = 0; entry < count; entry++) {
      entry = odd.routeKnown(entry, count);
      if (entry === count) break;
      asked++;
      const [position, from, to] = [0, 1, 2].map((word) => instance.word(list + entry * ODD_WORDS + word));
      odd.route(position!, from!, to!);
    }
    rounds.push(reader.takeLetters());
    known.push(count - asked);
  }
  return { rounds, known };
}

function judged(contract: Contract, records: readonly string[]): Letter[] {
  const judge = new Judge(contract, "dead-letter");
  return records.flatMap((record, position) => {
    const judgement = judge.judge(record);
    return judgement.kind === "dead_letter" ? [{ position, reason: judgement.reason, detail: judgement.detail }] : [];
  });
}

Deno.test("what is wrong with any records is said in the judge's words, also without it", () => {
  const contracts = fc.oneof(anyContract, conditionedContract);
  const cases = contracts.chain((contract) =>
    fc.array(anyRecord(contract, "wild"), { minLength: 1, maxLength: 8 }).map((records) => ({ contract, records }))
  );
  fc.assert(
    fc.property(cases, ({ contract, records }) => {
      const judge = new Judge(contract, "dead-letter");
      const sound = records.filter((record) => judge.judge(record).kind !== "not_json");
      if (sound.length === 0) return;
      const expected = judged(contract, sound);
      for (const letters of routeAgain(contract, sound).rounds) deepStrictEqual(letters, expected);
    }),
    { numRuns: isThorough ? 4_000 : 150 },
  );
});

const CONTRACT = contractOf({
  required: ["id", "at"],
  properties: {
    id: { type: "string", minLength: 2 },
    at: { type: "string", format: "date-time" },
    labels: { type: "object", propertyNames: { maxLength: 3 }, additionalProperties: { type: ["string", "number"] } },
    deep: { type: "object", additionalProperties: { type: "object", additionalProperties: { type: "integer" } } },
  },
});

const AT = '"at":"2026-03-01T12:00:00Z"';
const RECORDS = [
  "1",
  '"1"',
  "[1, 2]",
  "{}",
  `{"id":"x",${AT}}`,
  `{"id":"xy"}`,
  `{"id":"xy",${AT},"id":"xy"}`,
  `{"id":"xy",${AT},"more":1}`,
  `{"more":1,"id":"xy",${AT},"and more":2}`,
  `{"id":"xy",${AT},"say \\"hi\\"":1}`,
  `{"\\u0069d":"xy",${AT},"\\u0069t":1,"and more":2}`,
  `{"id":"xy",${AT},"labels":{"a":"b","c":[1]}}`,
  `{"id":"xy",${AT},"labels":{"c":"b","a":[1]}}`,
  `{"id":"xy",${AT},"labels":{"\\u0061":"b","a":"c"}}`,
  `{"id":"xy",${AT},"labels":{"a":"b","\\u0061":[1]}}`,
  `{"id":"xy",${AT},"labels":{"a":"b","long":[1]}}`,
  `{"id":"xy",${AT},"labels":{"a":null},"labels":{}}`,
  `{"id":"xy",${AT},"labels":{"a":null,"a":true}}`,
  `{"id":"xy",${AT},"labels":["a"]}`,
  `{"id":"xy",${AT},"deep":{"a":{"b":1,"b":2}}}`,
  `{"id":"xy",${AT},"deep":{"a":{"b":1.5}}}`,
  `{"id":"xy",${AT},"deep":{"a":{"b":1},"a":{}}}`,
  `{"id":"xy","at":"2026-03-01"}`,
  `{"labels":{"a":false},"at":"2026-03-01"}`,
];

Deno.test("the judge is asked once what is wrong with records of which many are wrong alike", () => {
  const { rounds, known } = routeAgain(CONTRACT, RECORDS);
  const expected = judged(CONTRACT, RECORDS);
  deepStrictEqual(expected.length, RECORDS.length);
  for (const letters of rounds) deepStrictEqual(letters, expected);
  deepStrictEqual(known.slice(1), [RECORDS.length, RECORDS.length]);
});

Deno.test("a key that stands twice is said once, whatever its second value", () => {
  const records = Array.from({ length: 100 }, (_, i) => `{"id":"x${i}",${AT},"id":"y${i}"}`);
  const { rounds, known } = routeAgain(CONTRACT, records);
  for (const letters of rounds) deepStrictEqual(letters, judged(CONTRACT, records));
  deepStrictEqual(known, [99, 100, 100]);
});

const anyKey = fc.constantFrom(
  "a",
  "\\u0061",
  '\\"',
  "\\u0022",
  "a\\/",
  "a/",
  "\\ud800",
  "\\ud83d\\ude00",
  "é",
  "\\u0000",
);

Deno.test("extra keys are told apart by what they read, however they are spelled", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyKey, fc.constantFrom("1", '"\\ud800"', "[]")), { maxLength: 5 }), (extras) => {
      const record = `{"id":"xy",${[AT, ...extras.map(([key, value]) => `"${key}":${value}`)].join(",")}}`;
      for (const letters of routeAgain(CONTRACT, [record]).rounds) deepStrictEqual(letters, judged(CONTRACT, [record]));
    }),
    { numRuns: isThorough ? 4_000 : 150 },
  );
});

Deno.test("questions without end are forgotten, and what comes often is asked again", () => {
  const records = Array.from({ length: 20_000 }, (_, i) => [`{"id":"xy","at":"${i}"}`, '{"id":"xy"}']).flat();
  const { rounds, known } = routeAgain(CONTRACT, records);
  const expected = judged(CONTRACT, records);
  for (const letters of rounds) deepStrictEqual(letters, expected);
  for (const count of known) ok(count > 19_990 && count < records.length, `${known} were known`);
});
