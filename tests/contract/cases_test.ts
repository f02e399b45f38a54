import { deepStrictEqual } from "node:assert/strict";
import { Judge } from "../../core/contract/judge.ts";
import type { Judgement, Row } from "../../core/contract/judgement.ts";
import { type RecordText, scanJsonArray, scanNdjson } from "../../core/json/text.ts";
import {
  caseFiles,
  casesOf,
  type ContractCase,
  type ExpectedFile,
  type ExpectedRecord,
  loadCases,
  type WrittenCase,
} from "./cases.ts";
import { isRefresh } from "../support/golden.ts";

if (isRefresh) {
  for (const file of caseFiles()) {
    Deno.test(`update ${file.pathname}`, async () => {
      const written = JSON.parse(Deno.readTextFileSync(file)) as WrittenCase[];
      for (const entry of written) entry.expect = await judgeFile(casesOf(entry)[0]!);
      Deno.writeTextFileSync(file, `${JSON.stringify(written, null, 2)}\n`);
    });
  }
} else {
  for (const testCase of loadCases()) {
    Deno.test(testCase.name, async () => deepStrictEqual(await judgeFile(testCase), testCase.expect));
  }
}

async function judgeFile({ contract, onExtraFields, format, bytes }: ContractCase): Promise<ExpectedFile> {
  const judge = new Judge(contract, onExtraFields);
  const scan = format === "json" ? scanJsonArray(chunks(bytes)) : scanNdjson(chunks(bytes));
  const records: ExpectedRecord[] = [];
  for (;;) {
    const step = await scan.next();
    if (step.done) return step.value.kind === "ok" ? { records } : { corrupted_batch: step.value.detail };
    records.push(...step.value.map((record: RecordText) => expectation(judge.judgeBytes(record.bytes))));
  }
}

function expectation(judgement: Judgement): ExpectedRecord {
  if (judgement.kind === "not_json") return { kind: "corrupted_record", detail: judgement.detail };
  const values = withoutNulls(judgement.values);
  if (judgement.kind === "dead_letter") return { kind: judgement.reason, detail: judgement.detail, values };
  return judgement.rescued === null ? { kind: "event", values } : { kind: "event", values, rescued: judgement.rescued };
}

/** As plain JSON, so that objects compare whatever their prototypes. */
function withoutNulls(row: Row): Record<string, unknown> {
  const present = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
  return JSON.parse(JSON.stringify(present));
}

/** In chunks of an odd size, so that records are cut. */
async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += 7) yield bytes.subarray(from, from + 7);
}
