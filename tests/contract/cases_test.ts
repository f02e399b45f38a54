import { deepStrictEqual } from "node:assert/strict";
import { Judge } from "../../core/contract/judge.ts";
import type { Judgement, Row } from "../../core/contract/judgement.ts";
import {
  caseFiles,
  casesOf,
  type ContractCase,
  type ExpectedFile,
  type ExpectedRecord,
  loadCases,
  type WrittenCase,
} from "./cases.ts";
import { fileRecords } from "../support/file_records.ts";
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

async function judgeFile({ contract, onExtraFields, onWrongType, format, bytes }: ContractCase): Promise<ExpectedFile> {
  const judge = new Judge(contract, onExtraFields, onWrongType);
  const found = await fileRecords(format, bytes);
  if ("corrupted" in found) return { corrupted_batch: found.corrupted };
  return { records: found.records.map((record) => expectation(judge.judgeBytes(record.bytes))) };
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
