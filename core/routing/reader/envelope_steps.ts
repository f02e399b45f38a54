import { BYTE_ORDER_MARK, startsWithByteOrderMark } from "../../base/json.ts";
import { signatureOf, SIGNED_BYTES } from "../../disk/file_signature.ts";
import { pointerSteps } from "../../json/pointer.ts";
import { otherEncoding } from "../file_kind.ts";
import type { Input } from "./input_room.ts";
import type { ReaderInstance } from "./reader_instance.ts";
import type { Placing, ReadUnit } from "./reading.ts";
import { OPEN_OBJECT } from "./unit_bytes.ts";

/** How envelopes stand in a text, as the reader numbers it: by values, each with a line so far. */
export const FORM = { ELEMENTS: 0, LINES: 1, LINED_VALUES: 2, VALUES: 3 } as const;
export type Form = typeof FORM[keyof typeof FORM];

/** Verdicts of a scan of envelopes. */
export const WHOLE = 0, JUDGED = 3;

const OPEN_ARRAY = 0x5b;
const INDEX = /^(0|[1-9]\d{0,8})$/;
/** What `scanArray` does: nothing but read strictly. */
const STRICT_ONLY = 1;

/** Whether the reader goes through envelopes by itself: it puts nothing before records. */
export function areEnvelopesScanned({ recordsAt, members, judgesAll }: Placing): boolean {
  return recordsAt !== undefined && members === "" && !judgesAll;
}

/** Tells the reader the way into envelopes; false where it takes none of so many steps. */
export function setSteps(reader: ReaderInstance, recordsAt: string): boolean {
  const { calls } = reader;
  calls.clearSteps();
  return pointerSteps(recordsAt)!.every((step) => {
    const { at, length } = reader.keep(step);
    return step.isWellFormed() && calls.addStep(at, length, INDEX.test(step) ? Number(step) : -1) !== 0;
  });
}

/** Undefined where all of the file may turn out to be something else. */
export function formOf(reader: ReaderInstance, { how }: ReadUnit, table: number, text: Input): Form | undefined {
  if (how === "envelope-lines") return FORM.LINES;
  if (how === "envelope-values") return FORM.VALUES;
  const { calls } = reader, { at, length } = text;
  const head = reader.bytes.subarray(at, at + Math.min(length, SIGNED_BYTES));
  const from = startsWithByteOrderMark(head) ? at + BYTE_ORDER_MARK.length : at;
  const first = calls.spaceEnd(from, at + length - from);
  if (first === at + length || signatureOf(head) !== undefined) return undefined;
  if (how === "placed-lines") return FORM.LINES;
  if (reader.bytes[first] === OPEN_OBJECT) return otherEncoding(head) === undefined ? FORM.LINED_VALUES : undefined;
  if (reader.bytes[first] !== OPEN_ARRAY) return undefined;
  return calls.scanArray(table, at, length, STRICT_ONLY) === WHOLE ? FORM.ELEMENTS : undefined;
}
