import { signatureOf, SIGNED_BYTES } from "../disk/file_signature.ts";
import { readFilePart } from "../disk/scratch.ts";
import type { LocalRawFile } from "./raw_file.ts";

/** A file's first bytes. */
export function headOf({ path, size, offset }: Pick<LocalRawFile, "path" | "size" | "offset">): Uint8Array {
  return readFilePart(path, Math.min(size, SIGNED_BYTES), offset);
}

/** What `signatureOf` has found, in words. */
export function otherKind(found: string): string {
  return found === "binary data" ? found : `${found} by its first bytes, though not by its name`;
}

/**
 * What a file is by its first bytes, if it is not a JSON array, for the end of the reason; empty if
 * the reason says it.
 */
export function arrayHint(head: Uint8Array): string {
  const found = signatureOf(head);
  if (found !== undefined) return `; ${otherKind(found)}`;
  return isLines(head) ? "; it looks like NDJSON: rename it to .ndjson, or use --format ndjson" : "";
}

/** Whether the first line is an object. */
function isLines(head: Uint8Array): boolean {
  const [line] = new TextDecoder().decode(head).replace(/^[\s\uFEFF]+/, "").split("\n", 1);
  if (!line!.startsWith("{")) return false;
  try {
    JSON.parse(line!);
    return true;
  } catch {
    return false;
  }
}
