import type { RecordText } from "../../json/text.ts";
import { prependMembers } from "../path_columns.ts";
import { RecordPlaces } from "./record_places.ts";
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
  const bytes = new UnitBytes(unit), frames = new RecordFrames(tools.reader);
  const members = new TextEncoder().encode(rules.members);
  try {
    const records = new RecordPlaces(unit, bytes, rules).records();
    for (let count = 0;; count++) {
      const next = records.next();
      if (next.done) {
        tools.readFrames(frames.take());
        return next.value ?? count;
      }
      const record = next.value, sizeMax = record.to - record.from + members.length + 1;
      if (record.kind === "record" && !rules.judgesAll && RecordFrames.takes(sizeMax)) {
        if (!frames.hasRoomFor(sizeMax)) tools.readFrames(frames.take());
        frames.add(bytes, record, record.position, members);
        continue;
      }
      const text = readRecordText(bytes, record, record.position);
      if (record.kind === "bare") tools.odd.refuseEnvelope(text, record.detail!);
      else tools.odd.settleRecord(record.kind === "record" ? withPrepended(text, members) : text);
      tools.settle();
    }
  } finally {
    bytes.close();
    frames.close();
  }
}

function withPrepended(record: RecordText, members: Uint8Array): RecordText {
  if (members.length === 0 || record.oversize !== undefined) return record;
  const bytes = new Uint8Array(members.length + 1 + record.bytes.length);
  bytes.set(record.bytes, members.length + 1);
  return { ...record, bytes: bytes.subarray(prependMembers(bytes, members.length + 1, members)) };
}
