import { StreamlabError } from "../../base/errors.ts";
import { BYTE_ORDER_MARK, startsWithByteOrderMark } from "../../base/json.ts";
import type { Judge } from "../../contract/judge.ts";
import { signatureOf, SIGNED_BYTES } from "../../disk/file_signature.ts";
import { removeFileQuietly } from "../../disk/removal.ts";
import { readFileLines } from "../../disk/scratch.ts";
import { EMPTY } from "../../json/array_scan.ts";
import type { OnEmpty } from "../../lake/batch_plan.ts";
import { bytesText, fileText, WHOLE_BYTES_MAX } from "../corrupted_file.ts";
import { headOf, otherEncoding, otherKind, otherPacking, signatureHint } from "../file_kind.ts";
import { arrayFault } from "./array_fault.ts";
import { type EnvelopeTools, readEnvelopes } from "./envelope_reading.ts";
import { areEnvelopesScanned } from "./envelope_steps.ts";
import { readPlaced } from "./placed_reading.ts";
import { readExactly } from "./exact_reading.ts";
import type { Input, InputRoom } from "./input_room.ts";
import type { LargeValues } from "./large_values.ts";
import type { OddRecords } from "./odd_records.ts";
import { unpackUnit } from "./packed_unit.ts";
import type { PendingFile } from "./pending_file.ts";
import type { PlacedText, ReaderInstance } from "./reader_instance.ts";
import type { HeldRecord, MisnamedFile, ReaderLimits, ReadUnit } from "./reading.ts";
import { NO_POSITION, type RowWriter } from "./row_writer.ts";
import { partsOf } from "./survey.ts";
import type { TableOutput } from "./table_output.ts";
import { OPEN_OBJECT, readRecordText, UnitBytes } from "./unit_bytes.ts";

export interface FileReadingTools {
  onEmpty?: OnEmpty | undefined;
  reader: ReaderInstance;
  input: InputRoom;
  judge: Judge;
  rows: RowWriter;
  odd: OddRecords;
  files: { events: TableOutput; deadLetters: TableOutput };
  pending: PendingFile;
  large: LargeValues;
  limits: ReaderLimits;
  /** For what is unpacked. */
  folder: string;
}

/** What became of a unit's records. */
export interface Read {
  records: number;
  events: number;
  deadLetters: number;
  pending: number;
}

/** Words of an entry in the reader's list of odd records: position, start, end. */
const ODD_WORDS = 3;
/** Verdicts of a scan; `FULL` asks to be gone on with, once the rows so far are written. */
const WHOLE = 0, FULL = 2;
/** Odd records between two looks at what waits. */
const SETTLED_AFTER = 256;
/** Set where a line starts that is no JSON. */
const NOT_JSON = 0x8000_0000;

/** Reads units, one after another, into the columns of the two tables. */
export class FileReading {
  /** Files that are to be read again, by what their first bytes say. */
  readonly misnamed: MisnamedFile[] = [];
  readonly #tools: FileReadingTools;

  constructor(tools: FileReadingTools) {
    this.#tools = tools;
  }

  async read(unit: ReadUnit): Promise<Read> {
    const { input, rows, pending } = this.#tools;
    rows.beginFile(unit.name);
    pending.file = { number: unit.number, name: unit.name };
    const before = this.#counts();
    const records = await this.#readRecords(unit);
    input.settle();
    const after = this.#counts();
    this.#settle();
    return {
      records,
      events: after.events - before.events,
      deadLetters: after.deadLetters - before.deadLetters,
      pending: after.pending - before.pending,
    };
  }

  /** Returns how many there are; 0 where a dead letter holds all of the file. */
  async #readRecords(unit: ReadUnit): Promise<number> {
    if (unit.packed !== undefined) return await this.#readPacked(unit);
    switch (unit.how) {
      case "json":
        return await this.#readJson(unit, this.#textOf(unit));
      case "elements":
        return await this.#readArray(unit, this.#textOf(unit));
      case "values":
        return this.#readValues(unit, this.#textOf(unit));
      case "lines":
      case "first-lines":
      case "more-lines":
        return await this.#readLines(unit, this.#textOf(unit));
      case "rows":
      case "letters":
        return this.#readRows(unit);
      case "placed":
      case "placed-lines":
      case "envelope-lines":
      case "envelope-values":
        return await this.#readPlaced(unit);
      case "bare-envelope":
        return this.#refuseEnvelope(unit);
      case "broken":
        return await this.#condemn(unit, unit.detail!);
      default:
        return await this.#readExactly(unit);
    }
  }

  /** The unit's bytes, with what makes an array, lines or values of them around. */
  #textOf({ how, path, offset, size }: ReadUnit): Input {
    const { input } = this.#tools;
    if (how === "elements") return input.read(path, offset, size, "[", "]");
    // Only at the start of a file may a byte order mark be skipped.
    const isLater = how === "more-lines" || how === "values" || how.startsWith("envelope-");
    return input.read(path, offset, size, isLater ? "\n" : "");
  }

  async #readPacked(unit: ReadUnit): Promise<number> {
    const { input, limits } = this.#tools;
    const { placing } = unit;
    if (placing !== undefined && !areEnvelopesScanned(placing)) return await this.#readUnpacked(unit);
    const text = input.unpack(unit, limits.wholeFileBytes);
    if (text === undefined) return await this.#readUnpacked(unit);
    if (placing !== undefined) {
      return readEnvelopes(unit, text, placing, this.#placedTools()) ?? await this.#readUnpacked(unit);
    }
    return unit.how === "lines" ? await this.#readLines(unit, text) : await this.#readJson(unit, text);
  }

  /** By way of a file: it may be large, or damaged. */
  async #readUnpacked(unit: ReadUnit): Promise<number> {
    const { reader, input, limits, folder } = this.#tools;
    let records = 0;
    const unpacked = await unpackUnit(unit, folder);
    for (const part of partsOf(reader, input, limits, unpacked)) records += await this.#readRecords(part);
    // Of many small ones all would be there at once, until the batch is read.
    if (unpacked.path !== unit.path) await removeFileQuietly(unpacked.path);
    return records;
  }

  /** What it is, its first character says. */
  async #readJson(unit: ReadUnit, text: Input): Promise<number> {
    const { reader } = this.#tools;
    const isMarked = startsWithByteOrderMark(reader.bytes.subarray(text.at, text.at + text.length));
    const mark = isMarked ? BYTE_ORDER_MARK.length : 0;
    const first = reader.calls.spaceEnd(text.at + mark, text.length - mark);
    if (first === text.at + text.length || reader.bytes[first] !== OPEN_OBJECT) return this.#readArray(unit, text);
    const encoding = otherEncoding(this.#head(text));
    return encoding === undefined ? this.#readValues(unit, text) : await this.#condemn(unit, encoding, text);
  }

  #readValues(unit: ReadUnit, text: Input): number {
    const { reader: { calls }, rows } = this.#tools;
    calls.setFirstPosition(unit.position);
    const areLined = unit.how === "json" ? 1 : 0;
    let verdict = calls.scanValues(rows.events.handle, text.start, text.at + text.length - text.start, areLined);
    while (verdict === FULL) {
      this.#routeOdd();
      verdict = calls.resumeValues(rows.events.handle);
    }
    this.#routeOdd();
    return calls.recordCount();
  }

  async #readArray(unit: ReadUnit, text: Input): Promise<number> {
    const { reader: { calls }, rows } = this.#tools;
    const isWhole = unit.how === "json";
    calls.setFirstPosition(unit.position);
    const table = rows.events.handle;
    let verdict = calls.scanArray(table, text.start, text.length + (isWhole ? 0 : 2), 0);
    // Rows are written only where nothing behind them can condemn the array.
    if (verdict === FULL && calls.isRestSound(table)) {
      while (verdict === FULL) {
        this.#routeOdd();
        verdict = calls.resumeArray(table);
      }
    }
    if (verdict === WHOLE) {
      this.#routeOdd();
      return calls.recordCount();
    }
    if (!isWhole) throw new Error(`${unit.name} has changed while it was read`);
    calls.undoFile(rows.events.handle);
    const detail = arrayFault(this.#tools.reader, text, calls.lastGoodPtr());
    // It is nested deeper than the reader goes.
    if (detail === undefined) {
      const exact = { ...unit, how: "exact-json" } as const;
      return unit.packed === undefined ? await this.#readExactly(exact) : await this.#readUnpacked(exact);
    }
    return await this.#condemn(unit, detail + signatureHint(this.#head(text)), text);
  }

  async #readLines(unit: ReadUnit, text: Input): Promise<number> {
    const { reader: { calls }, rows } = this.#tools;
    calls.setFirstPosition(unit.position);
    let verdict = calls.scanLines(rows.events.handle, text.start, text.at + text.length - text.start);
    if (unit.how === "lines") {
      const detail = this.#whyNoLines(text);
      if (detail !== undefined) {
        calls.undoFile(rows.events.handle);
        return await this.#condemn(unit, detail, text);
      }
    }
    while (verdict === FULL) {
      this.#routeOdd();
      verdict = calls.resumeLines(rows.events.handle);
    }
    this.#routeOdd();
    return calls.recordCount();
  }

  #readRows(unit: ReadUnit): number {
    const { reader: { calls }, input, odd } = this.#tools;
    odd.areRows = unit.how === "rows";
    this.#readFrames(input.read(unit.path, unit.offset, unit.size));
    odd.areRows = false;
    return calls.recordCount();
  }

  #readFrames({ at, length }: PlacedText): void {
    const { reader: { calls }, rows } = this.#tools;
    let verdict = calls.scanFrames(rows.events.handle, at, length);
    while (verdict === FULL) {
      this.#routeOdd();
      verdict = calls.resumeFrames(rows.events.handle);
    }
    this.#routeOdd();
  }

  async #readPlaced(unit: ReadUnit): Promise<number> {
    const placing = unit.placing!, tools = this.#placedTools();
    const isInMemory = unit.how.startsWith("envelope-") || unit.size <= this.#tools.limits.wholeFileBytes;
    if (isInMemory && areEnvelopesScanned(placing)) {
      const records = readEnvelopes(unit, this.#textOf(unit), placing, tools);
      if (records !== undefined) return records;
    }
    const read = readPlaced(unit, placing, tools);
    return typeof read === "number" ? read : await this.#condemn(unit, read);
  }

  #placedTools(): EnvelopeTools {
    const { reader, odd, rows } = this.#tools;
    return {
      reader,
      odd,
      table: rows.events.handle,
      readFrames: (frames) => this.#readFrames(frames),
      routeOdd: () => this.#routeOdd(),
      settle: () => this.#settle(),
    };
  }

  #refuseEnvelope(unit: ReadUnit): number {
    const bytes = new UnitBytes(unit);
    try {
      this.#tools.odd.refuseEnvelope(readRecordText(bytes, { from: 0, to: unit.size }, unit.position), unit.detail!);
    } finally {
      bytes.close();
    }
    return 1;
  }

  /** Each line would be a letter, and none would say what the file is. */
  #whyNoLines(text: PlacedText): string | undefined {
    const { reader } = this.#tools;
    const { calls } = reader;
    if (calls.recordCount() === 0) return "the file is empty";
    const list = calls.oddPtr() >>> 2;
    for (let odd = 0; odd < calls.oddN(); odd++) {
      if (reader.word(list + odd * ODD_WORDS + 1) < NOT_JSON) continue;
      const found = signatureOf(this.#head(text));
      return found === undefined ? undefined : `expected lines of JSON, found ${otherKind(found)}`;
    }
    return undefined;
  }

  /** A file's first bytes. */
  #head({ at, length }: PlacedText): Uint8Array {
    return this.#tools.reader.bytes.subarray(at, at + Math.min(length, SIGNED_BYTES));
  }

  /** All that the scan has left so far; full tables are written. */
  #routeOdd(): void {
    const { reader, odd, files } = this.#tools;
    const { calls } = reader;
    const list = calls.oddPtr() >>> 2, count = calls.oddN();
    for (let entry = 0, settled = 0; entry < count;) {
      const end = Math.min(settled + SETTLED_AFTER, count);
      entry = odd.routeKnown(entry, end);
      if (entry < end) {
        const at = list + entry * ODD_WORDS;
        const position = reader.word(at), from = reader.word(at + 1), to = reader.word(at + 2);
        if (from >= NOT_JSON) odd.judge(position, from - NOT_JSON, to);
        else odd.route(position, from, to);
        entry++;
      }
      if (entry < end) continue;
      files.deadLetters.settle();
      settled = entry;
    }
    this.#settle();
  }

  /** Full tables are written. */
  #settle(): void {
    const { files } = this.#tools;
    files.events.settle();
    files.deadLetters.settle();
  }

  async #readExactly(unit: ReadUnit): Promise<number> {
    const { odd } = this.#tools;
    let count = 0;
    const detail = await readExactly(unit, (record) => {
      odd.settleRecord(record);
      this.#settle();
      count++;
    });
    return detail === undefined ? count : await this.#condemn(unit, detail);
  }

  /** Records that an earlier reading has held back: how many of each file, all of them events. */
  async readPending({ path }: ReadUnit): Promise<Map<number, number>> {
    const { judge, rows, files } = this.#tools;
    const events = new Map<number, number>();
    let name: string | undefined;
    for await (const line of readFileLines(path)) {
      const record = JSON.parse(line) as HeldRecord;
      if (record.name !== name) rows.beginFile(name = record.name);
      const judgement = judge.judge(record.raw);
      if (judgement.kind !== "event") {
        throw new StreamlabError(
          "internal",
          `Cannot judge record ${record.position} of ${name} the same way twice`,
        );
      }
      rows.addEvent(record.position, judgement.values, judgement.rescued);
      files.events.settle();
      events.set(record.file, (events.get(record.file) ?? 0) + 1);
    }
    return events;
  }

  /**
   * A dead letter for the whole file, unless it is to be read again; `text` is where it lies in
   * reader, if it does. Returns how many records there are: none.
   */
  async #condemn(unit: ReadUnit, detail: string, text?: PlacedText): Promise<0> {
    if (this.#tools.onEmpty === "ignore" && EMPTY.has(detail)) return 0;
    const head = () => text === undefined ? headOf(unit) : this.#head(text);
    const found = unit.found ?? (isAsked(unit) ? otherPacking(head(), undefined) : undefined);
    if (found === undefined) await this.#addFileLetter(unit, detail, text);
    else this.misnamed.push({ number: unit.number, found });
    return 0;
  }

  async #addFileLetter(unit: ReadUnit, detail: string, text?: PlacedText): Promise<void> {
    const { reader, rows, large } = this.#tools;
    if (text !== undefined && unit.packed !== undefined && signatureOf(this.#head(text)) !== undefined) {
      // It unpacks to another kind of file, which `unpackUnit` says of files of any size.
      await this.#readUnpacked(unit);
      return;
    }
    if (text !== undefined && text.length <= WHOLE_BYTES_MAX) {
      if (reader.calls.isUtf8(text.at, text.length)) {
        return rows.addLetter(NO_POSITION, "corrupted_batch", detail, text, null);
      }
      return large.hold(text.length, () => {
        const { raw, note } = bytesText(reader.bytes.subarray(text.at, text.at + text.length));
        rows.addLetter(NO_POSITION, "corrupted_batch", detail + note, raw, null);
      });
    }
    large.hold(Math.min(unit.size, WHOLE_BYTES_MAX), () => {
      const { raw, note } = fileText(unit.path, unit.size, unit.offset);
      rows.addLetter(NO_POSITION, "corrupted_batch", detail + note, raw, null);
    });
  }

  #counts(): { events: number; deadLetters: number; pending: number } {
    const { files, pending } = this.#tools;
    return { events: files.events.rows, deadLetters: files.deadLetters.rows, pending: pending.count };
  }
}

/** Whether the first bytes of a file that is no JSON can show that it is packed. */
function isAsked({ how, packed, isFound }: ReadUnit): boolean {
  return how !== "broken" && packed === undefined && !isFound;
}
