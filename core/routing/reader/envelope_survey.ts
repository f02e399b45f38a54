import { BYTE_ORDER_MARK, startsWithByteOrderMark } from "../../base/json.ts";
import { areEnvelopesScanned, FORM, type Form, formOf, JUDGED, setSteps, WHOLE } from "./envelope_steps.ts";
import type { PartTools } from "./envelope_parts.ts";
import type { Input } from "./input_room.ts";
import type { Placing, ReadUnit } from "./reading.ts";
import { RecordPlaces } from "./record_places.ts";
import { TextBytes } from "./unit_bytes.ts";

/** Where the first character must stand. */
const HEAD_BYTES = 4_096;
const NEWLINE = 0x0a, OPEN_ARRAY = 0x5b;
/** What `scanEnvelopes` does: it counts, and fills no table. */
const STRICT_ONLY = 1, NO_TABLE = 0;

/**
 * The parts of a large file of envelopes by the reader's own way through them: whole envelopes, or
 * elements where one envelope is all of the file. Undefined where that does not do.
 */
export function surveyEnvelopes(unit: ReadUnit, rules: Placing, tools: PartTools): ReadUnit[] | undefined {
  const { reader, input, limits } = tools, { path, offset, size } = unit;
  if (!areEnvelopesScanned(rules) || !setSteps(reader, rules.recordsAt!)) return undefined;
  const head = input.read(path, offset, Math.min(Math.max(limits.partBytes, HEAD_BYTES), size));
  const form = formOf(reader, unit, NO_TABLE, head);
  if (form === undefined || form === FORM.ELEMENTS) return undefined;
  const mark = startsWithByteOrderMark(reader.bytes.subarray(head.at, head.at + head.length))
    ? BYTE_ORDER_MARK.length
    : 0;
  const survey = () => new EnvelopeSurvey(unit, mark, rules, tools);
  return form === FORM.LINES ? survey().ofLines() : survey().ofElements() ?? survey().ofValues();
}

class EnvelopeSurvey {
  readonly #unit: ReadUnit;
  readonly #from: number;
  readonly #rules: Placing;
  readonly #tools: PartTools;
  readonly #end: number;
  readonly #parts: ReadUnit[] = [];
  #position = 0;

  /** `mark`: bytes of a byte order mark. */
  constructor(unit: ReadUnit, mark: number, rules: Placing, tools: PartTools) {
    this.#unit = unit;
    this.#from = unit.offset + mark;
    this.#rules = rules;
    this.#tools = tools;
    this.#end = unit.offset + unit.size;
  }

  ofLines(): ReadUnit[] | undefined {
    return this.#ofWhole((text, isEnd) => {
      const { bytes } = this.#tools.reader, { at, length } = text;
      return { form: FORM.LINES, size: isEnd ? length : bytes.lastIndexOf(NEWLINE, at + length - 1) - at + 1 };
    });
  }

  /** Values that have a line each are read as lines. */
  ofValues(): ReadUnit[] | undefined {
    const { calls } = this.#tools.reader;
    let areLined = 1;
    return this.#ofWhole(({ start, at, length }, isEnd) => {
      calls.countValues(start, at + length - start, areLined, isEnd ? 1 : 0);
      areLined = calls.areValuesLined();
      if (calls.isBrokenRest() !== 0) return undefined;
      return { form: areLined === 0 ? FORM.VALUES : FORM.LINES, size: calls.valuesEnd() - at };
    });
  }

  /** `cut`: how much of a text is whole; undefined where the file cannot be cut. */
  #ofWhole(cut: (text: Input, isEnd: boolean) => { form: Form; size: number } | undefined): ReadUnit[] | undefined {
    const { partBytes, partBytesMax } = this.#tools.limits;
    for (let from = this.#from, wanted = partBytes; from < this.#end;) {
      const text = this.#read(from, wanted, "\n");
      const whole = cut(text, text.length === this.#end - from);
      if (whole === undefined) return undefined;
      const { form, size } = whole;
      if (size <= 0) {
        wanted *= 2;
        if (wanted > Math.max(partBytes, partBytesMax)) return undefined;
        continue;
      }
      const records = this.#count({ ...text, length: size }, form);
      if (records === undefined) return undefined;
      const how = form === FORM.LINES ? "envelope-lines" : "envelope-values";
      this.#add({ ...this.#unit, how }, from, size, records);
      from += size;
      wanted = partBytes;
    }
    // A file has a part, though it has no records.
    return this.#parts.length === 0 ? undefined : this.#parts;
  }

  /** Undefined where the file may be condemned as a whole. */
  #count({ start, at, length }: Input, form: Form): number | undefined {
    const { reader } = this.#tools, { calls } = reader;
    const first = this.#position;
    let verdict = calls.scanEnvelopes(NO_TABLE, start, at + length - start, form, first, STRICT_ONLY);
    for (;;) {
      let position = calls.envelopesPosition();
      if (verdict === WHOLE) return position - first;
      if (verdict === JUDGED) {
        if (this.#unit.how === "placed" && position === 0) return undefined;
        const bytes = new TextBytes(reader, calls.judgedPtr(), calls.judgedEnd());
        const places = new RecordPlaces(this.#unit, bytes, this.#rules);
        position = places.ofEnvelope({ from: 0, to: bytes.size }, position).reduce((count) => count + 1, position);
      }
      verdict = calls.resumeEnvelopes(NO_TABLE, position);
    }
  }

  /** Of an envelope that does not fit one part, and is alone. */
  ofElements(): ReadUnit[] | undefined {
    const { reader, limits: { partBytes, partBytesMax } } = this.#tools, { calls } = reader;
    const { placing: _placing, ...bare } = this.#unit;
    const head = this.#read(this.#from, partBytes);
    const array = calls.enterEnvelope(calls.spaceEnd(head.at, head.length));
    if (array === 0 || reader.bytes[array] !== OPEN_ARRAY) return undefined;
    let from = this.#from + array - head.at + 1;
    for (let wanted = partBytes; from < this.#end;) {
      const { at, length } = this.#read(from, wanted);
      const records = calls.scanElements(at, length);
      if (records === 0) {
        wanted *= 2;
        if (length === this.#end - from || wanted > partBytesMax) return undefined;
        continue;
      }
      const size = calls.elementsEnd() - at;
      this.#add({ ...bare, how: "elements" }, from, size, records);
      // Past the comma, or the bracket.
      from += size + 1;
      if (calls.isEndOfElements() !== 0) {
        return this.#parts.length > 1 && this.#leadsToEnd(from) ? this.#parts : undefined;
      }
      wanted = partBytes;
    }
    return undefined;
  }

  #read(from: number, wanted: number, before = ""): Input {
    return this.#tools.input.read(this.#unit.path, from, Math.min(wanted, this.#end - from), before);
  }

  #add(part: ReadUnit, offset: number, size: number, records: number): void {
    if (records === 0) return;
    this.#parts.push({ ...part, offset, size, position: this.#position, records });
    this.#position += records;
  }

  /** Whether what follows the array ends the envelope, and the file. */
  #leadsToEnd(from: number): boolean {
    const { reader: { calls }, limits: { partBytesMax } } = this.#tools;
    if (this.#end - from > partBytesMax) return false;
    const { at, length } = this.#read(from, this.#end - from);
    // Puts zeros behind the text.
    calls.spaceEnd(at, length);
    const past = calls.leaveEnvelope(at);
    return past !== 0 && calls.spaceEnd(past, at + length - past) === at + length;
  }
}
