import * as zlib from "node:zlib";
import { isKind, messageOf, StreamlabError } from "../../base/errors.ts";
import type { Store } from "../../storage/store.ts";
import { METADATA_BYTES_MAX } from "../format/metadata_limit.ts";
import type { TableMetadata } from "../format/table_metadata.ts";
import { tableMetadataFromText, tableMetadataToText } from "../table_metadata_json.ts";

/** Which state of its file a version is, read or written. */
const etags = new WeakMap<TableMetadata, string>();

/** As a listing found it. */
export interface FoundMetadata {
  path: string;
  /** Where the listing had it. */
  etag?: string | undefined;
}

/** The metadata in a file of a store. Throws `corrupt`; `where` names the file. */
export async function readMetadata(store: Store, path: string, where = path): Promise<TableMetadata> {
  return tableMetadataFromText(await readMetadataText(store, path, where), where);
}

/** The text of a metadata file, unpacked. */
export async function readMetadataText(store: Store, path: string, where = path): Promise<string> {
  return metadataText(await store.read(path, { bytesMax: METADATA_BYTES_MAX }), where);
}

/**
 * As `readMetadata`. Where the file is still the one that `known` is of, that is the answer, and
 * nothing is read: who looks for a newer version again and again does not pay for the history of
 * the table each time. An error names the table, and the way out.
 */
export async function readFoundMetadata(
  store: Store,
  found: FoundMetadata,
  known: TableMetadata | undefined,
  table: string,
): Promise<TableMetadata> {
  const etag = await etagOf(store, found);
  if (known !== undefined && etag !== undefined && etags.get(known) === etag) return known;
  const metadata = await readNewest(store, found.path, table);
  // If the file was exchanged in between, the older etag only makes the next look read it again.
  if (etag !== undefined) etags.set(metadata, etag);
  return metadata;
}

async function readNewest(store: Store, path: string, table: string): Promise<TableMetadata> {
  try {
    return await readMetadata(store, path, `${path} of ${table}`);
  } catch (error) {
    if (!isKind(error, "corrupt") || error.hint !== undefined) throw error;
    throw new StreamlabError("corrupt", error.message, {
      cause: error,
      hint: "Restore that file from a backup, or all of the lake from one moment; without one move it away: " +
        "the version before it is read then, and consume and maintain --audit say what it lacks",
    });
  }
}

/** To be told of a version that was just created, before anything else can have replaced it. */
export async function noteCreated(store: Store, found: FoundMetadata, metadata: TableMetadata): Promise<void> {
  const etag = await etagOf(store, found);
  if (etag !== undefined) etags.set(metadata, etag);
}

async function etagOf(store: Store, { path, etag }: FoundMetadata): Promise<string | undefined> {
  return etag ?? (await store.stat(path))?.etag;
}

export function metadataToBytes(metadata: TableMetadata): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(tableMetadataToText(metadata));
}

/**
 * Compressed ones are told by their first bytes, since their names vary ("Naming for GZIP
 * compressed Metadata JSON files").
 */
function metadataText(bytes: Uint8Array, where: string): string {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  try {
    const plain = isGzip ? zlib.gunzipSync(bytes, { maxOutputLength: METADATA_BYTES_MAX }) : bytes;
    return new TextDecoder("utf-8", { fatal: true }).decode(plain);
  } catch (cause) {
    const isLarge = (cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    const reason = isLarge
      ? `it unpacks to more than ${Math.floor(METADATA_BYTES_MAX / 1e6)} MB`
      : cause instanceof TypeError
      ? "it is no UTF-8"
      : messageOf(cause);
    throw new StreamlabError("corrupt", `Cannot read the table metadata ${where}: ${reason}`, { cause });
  }
}
