import type { RecordText } from "../../json/text.ts";
import type { RandomBytes } from "../../json/value_split.ts";
import { prependMembers } from "../path_columns.ts";
import { type PlacedRecord, RecordPlaces } from "./record_places.ts";
import type { OddRecords } from "./odd_records.ts";
import type { Placing, ReadUnit } from "./reading.ts";
import type { ReaderInstance } from "./reader_instance.ts";
import { RecordFrames } from "./record_frames.ts";
import { readRecordText, UnitBytes } from "./unit_bytes.ts";

export interface PlacedTools {
  reader: ReaderInstance;
  odd: OddRecords;
  /** Reads frames of records, and writes what is full. */
  readFrames(frames: { at: number; length: number }): void;
  /** Behind each record that frames do not hold. */
  settle(): void;
}

/** How many records there are, or what is wrong with the file as a whole. */
export function readPlaced(unit: ReadUnit, rules: Placing, tools: PlacedTools): number | string {
  const bytes = new UnitBytes(unit), reading = new PlacedReading(bytes, rules, tools);
  try {
    const records = new RecordPlaces(unit, bytes, rules).records();
    for (let count = 0;; count++) {
      const next = records.next();
      if (next.done) {
        reading.settle();
        return next.value ?? count;
      }
      reading.add(next.value);
    }
  } finally {
    bytes.close();
    reading.close();
  }
}

/** Reads records by their places: most in frames, and one by one what these do not hold. */
export class PlacedReading {
  readonly #bytes: RandomBytes;
  readonly #rules: Placing;
  readonly #tools: PlacedTools;
  readonly #frames: RecordFrames;
  readonly #members: Uint8Array;

  constructor(bytes: RandomBytes, rules: Placing, tools: PlacedTools) {
    this.#bytes = bytes;
    this.#rules = rules;
    this.#tools = tools;
    this.#frames = new RecordFrames(tools.reader);
    this.#members = new TextEncoder().encode(rules.members);
  }

  add(record: PlacedRecord): void {
    const { odd, settle } = this.#tools;
    const members = this.#members, sizeMax = record.to - record.from + members.length + 1;
    if (record.kind === "record" && !this.#rules.judgesAll && RecordFrames.takes(sizeMax)) {
      if (!this.#frames.hasRoomFor(sizeMax)) this.settle();
      this.#frames.add(this.#bytes, record, record.position, members);
      return;
    }
    const text = readRecordText(this.#bytes, record, record.position);
    if (record.kind === "bare") odd.refuseEnvelope(text, record.detail!);
    else odd.settleRecord(record.kind === "record" ? withPrepended(text, members) : text);
    settle();
  }

  /** Reads what waits in frames. */
  settle(): void {
    const frames = this.#frames.take();
    if (frames !== undefined) this.#tools.readFrames(frames);
  }

  close(): void {
    this.#frames.close();
  }
}

function withPrepended(record: RecordText, members: Uint8Array): RecordText {
  if (members.length === 0 || record.oversize !== undefined) return record;
  const bytes = new Uint8Array(members.length + 1 + record.bytes.length);
  bytes.set(record.bytes, members.length + 1);
  return { ...record, bytes: bytes.subarray(prependMembers(bytes, members.length + 1, members)) };
}
