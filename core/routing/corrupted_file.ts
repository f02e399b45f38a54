import { counted, formatCount } from "../base/counted.ts";
import { sha256 } from "../base/sha256.ts";
import type { Oversize } from "../json/record_parts.ts";
import { FilePartReader, readFilePart } from "../disk/scratch.ts";

/**
 * Above this size a dead letter holds the file's head only: the file itself stays in the raw zone.
 */
export const WHOLE_BYTES_MAX = 16 << 20;
const HEAD_BYTES = 64 << 10;
/** Stands in the detail of every dead letter that holds a head only. */
export const HEAD_ONLY_NOTE = " are kept, SHA-256 of all ";

export interface FileText {
  raw: string;
  /**
   * What the detail says about `raw`, after the reason; empty if `raw` is the file's exact text.
   */
  note: string;
}

/**
 * What a dead letter keeps of a whole file: its text, base64 where it is not UTF-8, or its head
 * where it is large.
 */
export function fileText(path: string, size: number, offset = 0): FileText {
  if (size <= WHOLE_BYTES_MAX) return bytesText(readFilePart(path, size, offset));
  const hash = sha256();
  const reader = new FilePartReader();
  try {
    reader.visit(path, offset, size, (block) => {
      hash.update(block);
      return true;
    });
  } finally {
    reader.close();
  }
  return headText(readFilePart(path, HEAD_BYTES, offset), { size, sha256: hash.hex() });
}

/** The same of a record. */
export function keptRecordText(bytes: Uint8Array): FileText {
  if (bytes.length <= WHOLE_BYTES_MAX) return bytesText(bytes);
  const hash = sha256();
  hash.update(bytes);
  return headText(bytes.subarray(0, HEAD_BYTES), { size: bytes.length, sha256: hash.hex() });
}

/** What is kept of a text that is too large, of which these are the first bytes. */
export function headText(head: Uint8Array, { size, sha256 }: Oversize): FileText {
  const { raw, note } = bytesText(head, true);
  return {
    raw,
    note: `${note}; the first ${formatCount(head.length)} of ${counted(size, "byte")}${HEAD_ONLY_NOTE}${sha256}`,
  };
}

/** `cut`: the bytes may end within a character, which is then left out. */
export function bytesText(bytes: Uint8Array, cut = false): FileText {
  try {
    return { raw: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut }), note: "" };
  } catch {
    return { raw: bytes.toBase64(), note: "; kept as base64, being no UTF-8" };
  }
}
