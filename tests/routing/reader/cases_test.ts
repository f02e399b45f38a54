import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type ContractCase, loadCases } from "../../contract/cases.ts";
import type { Row } from "../../../core/contract/judgement.ts";
import { type ScannedText, TestReader } from "./test_reader.ts";

Deno.test("the table of cases: what the reader takes is an event there, with these values", () => {
  let rows = 0;
  for (const testCase of loadCases()) rows += walk(testCase);
  ok(rows > 100, `only ${rows} rows`);
});

function scan(reader: TestReader, format: ContractCase["format"], bytes: Uint8Array): ScannedText {
  if (format === "ndjson") return reader.scanLines(bytes);
  const text = new TextDecoder().decode(bytes);
  return text.trimStart().startsWith("{") ? reader.scanValues(text) : reader.scanArray(bytes);
}

/** Returns the rows that were taken. */
function walk({ name, contract, format, bytes, expect }: ContractCase): number {
  const reader = new TestReader(contract);
  const found = scan(reader, format, bytes);
  if ("corrupted_batch" in expect) {
    ok(format === "ndjson" || !found.isWhole, name);
    strictEqual(found.rows.length, 0, name);
    return 0;
  }
  deepStrictEqual({ isWhole: found.isWhole, records: found.records }, {
    isWhole: true,
    records: expect.records.length,
  }, name);
  const taken = expect.records.keys().filter((position) => !found.odd.includes(position)).toArray();
  const expected = taken.map((position) => {
    const record = expect.records[position]!;
    return record.kind === "event" ? record.values : record;
  });
  deepStrictEqual(found.rows.map(withoutNulls), expected, name);
  return taken.length;
}

/** As plain JSON, so that objects compare whatever their prototypes. */
function withoutNulls(row: Row): Record<string, unknown> {
  const present = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
  return JSON.parse(JSON.stringify(present));
}
