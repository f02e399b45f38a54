import type { Packing } from "../disk/decompress.ts";
import { encodingOf, isPlainText, packingOf, signatureOf, SIGNED_BYTES } from "../disk/file_signature.ts";
import { readFilePart } from "../disk/scratch.ts";
import type { FoundPacking } from "../lake/routing_task.ts";
import type { LocalRawFile } from "./raw_file.ts";

/** A file's first bytes. */
export function headOf({ path, size, offset }: Pick<LocalRawFile, "path" | "size" | "offset">): Uint8Array {
  return readFilePart(path, Math.min(size, SIGNED_BYTES), offset);
}

/** What `signatureOf` has found, in words. */
export function otherKind(found: string): string {
  return found === "binary data" ? found : `${found} by its first bytes, though not by its name`;
}

/** Why a file is condemned whose first character is that of JSON in another encoding. */
export function otherEncoding(head: Uint8Array): string | undefined {
  const encoding = encodingOf(head);
  return encoding && `expected UTF-8, found ${encoding}`;
}

/** What the file is, if its first bytes show it, for the end of a reason. */
export function signatureHint(head: Uint8Array): string {
  const found = signatureOf(head);
  return found === undefined ? "" : `; ${otherKind(found)}`;
}

/** The same of a file that cannot be read as Parquet. */
export function otherThanParquet(head: Uint8Array): string {
  const found = signatureOf(head) ?? (head.length > 0 && isPlainText(head) ? "text" : undefined);
  return found === undefined || found === "Parquet" ? "" : `; ${otherKind(found)}`;
}

/** How a file is packed by its first bytes, where its name says something else. */
export function otherPacking(head: Uint8Array, named: Packing | undefined): FoundPacking | undefined {
  const packing = packingOf(head);
  if (packing !== undefined) return packing === named ? undefined : packing;
  const isPlain = named !== undefined && head.length > 0 && isPlainText(head);
  return isPlain ? "not compressed" : undefined;
}
