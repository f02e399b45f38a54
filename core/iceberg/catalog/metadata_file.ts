import * as zlib from "node:zlib";
import { messageOf, StreamlabError } from "../../base/errors.ts";
import { sha256 } from "../../base/sha256.ts";
import type { Store } from "../../storage/store.ts";
import { METADATA_BYTES_MAX } from "../format/metadata_limit.ts";
import type { TableMetadata } from "../format/table_metadata.ts";
import { tableMetadataFromText, tableMetadataToText } from "../table_metadata_json.ts";

/** The metadata in a file of a store. Throws `corrupt`, naming the file. */
export async function readMetadata(store: Store, path: string): Promise<TableMetadata> {
  return metadataFromBytes(await readMetadataBytes(store, path), path);
}

export function readMetadataBytes(store: Store, path: string): Promise<Uint8Array> {
  return store.read(path, { bytesMax: METADATA_BYTES_MAX });
}

/** The text of a metadata file, unpacked. */
export async function readMetadataText(store: Store, path: string): Promise<string> {
  return metadataText(await readMetadataBytes(store, path), path);
}

/** What the file was that a version was read from, or written as. */
const digests = new WeakMap<TableMetadata, string>();

/**
 * Compressed ones are told by their first bytes, since their names vary ("Naming for GZIP
 * compressed Metadata JSON files"). Where the bytes are those of `known`, it is that very version:
 * who looks for a newer one again and again does not parse the history of the table each time.
 */
export function metadataFromBytes(bytes: Uint8Array, path: string, known?: TableMetadata): TableMetadata {
  const digest = digestOf(bytes);
  if (known !== undefined && digests.get(known) === digest) return known;
  const metadata = tableMetadataFromText(metadataText(bytes, path), path);
  digests.set(metadata, digest);
  return metadata;
}

/** The file of a version of metadata. */
export function metadataToBytes(metadata: TableMetadata): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(tableMetadataToText(metadata));
  digests.set(metadata, digestOf(bytes));
  return bytes;
}

function digestOf(bytes: Uint8Array): string {
  const hash = sha256();
  hash.update(bytes);
  return hash.hex();
}

function metadataText(bytes: Uint8Array, path: string): string {
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
    throw new StreamlabError("corrupt", `Cannot read the table metadata ${path}: ${reason}`, { cause });
  }
}
