import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "../../support/property.ts";
import { isThorough } from "../../support/thorough.ts";
import { anyContract } from "../../contract/arbitrary_contract.ts";
import { anyRecord, type Style } from "../../contract/arbitrary_record.ts";
import type { Contract } from "../../../core/contract/contract.ts";
import { Judge } from "../../../core/contract/judge.ts";
import type { Row } from "../../../core/contract/judgement.ts";
import { TestReader } from "./test_reader.ts";

const RUNS = isThorough ? 20_000 : 300;
const RECORDS_MAX = 8;

/** A contract, and records that were made for it. */
function recordsOf(style: Style): fc.Arbitrary<{ contract: Contract; records: string[] }> {
  return anyContract.chain((contract) => {
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
    fc.property(recordsOf("ordinary"), ({ contract, records }) => {
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
