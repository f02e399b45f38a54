import { StreamlabError } from "../../base/errors.ts";
import type { OwnPlace } from "../../storage/deletion.ts";
import type { Store } from "../../storage/store.ts";

/** A metadata file of a table in a file catalog. */
export interface MetadataVersion {
  version: number;
  /** Path in the store. */
  path: string;
  /** Of the file, where the listing has it. */
  etag?: string | undefined;
}

const VERSION_NAME = /^v(\d+)(?:\.gz)?\.metadata\.json(?:\.gz)?$/;

/** Other readers of such tables keep versions as 32-bit integers. */
const VERSION_MAX = 2 ** 31 - 1;

/**
 * The number in a metadata file's name, given any path or URI of it; undefined for other naming
 * schemes, and for what is beyond any number of commits.
 */
export function versionOf(path: string): number | undefined {
  const match = VERSION_NAME.exec(path.slice(path.lastIndexOf("/") + 1));
  const version = match ? Number(match[1]) : undefined;
  return version !== undefined && version <= VERSION_MAX ? version : undefined;
}

export function versionPath(folder: string, version: number): string {
  return `${folder}/metadata/v${version}.metadata.json`;
}

/**
 * All existing versions, ascending. Throws `corrupt` if a file is named like a version that no
 * table can have: the newest is then unknown.
 */
export async function listVersions(store: Store, folder: string): Promise<MetadataVersion[]> {
  const versions: MetadataVersion[] = [];
  for await (const { path, info } of store.list(`${folder}/metadata/v`)) {
    const version = versionOf(path);
    if (version !== undefined) versions.push({ version, path, etag: info?.etag });
    else if (VERSION_NAME.test(path.slice(path.lastIndexOf("/") + 1))) throw impossible(path);
  }
  return versions.sort((a, b) => a.version - b.version);
}

/**
 * As other catalogs name them: a counter and a UUID. Which one is current their catalog knows; the
 * highest is our best guess, for reading.
 */
const CATALOG_NAME = /^(\d+)-[^/]+\.metadata\.json(?:\.gz)?$/;

/**
 * Where a file catalog's metadata files of a table are; `below` leaves out that version and later
 * ones.
 */
export function versionPlace(folder: string, below = Infinity): OwnPlace {
  return {
    folder: `${folder}/metadata`,
    isOwn: (name) => !name.includes("/") && (versionOf(name) ?? Infinity) < below,
  };
}

/** Whether a file is called as metadata files are, by either naming. */
export function isVersionName(name: string): boolean {
  return VERSION_NAME.test(name) || CATALOG_NAME.test(name);
}

/**
 * The newest metadata file, by our own naming or else by that of other catalogs; undefined where
 * there is no table.
 */
export async function findHead(store: Store, folder: string): Promise<Omit<MetadataVersion, "version"> | undefined> {
  const own = (await listVersions(store, folder)).at(-1);
  if (own) return own;
  let head: { counter: number; path: string; etag: string | undefined } | undefined;
  for await (const { path, info } of store.list(`${folder}/metadata/`)) {
    const counter = Number(CATALOG_NAME.exec(path.slice(path.lastIndexOf("/") + 1))?.[1] ?? -1);
    if (!Number.isSafeInteger(counter)) throw impossible(path);
    if (counter >= (head?.counter ?? 0)) head = { counter, path, etag: info?.etag };
  }
  return head;
}

/** Some metadata file, by either naming, with one look: for a folder in which none is expected. */
export async function findAnyVersion(store: Store, folder: string): Promise<string | undefined> {
  for await (const { path } of store.list(`${folder}/metadata/`)) {
    if (isVersionName(path.slice(path.lastIndexOf("/") + 1))) return path;
  }
  return undefined;
}

function impossible(path: string): StreamlabError {
  return new StreamlabError(
    "corrupt",
    `Cannot find the newest version of a table: ${path} has the name of an impossible version`,
    {
      hint: "Move that file away if it does not belong to the table",
    },
  );
}
