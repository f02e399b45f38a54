import { sha256 } from "../base/sha256.ts";
import { readFileBlocks, readFilePart } from "../disk/scratch.ts";

/**
 * Above this size a dead letter holds the file's head only: the file itself stays in the raw zone.
 */
const WHOLE_BYTES_MAX = 16 << 20;
const HEAD_BYTES = 64 << 10;

export interface FileText {
  raw: string;
  /**
   * What the detail has to say about `raw`, to stand after the reason; empty where it is the file's
   * very text.
   */
  note: string;
}

/**
 * What a dead letter keeps of a whole file: its text, base64 where it is not UTF-8, or its head
 * where it is large.
 */
export async function fileText(path: string, size: number, offset = 0): Promise<FileText> {
  if (size <= WHOLE_BYTES_MAX) return bytesText(readFilePart(path, size, offset));
  const hash = sha256();
  for await (const block of readFileBlocks(path, offset, offset + size)) hash.update(block);
  const head = bytesText(readFilePart(path, HEAD_BYTES, offset), true);
  const kept = `the first ${HEAD_BYTES} of ${size} bytes are kept, SHA-256 of all ${hash.hex()}`;
  return { raw: head.raw, note: `${head.note}; ${kept}` };
}

/** `cut`: the bytes may end within a character, which is then left out. */
export function bytesText(bytes: Uint8Array, cut = false): FileText {
  try {
    return { raw: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut }), note: "" };
  } catch {
    return { raw: base64(bytes), note: "; kept as base64, being no UTF-8" };
  }
}

function base64(bytes: Uint8Array): string {
  const blocks: string[] = [];
  // A multiple of three, so that the pieces join; small enough for fromCharCode's arguments.
  for (let from = 0; from < bytes.length; from += 24_576) {
    blocks.push(btoa(String.fromCharCode(...bytes.subarray(from, from + 24_576))));
  }
  return blocks.join("");
}
