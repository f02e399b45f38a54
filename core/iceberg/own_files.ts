/**
 * Which files of a table's places are the table's own, by where they lie and what they are called:
 * metadata may name any file as the table's, and only these are deleted.
 */
import type { OwnPlace } from "../storage/deletion.ts";
import { isVersionName } from "./catalog/metadata_versions.ts";
import type { TableLocation } from "./table_location.ts";

/** What a file is to a table, and so where it lies and how it is called. */
export type FileRole = "data" | "manifest" | "statistics" | "version" | "hint";

/** Places besides the table's location, where its properties name some (Iceberg's own names). */
const DATA_PATH = "write.data.path";
const METADATA_PATH = "write.metadata.path";

/**
 * The places of a table's files of these roles: its location, and what its properties name besides.
 * A property that names a folder above the table's, or one outside of the store, names none.
 */
export function ownPlaces(
  location: TableLocation,
  properties: Readonly<Record<string, string>>,
  roles: readonly FileRole[],
): OwnPlace[] {
  return roles.flatMap((role) => {
    const isOwn = (path: string) => isNameOf(role, path);
    if (role === "data") {
      const inTable = (path: string) => !path.startsWith("metadata/") && isOwn(path);
      return [{ folder: location.folder, isOwn: inTable }, ...namedPlace(location, properties[DATA_PATH], isOwn)];
    }
    const inFolder = (path: string) => {
      // Ours lie in a folder of their own, those of other engines beside the versions.
      const name = role === "manifest" ? path.replace(/^manifests\//, "") : path;
      return !name.includes("/") && isOwn(name);
    };
    const own = { folder: location.pathInStore("metadata"), isOwn: inFolder };
    return [own, ...namedPlace(location, properties[METADATA_PATH], inFolder)];
  });
}

/** The folders, as URIs, that a table's properties name beside its location. */
export function namedFolders(properties: Readonly<Record<string, string>>): string[] {
  return [properties[DATA_PATH], properties[METADATA_PATH]].filter((uri) => uri !== undefined);
}

function namedPlace(
  location: TableLocation,
  uri: string | undefined,
  isOwn: (path: string) => boolean,
): OwnPlace[] {
  const folder = uri === undefined ? undefined : location.findPath(uri)?.replace(/\/+$/, "");
  if (folder === undefined || folder === "" || `${location.folder}/`.startsWith(`${folder}/`)) return [];
  return [{ folder, isOwn }];
}

function isNameOf(role: FileRole, path: string): boolean {
  const folders = path.split("/");
  const name = folders.pop()!;
  // Such folders are other formats' (`_delta_log`), but for partitions by a column `_x`.
  const isForeign = folders.some((folder) => /^[._]/.test(folder) && !folder.includes("="));
  if (isForeign || /^[._]/.test(name)) return false;
  switch (role) {
    case "data":
      return /\.(?:parquet|orc|avro)$/.test(name);
    case "manifest":
      return name.endsWith(".avro");
    case "statistics":
      return /\.(?:puffin|stats)$/.test(name);
    case "version":
      return isVersionName(name);
    case "hint":
      return name === "version-hint.text";
  }
}

/** Of the paths of a folder those that show another table in it: its folder, or undefined. */
export function findInnerTable(folder: string, paths: Iterable<string>): string | undefined {
  for (const path of paths) {
    const match = /^(.+)\/metadata\/[^/]+\.metadata\.json(?:\.gz)?$/.exec(path);
    if (match !== null && match[1] !== folder) return match[1];
  }
  return undefined;
}
