import { deepStrictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { Judge } from "../../core/contract/judge.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { fileRecords } from "../support/file_records.ts";
import { isThorough } from "../support/thorough.ts";

const event = '{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}';
const records = [
  event,
  event,
  event,
  "{}",
  "1",
  "null",
  '"x"',
  "[]",
  `[${event}]`,
  `{"a":[${event},{"b":"}]"}]}`,
  "-0.5e1",
];
const between = [
  ",",
  ",",
  ",",
  " ",
  "\n",
  "\n",
  "\r\n",
  "\t",
  "[",
  "]",
  "{",
  "}",
  ":",
  '"',
  "\\",
  "/*x*/",
  "//x\n",
  "#",
];
const odd = [
  "NaN",
  "Infinity",
  "-",
  "+1",
  "01",
  "1.",
  ".5",
  "1e",
  "tru",
  "nul",
  "'a'",
  "\0",
  "\v",
  "\f",
  "\u00a0",
  "\u2028",
];
const oddRecords = [
  '{"a":1,}',
  "[1,]",
  "{,}",
  '{"a" 1}',
  "{a:1}",
  '"\u0001"',
  '"\\x"',
  '"\\u12"',
  '"a\nb"',
  "\ufeff",
  "[NaN]",
];

const soup = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...records) },
    { weight: 5, arbitrary: fc.constantFrom(...between) },
    { weight: 1, arbitrary: fc.constantFrom(...odd, ...oddRecords) },
  ),
  { maxLength: 7, size: "max" },
).map((parts) => parts.join(""));

const elements = fc.array(fc.constantFrom(...records, ...records, ...oddRecords), { maxLength: 5 });
const array = fc.tuple(
  elements,
  fc.constantFrom(",", ", ", ",\n", " ,\r\n\t"),
  fc.constantFrom("", " ", "\n", "\ufeff", ","),
)
  .map(([items, comma, around]) => `${around}[${items.join(comma)}]${around}`);
const lines = fc.tuple(
  elements,
  fc.constantFrom("\n", "\r\n", "\n\n", "\n \n", " \n\t"),
  fc.constantFrom("", "\n", "\ufeff"),
)
  .map(([items, end, around]) => around + items.join(end) + around);

interface FileText {
  format: "json" | "ndjson";
  bytes: Uint8Array;
}

/** Sound and broken ones, cut ones, and ones with bytes that are no UTF-8. */
const anyFile: fc.Arbitrary<FileText> = fc.record({
  format: fc.constantFrom("json" as const, "ndjson" as const),
  text: fc.oneof(soup, soup.map((text) => `[${text}]`), array, array, lines, lines),
  cut: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 })),
  byte: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, fc.constantFrom(0xff, 0xc0, 0xed, 0x00)),
}).map(({ format, text, cut, byte }) => {
  const bytes = new TextEncoder().encode(text.toWellFormed());
  if (byte !== undefined && bytes.length > 0) bytes[bytes.length >> 1] = byte;
  return { format, bytes: bytes.subarray(0, Math.max(0, bytes.length - cut)) };
});

/**
 * What becomes of each record by the strict scanners and the judge, `whole` for a corrupted file.
 */
async function expected({ format, bytes }: FileText): Promise<string[]> {
  const judge = new Judge(defaultContract(), "dead-letter");
  const found = await fileRecords(format, bytes);
  if ("corrupted" in found) return ["whole corrupted_batch"];
  return found.records.map((record) => {
    const judgement = judge.judgeBytes(record.bytes);
    const kind = judgement.kind === "dead_letter" ? judgement.reason : judgement.kind;
    return `${record.position} ${kind === "not_json" ? "corrupted_record" : kind}`;
  });
}

Deno.test("each record of any file goes where the strict scanner and the judge say, whatever DuckDB makes of the file", async () => {
  const several = fc.array(anyFile, { minLength: 60, maxLength: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(several, (files) =>
      ConsumeWorld.use(async (world) => {
        for (const [index, { format, bytes }] of files.entries()) world.put(`${index}.${format}`, bytes);
        await world.consume();
        const rows = await world.rows(`SELECT _source_file AS file, _source_position AS position, 'event' AS kind
            FROM {{bronze.events}} UNION ALL
          SELECT _source_file, _source_position, _dead_letter_reason FROM {{dead_letters.events}} ORDER BY ALL`);
        for (const [index, file] of files.entries()) {
          const own = rows.filter((row) => row.file === `raw/events/${index}.${file.format}`);
          const found = own.map(({ position, kind }) => `${position ?? "whole"} ${kind}`);
          deepStrictEqual(found, await expected(file), `${file.format} ${new TextDecoder().decode(file.bytes)}`);
        }
      })),
    { numRuns: isThorough ? 60 : 6, endOnFailure: true },
  );
});
