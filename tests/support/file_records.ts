import { SIGNED_BYTES } from "../../core/disk/file_signature.ts";
import { type RecordText, scanJsonArray, scanNdjson } from "../../core/json/text.ts";
import { ValueSplit } from "../../core/json/value_split.ts";
import { otherEncoding } from "../../core/routing/file_kind.ts";

/** The records of a file, or why it is corrupted as a whole. */
export type FileRecords = { records: RecordText[] } | { corrupted: string };

const MARKED = new TextDecoder("utf-8", { ignoreBOM: true });

/** By the strict scanners alone, in chunks of an odd size, so that records are cut. */
export async function fileRecords(format: "json" | "ndjson", bytes: Uint8Array): Promise<FileRecords> {
  const isValues = format === "json" && /^\ufeff?[ \t\r\n]*\{/.test(MARKED.decode(bytes));
  // No array is of another encoding: its scan says so.
  const encoding = otherEncoding(bytes.subarray(0, SIGNED_BYTES));
  if (encoding !== undefined && (isValues || format === "ndjson")) return { corrupted: encoding };
  if (isValues) return { records: [...valuesOf(bytes)] };
  const scan = format === "json" ? scanJsonArray(chunks(bytes)) : scanNdjson(chunks(bytes));
  const records: RecordText[] = [];
  for (;;) {
    const step = await scan.next();
    if (step.done) return step.value.kind === "ok" ? { records } : { corrupted: step.value.detail };
    records.push(...step.value);
  }
}

/** Values one after another, and what is none. */
function* valuesOf(bytes: Uint8Array): Generator<RecordText> {
  const readInto = (offset: number, target: Uint8Array) => {
    const part = bytes.subarray(offset, offset + target.length);
    target.set(part);
    return part.length;
  };
  const values = new ValueSplit({ size: bytes.length, readInto }, bytes.indexOf(0x7b));
  for (let position = 0;; position++) {
    const piece = values.next();
    if (piece === undefined) return;
    yield { bytes: bytes.subarray(piece.from, piece.to), position, offset: piece.from };
  }
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += 7) yield bytes.subarray(from, from + 7);
}
