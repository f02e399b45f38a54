import * as zlib from "node:zlib";
import type { Store } from "../storage/store.ts";

/** A metadata file of a table in a file catalog. */
export interface MetadataVersion {
  version: number;
  /** Path in the store. */
  path: string;
}

const versionName = /^v(\d+)(?:\.gz)?\.metadata\.json(?:\.gz)?$/;

/** The number in a metadata file's name, given any path or URI of it; undefined for other naming schemes. */
export function versionOf(path: string): number | undefined {
  const match = versionName.exec(path.slice(path.lastIndexOf("/") + 1));
  return match ? Number(match[1]) : undefined;
}

export function versionPath(folder: string, version: number): string {
  return `${folder}/metadata/v${version}.metadata.json`;
}

/** All versions that are there, ascending. */
export async function listVersions(store: Store, folder: string): Promise<MetadataVersion[]> {
  const versions: MetadataVersion[] = [];
  for await (const { path } of store.list(`${folder}/metadata/v`)) {
    const version = versionOf(path);
    if (version !== undefined) versions.push({ version, path });
  }
  return versions.sort((a, b) => a.version - b.version);
}

/** The text of a metadata file; compressed ones are told by their first bytes, since their names vary ("Naming for GZIP compressed Metadata JSON files"). */
export function metadataText(bytes: Uint8Array): string {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return new TextDecoder().decode(isGzip ? zlib.gunzipSync(bytes) : bytes);
}
