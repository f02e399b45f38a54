import { ok, strictEqual } from "node:assert/strict";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { Judge } from "../../core/contract/judge.ts";
import { DIRTY_CHANCES } from "../../core/produce/options.ts";
import { collect, optionsWith } from "./collect.ts";

Deno.test("the default contract's judge sends each line of NDJSON where truth says", async () => {
  const judge = new Judge(defaultContract(), "dead-letter");
  const chances = { ...DIRTY_CHANCES, corruption: 0.3, invalidSchema: 0.2, extraFields: 0.2 };
  for (const seed of [1, 2, 3]) {
    const run = await collect(optionsWith({ seed, batches: 60, format: "ndjson", chances, evolveAfter: 50 }));
    for (const { file, corrupted, records } of run.truth) {
      if (corrupted !== null) continue;
      const lines = linesOf(run.files.get(file)!);
      strictEqual(lines.length, records.length);
      for (const [position, { disposition, way, field }] of records.entries()) {
        const judgement = judge.judgeBytes(lines[position]!);
        const verdict = judgement.kind === "dead_letter" ? judgement.reason : judgement.kind;
        const line = new TextDecoder().decode(lines[position]);
        strictEqual(verdict, disposition === "corrupted_record" ? "not_json" : disposition, `${way}: ${line}`);
        if (judgement.kind !== "dead_letter" || field === undefined) continue;
        // The detail may escape the name as JSON does.
        const names = [field, JSON.stringify(field).slice(1, -1)];
        ok(names.some((name) => judgement.detail.includes(name)), `${field}: ${judgement.detail}`);
      }
    }
  }
});

function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
