import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Contract } from "../../core/contract/contract.ts";
import type { ValueTree } from "../../core/contract/judgement.ts";
import { keepsRescued } from "../../core/contract/rescued.ts";
import type { SqlRow } from "../../core/engine/duckdb.ts";
import { type ContractCase, type ExpectedFile, type ExpectedRecord, loadCases } from "../contract/cases.ts";
import { fileRecords } from "../support/file_records.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { judgedRow, presentValues } from "./judged_value.ts";

/**
 * Cases that one consumer can take: those of one contract, and of one thing to do with extra fields
 * and with wrong types.
 */
function groups(): ContractCase[][] {
  const found = new Map<string, ContractCase[]>();
  for (const testCase of loadCases()) {
    if (testCase.onExtraFields === "add") continue;
    const key = `${testCase.onExtraFields} ${testCase.onWrongType} ${testCase.contract.text}`;
    found.set(key, [...(found.get(key) ?? []), testCase]);
  }
  return [...found.values()];
}

for (const [index, cases] of groups().entries()) {
  Deno.test(`the rows of case ${index} (${cases[0]!.name} and ${cases.length - 1} more) stand in the tables`, () =>
    ConsumeWorld.use(async (world) => {
      const { contract, onExtraFields, onWrongType } = cases[0]!;
      for (const [number, { bytes, format }] of cases.entries()) world.put(`${number}.${format}`, bytes);
      await world.consume({ contract, onExtraFields, onWrongType });
      const found = await filesOf(world, contract, keepsRescued({ onExtraFields, onWrongType }));
      for (const [number, testCase] of cases.entries()) {
        const file = found.get(`raw/events/${number}.${testCase.format}`);
        deepStrictEqual(file?.expect, ordered(testCase.expect), testCase.name);
        await checkTexts(testCase, file!.raw);
      }
    }));
}

interface FoundFile {
  expect: ExpectedFile;
  /** By position; a key of null is the whole file. */
  raw: Map<number | null, string>;
}

/** What the tables say of each file, in the form in which cases expect it. */
async function filesOf(world: ConsumeWorld, contract: Contract, rescued: boolean): Promise<Map<string, FoundFile>> {
  const files = new Map<string, FoundFile>();
  const rows: { position: number | null; file: string; row: SqlRow }[] = [];
  // DuckDB's client takes a byte order mark off the start of a text: a dot before it keeps it.
  const marked = "* REPLACE ('.' || _raw_record AS _raw_record)";
  for (const [table, columns] of [["bronze.events", "*"], ["dead_letters.events", marked]]) {
    for (const row of await world.rows(`SELECT ${columns} FROM {{${table}}}`)) {
      const { _source_position, _source_file } = row;
      rows.push({
        position: _source_position === null ? null : Number(_source_position),
        file: _source_file as string,
        row,
      });
    }
  }
  for (const { file, position, row } of rows.sort((a, b) => Number(a.position) - Number(b.position))) {
    const entry: FoundFile = files.get(file) ?? { expect: { records: [] }, raw: new Map() };
    files.set(file, entry);
    if (row._raw_record !== undefined) entry.raw.set(position, (row._raw_record as string).slice(1));
    if (position === null) {
      // What the file looks like is said after what the scanner says.
      entry.expect = {
        corrupted_batch: plainDetail(row).replace(/; (?:it looks like NDJSON|\S.* by its first bytes).*$/, ""),
      };
    } else if ("records" in entry.expect) {
      strictEqual(position, entry.expect.records.length, `${file}: a position is missing or stands twice`);
      entry.expect.records.push(expectation(contract, row, rescued));
    }
  }
  return files;
}

function expectation(contract: Contract, row: SqlRow, rescued: boolean): ExpectedRecord {
  const values = judgedRow(contract, row);
  const kind = row._dead_letter_reason as "invalid_schema" | "extra_fields" | "corrupted_record" | undefined;
  const detail = plainDetail(row);
  if (kind === "corrupted_record") return { kind, detail };
  if (kind !== undefined) return { kind, detail, values };
  const own = rescued && row._rescued !== null ? { rescued: row._rescued as string } : {};
  return { kind: "event", values, ...own };
}

/** Without the note on how the text is kept; whether it is kept so, `checkTexts` tells. */
function plainDetail(row: SqlRow): string {
  return (row._dead_letter_detail as string | undefined)?.replace(/; kept as base64, being no UTF-8$/, "") ?? "";
}

function ordered(expect: ExpectedFile): ExpectedFile {
  if ("corrupted_batch" in expect) return expect;
  return {
    records: expect.records.map((record) =>
      record.values === undefined
        ? record
        : { ...record, values: presentValues(record.values as Record<string, ValueTree>) }
    ),
  };
}

/**
 * `_raw_record` is the record's very text, found by the strict scanner; for a whole file, the
 * file's.
 */
async function checkTexts({ format, bytes, name }: ContractCase, raw: FoundFile["raw"]): Promise<void> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const text = (part: Uint8Array) => {
    try {
      return decoder.decode(part);
    } catch {
      return btoa(String.fromCharCode(...part));
    }
  };
  if (raw.has(null)) return strictEqual(raw.get(null), text(bytes), name);
  const found = await fileRecords(format, bytes);
  for (const { bytes, position } of "records" in found ? found.records : []) {
    if (raw.has(position)) strictEqual(raw.get(position), text(bytes), `${name}, record ${position}`);
  }
}
