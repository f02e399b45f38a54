import { signatureOf } from "../../disk/file_signature.ts";
import { FilePartReader } from "../../disk/scratch.ts";
import { JsonArrayScan } from "../../json/array_scan.ts";
import { NdjsonLines } from "../../json/lines.ts";
import { RECORD_BYTES_MAX, type RecordText } from "../../json/text.ts";
import { arrayHint, headOf, otherKind } from "../file_kind.ts";
import type { ReadUnit } from "./reading.ts";

/**
 * Reads a file record by record, with one in memory at a time: for what the reader cannot read,
 * because it is nested too deep or a record is too large. Returns what is wrong with the file as a
 * whole; then there are no records.
 */
export function readExactly(unit: ReadUnit, onRecord: (record: RecordText) => void): string | undefined {
  const reader = new FilePartReader();
  try {
    return unit.how === "exact-lines" ? readLines(unit, reader, onRecord) : readArray(unit, reader, onRecord);
  } finally {
    reader.close();
  }
}

/** Twice: one place that is no JSON condemns all of it. */
function readArray(
  unit: ReadUnit,
  reader: FilePartReader,
  onRecord: (record: RecordText) => void,
): string | undefined {
  const { path, offset, size } = unit;
  const scan = new JsonArrayScan();
  reader.visit(path, offset, size, (block) => scan.push(block));
  const verdict = scan.end();
  if (verdict.kind === "corrupt") return verdict.detail + arrayHint({ ...unit, format: "json" });
  const records = new JsonArrayScan((bytes, position, place, oversize) => {
    onRecord({ bytes, position, offset: place, oversize });
  }, RECORD_BYTES_MAX);
  reader.visit(path, offset, size, (block) => records.push(block));
  return undefined;
}

function readLines(
  unit: ReadUnit,
  reader: FilePartReader,
  onRecord: (record: RecordText) => void,
): string | undefined {
  const found = signatureOf(headOf({ ...unit, format: "ndjson" }));
  if (found !== undefined) return `expected lines of JSON, found ${otherKind(found)}`;
  const lines = new NdjsonLines((bytes, position, place, oversize) => {
    onRecord({ bytes, position, offset: place, oversize });
  }, RECORD_BYTES_MAX);
  reader.visit(unit.path, unit.offset, unit.size, (block) => {
    lines.push(block);
    return true;
  });
  return lines.end() === 0 ? "the file is empty" : undefined;
}
