import { EnvelopeFile } from "./envelope_file.ts";
import type { OddRecords } from "./odd_records.ts";
import type { Envelopes, ReadUnit } from "./reading.ts";
import type { ReaderInstance } from "./reader_instance.ts";
import { RecordFrames } from "./record_frames.ts";
import { readRecordText, UnitBytes } from "./unit_bytes.ts";

export interface EnvelopeTools {
  reader: ReaderInstance;
  odd: OddRecords;
  /** Reads frames of records, and writes what is full. */
  readFrames(frames: { at: number; length: number }): void;
  /** Behind each record that frames do not hold. */
  settle(): void;
}

/** How many records there are, or what is wrong with the file as a whole. */
export function readEnvelopes(unit: ReadUnit, rules: Envelopes, tools: EnvelopeTools): number | string {
  const bytes = new UnitBytes(unit), frames = new RecordFrames(tools.reader);
  try {
    const records = new EnvelopeFile(unit, bytes, rules).records();
    for (let count = 0;; count++) {
      const next = records.next();
      if (next.done) {
        tools.readFrames(frames.take());
        return next.value ?? count;
      }
      const record = next.value, size = record.to - record.from;
      if (record.kind === "record" && !rules.judgesAll && RecordFrames.takes(size)) {
        if (!frames.hasRoomFor(size)) tools.readFrames(frames.take());
        frames.add(bytes, record, record.position);
        continue;
      }
      const text = readRecordText(bytes, record, record.position);
      if (record.kind === "bare") tools.odd.refuseEnvelope(text, record.detail!);
      else tools.odd.settleRecord(text);
      tools.settle();
    }
  } finally {
    bytes.close();
    frames.close();
  }
}
