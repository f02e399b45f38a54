import { signatureOf } from "../../disk/file_signature.ts";
import { isJsonSpace } from "../../base/json.ts";
import { headOf, otherEncoding } from "../file_kind.ts";
import { envelopeParts } from "./envelope_parts.ts";
import { surveyEnvelopes } from "./envelope_survey.ts";
import { type Input, InputRoom } from "./input_room.ts";
import { unpackUnit } from "./packed_unit.ts";
import type { ReaderInstance } from "./reader_instance.ts";
import type { ReaderLimits, ReadUnit, Survey, Work } from "./reading.ts";

/** Where the first bracket must stand. */
const HEAD_BYTES = 4_096;
const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = "\xef\xbb\xbf";
const OPENING = /^[ \t\r\n]*([[{])/;

/**
 * Unpacks large files and looks through them for places to cut them at, so that every thread can
 * read parts of one: an array and values strictly from end to end, lines only for their ends.
 */
export async function surveyUnits(
  reader: ReaderInstance,
  { units, limits, folder, next }: Extract<Work, { kind: "survey" }>,
): Promise<Survey[]> {
  const numbers = new Int32Array(next);
  const input = new InputRoom(reader);
  const surveys: Survey[] = [];
  try {
    for (;;) {
      const unit = units[Atomics.add(numbers, 0, 1)];
      if (unit === undefined) return surveys;
      const parts = partsOf(reader, input, limits, await unpackUnit(unit, folder));
      surveys.push({ number: unit.number, units: parts });
    }
  } finally {
    input.close();
  }
}

/** The parts of a large file; what is none is one. */
export function partsOf(reader: ReaderInstance, input: InputRoom, limits: ReaderLimits, unit: ReadUnit): ReadUnit[] {
  if (unit.size <= limits.wholeFileBytes) return [unit];
  const { placing } = unit, tools = { reader, input, limits };
  if (placing !== undefined) {
    return surveyEnvelopes(unit, placing, tools) ?? envelopeParts(unit, placing, tools) ?? [unit];
  }
  if (unit.how !== "lines" && unit.how !== "json") return [unit];
  const survey = new FileSurvey(reader, input, limits, unit);
  const parts = unit.how === "lines" ? survey.ofLines() : survey.ofJson();
  return parts ?? [{ ...unit, how: unit.how === "lines" ? "exact-lines" : "exact-json" }];
}

class FileSurvey {
  readonly #reader: ReaderInstance;
  readonly #input: InputRoom;
  readonly #limits: ReaderLimits;
  readonly #unit: ReadUnit;
  readonly #end: number;

  constructor(reader: ReaderInstance, input: InputRoom, limits: ReaderLimits, unit: ReadUnit) {
    this.#reader = reader;
    this.#input = input;
    this.#limits = limits;
    this.#unit = unit;
    this.#end = unit.offset + unit.size;
  }

  /** Undefined where the file is neither, or has a record that is too large. */
  ofJson(): ReadUnit[] | undefined {
    const opening = this.#opening();
    if (opening === undefined) return undefined;
    if (opening.character === "[") return this.#ofArray(opening.at + 1);
    return otherEncoding(headOf(this.#unit)) === undefined ? this.#ofValues() : undefined;
  }

  /** `start`: behind the bracket. */
  #ofArray(start: number): ReadUnit[] | undefined {
    const { calls } = this.#reader;
    const unit = this.#unit, { partBytes, partBytesMax } = this.#limits;
    const parts: ReadUnit[] = [];
    let position = 0;
    for (let from = unit.offset + start, wanted = partBytes; from < this.#end;) {
      const { at, length } = this.#read(from, wanted);
      const records = calls.scanElements(at, length);
      if (records === 0) {
        wanted *= 2;
        if (length === this.#end - from || wanted > partBytesMax) return undefined;
        continue;
      }
      const size = calls.elementsEnd() - at;
      parts.push({ ...unit, how: "elements", offset: from, size, position, records });
      position += records;
      if (calls.isEndOfElements() !== 0) return this.#isBlank(from + size + 1) ? parts : undefined;
      // Past the comma.
      from += size + 1;
      wanted = partBytes;
    }
    return undefined;
  }

  /** Parts of lines while each value has one, then of values; what no longer is one is the last. */
  #ofValues(): ReadUnit[] | undefined {
    const { calls } = this.#reader;
    const unit = this.#unit, { partBytes, partBytesMax } = this.#limits;
    const parts: ReadUnit[] = [];
    let position = 0, areLined = 1;
    for (let from = unit.offset, wanted = partBytes; from < this.#end;) {
      // Only at the start of a file may a byte order mark be skipped.
      const isFirst = from === unit.offset;
      const { start, at, length } = this.#read(from, wanted, isFirst ? "" : "\n");
      const isEnd = length === this.#end - from ? 1 : 0;
      const records = calls.countValues(start, at + length - start, areLined, isEnd);
      areLined = calls.areValuesLined();
      const size = calls.valuesEnd() - at;
      const how = areLined === 0 ? "values" : isFirst ? "first-lines" : "more-lines";
      if (records > 0) parts.push({ ...unit, how, offset: from, size, position, records });
      position += records;
      from += size;
      if (calls.isBrokenRest() !== 0) {
        parts.push({ ...unit, how: "rest", offset: from, size: this.#trimmedEnd() - from, position, records: 1 });
        return parts;
      }
      const isStuck = records === 0 && from < this.#end;
      wanted = isStuck ? wanted * 2 : partBytes;
      if (wanted > Math.max(partBytes, partBytesMax)) return undefined;
    }
    return parts;
  }

  /** The end without the white space before it. */
  #trimmedEnd(): number {
    const { partBytes } = this.#limits;
    for (let to = this.#end; to > this.#unit.offset;) {
      const from = Math.max(this.#unit.offset, to - partBytes);
      const { at, length } = this.#read(from, to - from);
      const block = this.#reader.bytes.subarray(at, at + length);
      const last = block.findLastIndex((byte) => !isJsonSpace(byte));
      if (last >= 0) return from + last + 1;
      to = from;
    }
    return this.#unit.offset;
  }

  /** Undefined where the file holds no lines, or one that is too large. */
  ofLines(): ReadUnit[] | undefined {
    const { calls } = this.#reader;
    const unit = this.#unit, { partBytes, partBytesMax } = this.#limits;
    if (signatureOf(headOf(unit)) !== undefined) return undefined;
    const parts: ReadUnit[] = [];
    let position = 0;
    for (let from = unit.offset, wanted = partBytes; from < this.#end;) {
      // Only at the start of a file may a byte order mark be skipped.
      const isFirst = from === unit.offset;
      const { start, at, length } = this.#read(from, wanted, isFirst ? "" : "\n");
      const last = this.#reader.bytes.lastIndexOf(NEWLINE, at + length - 1);
      const size = length === this.#end - from ? length : last - at + 1;
      if (size <= 0) {
        wanted *= 2;
        if (wanted > partBytesMax) return undefined;
        continue;
      }
      const records = calls.countLines(start, at + size - start);
      parts.push({ ...unit, how: isFirst ? "first-lines" : "more-lines", offset: from, size, position, records });
      position += records;
      from += size;
      wanted = partBytes;
    }
    return position === 0 ? undefined : parts;
  }

  #read(from: number, wanted: number, before = ""): Input {
    return this.#input.read(this.#unit.path, from, Math.min(wanted, this.#end - from), before);
  }

  /** The first bracket, if nothing but white space is before it. */
  #opening(): { character: string; at: number } | undefined {
    const { at, length } = this.#read(this.#unit.offset, HEAD_BYTES);
    const head = String.fromCharCode(...this.#reader.bytes.subarray(at, at + length));
    const from = head.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
    const [before, character] = OPENING.exec(head.slice(from)) ?? [];
    return character === undefined ? undefined : { character, at: from + before!.length - 1 };
  }

  /** Whether nothing but white space follows from `from` to the file's end. */
  #isBlank(from: number): boolean {
    const { partBytes } = this.#limits;
    for (let next = from; next < this.#end; next += partBytes) {
      const { at, length } = this.#read(next, partBytes);
      if (this.#reader.calls.spaceEnd(at, length) !== at + length) return false;
    }
    return true;
  }
}
