import { signatureOf } from "../../disk/file_signature.ts";
import { headOf } from "../file_kind.ts";
import { InputRoom } from "./input_room.ts";
import type { PlacedText, ReaderInstance } from "./reader_instance.ts";
import type { ReadUnit, Survey } from "./reading.ts";

/** Bytes of a unit that is a part of a file. */
const PART_BYTES = 8 << 20;
/** A record that does not fit into so many bytes makes its file one for the exact way. */
const PART_BYTES_MAX = 64 << 20;
const BYTE_ORDER_MARK = "\xef\xbb\xbf";
const OPENING = "[", WHITE_SPACE = /^[ \t\r\n]*$/;

/**
 * Looks through large files for places to cut them at, so that every thread can read parts of one:
 * an array strictly from end to end, lines only for their ends.
 */
export function surveyUnits(reader: ReaderInstance, units: readonly ReadUnit[], next: SharedArrayBuffer): Survey[] {
  const numbers = new Int32Array(next);
  const input = new InputRoom(reader);
  const surveys: Survey[] = [];
  try {
    for (;;) {
      const unit = units[Atomics.add(numbers, 0, 1)];
      if (unit === undefined) return surveys;
      const parts = unit.how === "lines" ? surveyLines(reader, input, unit) : surveyArray(reader, input, unit);
      const exact = { ...unit, how: unit.how === "lines" ? "exact-lines" : "exact-array" } as const;
      surveys.push({ number: unit.number, units: parts ?? [exact] });
    }
  } finally {
    input.close();
  }
}

/** Undefined where the file is no array, or has a record that is too large or too deep. */
function surveyArray(reader: ReaderInstance, input: InputRoom, unit: ReadUnit): ReadUnit[] | undefined {
  const start = firstElement(reader, input.read(unit.path, unit.offset, PART_BYTES));
  if (start === undefined) return undefined;
  const end = unit.offset + unit.size;
  const parts: ReadUnit[] = [];
  let position = 0;
  for (let from = unit.offset + start, wanted = PART_BYTES; from < end;) {
    const { at, length } = input.read(unit.path, from, Math.min(wanted, end - from));
    const records = reader.calls.scanElements(at, length);
    if (records === 0) {
      wanted *= 2;
      if (length === end - from || wanted > PART_BYTES_MAX) return undefined;
      continue;
    }
    const size = reader.calls.elementsEnd() - at;
    parts.push({ ...unit, how: "elements", offset: from, size, position });
    position += records;
    if (reader.calls.isEndOfElements() !== 0) return isBlank(reader, input, unit, from + size + 1) ? parts : undefined;
    // Past the comma.
    from += size + 1;
    wanted = PART_BYTES;
  }
  return undefined;
}

/** The index after the bracket that opens the array. */
function firstElement(reader: ReaderInstance, { at, length }: PlacedText): number | undefined {
  const head = String.fromCharCode(...reader.bytes.subarray(at, at + Math.min(length, 4_096)));
  const from = head.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  const opening = head.indexOf(OPENING, from);
  return opening < 0 || !WHITE_SPACE.test(head.slice(from, opening)) ? undefined : opening + 1;
}

/** Whether nothing but white space follows from `from` to the file's end. */
function isBlank(reader: ReaderInstance, input: InputRoom, { path, offset, size }: ReadUnit, from: number): boolean {
  for (const end = offset + size; from < end; from += PART_BYTES) {
    const { at, length } = input.read(path, from, Math.min(PART_BYTES, end - from));
    if (reader.calls.spaceEnd(at, length) !== at + length) return false;
  }
  return true;
}

function surveyLines(reader: ReaderInstance, input: InputRoom, unit: ReadUnit): ReadUnit[] | undefined {
  if (signatureOf(headOf({ ...unit, format: "ndjson" })) !== undefined) return undefined;
  const end = unit.offset + unit.size;
  const parts: ReadUnit[] = [];
  let position = 0;
  for (let from = unit.offset, wanted = PART_BYTES; from < end;) {
    // Only at the start of a file may a byte order mark be skipped.
    const isFirst = from === unit.offset;
    const { start, at, length } = input.read(unit.path, from, Math.min(wanted, end - from), isFirst ? "" : "\n");
    const last = reader.bytes.lastIndexOf(NEWLINE, at + length - 1);
    const size = length === end - from ? length : last - at + 1;
    if (size <= 0) {
      wanted *= 2;
      if (wanted > PART_BYTES_MAX) return undefined;
      continue;
    }
    parts.push({ ...unit, how: isFirst ? "first-lines" : "more-lines", offset: from, size, position });
    position += reader.calls.countLines(start, at + size - start);
    from += size;
    wanted = PART_BYTES;
  }
  return position === 0 ? undefined : parts;
}

const NEWLINE = 0x0a;
