import { signatureOf } from "../../disk/file_signature.ts";
import { FilePartReader, readFileBlocks } from "../../disk/scratch.ts";
import { JsonArrayScan } from "../../json/array_scan.ts";
import { type RecordText, scanJsonArray, scanNdjson } from "../../json/text.ts";
import { ValueSplit } from "../../json/value_split.ts";
import { headOf, otherEncoding, otherKind, signatureHint } from "../file_kind.ts";
import { jsonStart, OPEN_OBJECT, readRecordText, UnitBytes } from "./unit_bytes.ts";
import type { ReadUnit } from "./reading.ts";

/**
 * Reads a file record by record, with one in memory at a time: for what the reader cannot read,
 * because it is nested too deep or a record is too large. Returns what is wrong with the file as a
 * whole; then there are no records.
 */
export function readExactly(unit: ReadUnit, onRecord: (record: RecordText) => void): Promise<string | undefined> {
  switch (unit.how) {
    case "exact-lines":
      return readLines(unit, onRecord);
    case "rest":
      return Promise.resolve(readRest(unit, onRecord));
    default:
      return readJson(unit, onRecord);
  }
}

async function readJson(unit: ReadUnit, onRecord: (record: RecordText) => void): Promise<string | undefined> {
  const bytes = new UnitBytes(unit);
  try {
    const start = jsonStart(bytes);
    if (start.character !== OPEN_OBJECT) return await readArray(unit, onRecord);
    const encoding = otherEncoding(headOf(unit));
    if (encoding !== undefined) return encoding;
    const values = new ValueSplit(bytes, start.at);
    for (let position = 0;; position++) {
      const piece = values.next();
      if (piece === undefined) return undefined;
      onRecord(readRecordText(bytes, piece, position));
    }
  } finally {
    bytes.close();
  }
}

function readRest(unit: ReadUnit, onRecord: (record: RecordText) => void): undefined {
  const bytes = new UnitBytes(unit);
  try {
    onRecord(readRecordText(bytes, { from: 0, to: unit.size }, unit.position));
  } finally {
    bytes.close();
  }
}

/** Twice: one place that is no JSON condemns all of it. */
async function readArray(unit: ReadUnit, onRecord: (record: RecordText) => void): Promise<string | undefined> {
  const detail = whyNoArray(unit);
  if (detail !== undefined) return detail + signatureHint(headOf(unit));
  for await (const records of scanJsonArray(blocksOf(unit))) records.forEach(onRecord);
  return undefined;
}

/** In the words of the strict scan, over all of the file. */
export function whyNoArray({ path, offset, size }: ReadUnit): string | undefined {
  const reader = new FilePartReader();
  try {
    const scan = new JsonArrayScan();
    reader.visit(path, offset, size, (block) => scan.push(block));
    const verdict = scan.end();
    return verdict.kind === "corrupt" ? verdict.detail : undefined;
  } finally {
    reader.close();
  }
}

async function readLines(unit: ReadUnit, onRecord: (record: RecordText) => void): Promise<string | undefined> {
  const found = signatureOf(headOf(unit));
  if (found !== undefined) return `expected lines of JSON, found ${otherKind(found)}`;
  const lines = scanNdjson(blocksOf(unit));
  for (;;) {
    const next = await lines.next();
    if (next.done) return next.value.kind === "corrupt" ? next.value.detail : undefined;
    next.value.forEach(onRecord);
  }
}

function blocksOf({ path, offset, size }: ReadUnit): AsyncGenerator<Uint8Array> {
  return readFileBlocks(path, offset, offset + size);
}
