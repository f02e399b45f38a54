import { formOf, JUDGED, setSteps, WHOLE } from "./envelope_steps.ts";
import type { Input } from "./input_room.ts";
import { PlacedReading, type PlacedTools } from "./placed_reading.ts";
import type { Placing, ReadUnit } from "./reading.ts";
import { RecordPlaces } from "./record_places.ts";
import { TextBytes } from "./unit_bytes.ts";

export interface EnvelopeTools extends PlacedTools {
  /** The events in the reader. */
  table: number;
  /** All that a scan has left so far; full tables are written. */
  routeOdd(): void;
}

/** What `scanEnvelopes` does: it fills the table. */
const ROWS = 0;

/**
 * Reads envelopes by the reader's own way through them; what it is not certain of is looked at one
 * envelope at a time. Returns how many records there are; undefined, with nothing read, where the
 * file may be condemned as a whole.
 */
export function readEnvelopes(
  unit: ReadUnit,
  text: Input,
  rules: Placing,
  tools: EnvelopeTools,
): number | undefined {
  const { reader, table } = tools, { calls } = reader;
  const form = formOf(reader, unit, table, text);
  if (form === undefined || !setSteps(reader, rules.recordsAt!)) return undefined;
  const length = text.at + text.length - text.start;
  let verdict = calls.scanEnvelopes(table, text.start, length, form, unit.position, ROWS);
  for (;;) {
    tools.routeOdd();
    let position = calls.envelopesPosition();
    if (verdict === WHOLE) return position - unit.position;
    if (verdict === JUDGED) {
      // It may be all of the file.
      if (unit.how === "placed" && position === unit.position) return undefined;
      position += readJudged(unit, rules, tools);
    }
    verdict = calls.resumeEnvelopes(table, position);
  }
}

/** Reads what the scan has left to the judge, an envelope or none; how many records it has. */
function readJudged(unit: ReadUnit, rules: Placing, tools: EnvelopeTools): number {
  const { calls } = tools.reader;
  const bytes = new TextBytes(tools.reader, calls.judgedPtr(), calls.judgedEnd());
  const reading = new PlacedReading(bytes, rules, tools);
  let count = 0;
  try {
    const places = new RecordPlaces(unit, bytes, rules);
    for (const record of places.ofEnvelope({ from: 0, to: bytes.size }, calls.envelopesPosition())) {
      reading.add(record);
      count++;
    }
    reading.settle();
  } finally {
    reading.close();
  }
  return count;
}
