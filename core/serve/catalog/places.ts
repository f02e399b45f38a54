import { StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import { identifierText, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { readString } from "../../iceberg/format/json_field.ts";
import type { TableUpdate } from "../../iceberg/format/table_update.ts";
import type { TableLocation } from "../../iceberg/table_location.ts";
import { uriKey } from "../../storage/uri.ts";
import { badRequest } from "../http_refusal.ts";

/** Table properties that name a folder for files of the table (Iceberg's own names). */
const FOLDER_PROPERTIES = [
  "write.data.path",
  "write.metadata.path",
  "write.object-storage.path",
  "write.folder-storage.path",
];

const LOOKS_PARALLEL = 8;

/**
 * Refuses a location that is not the table's own. A file catalog finds tables by their folder, so a
 * client can choose none: within the warehouse it would be another's, and outside nothing of ours
 * may be read, written or deleted.
 */
function checkLocation(identifier: TableIdentifier, location: TableLocation, wanted: string): void {
  checkFolder(identifierText(identifier), location.recorded, wanted);
}

/**
 * As `checkLocation`, for a table that is not there yet. Trino wants each to have a folder that
 * none had before, and asks for `<table>-<32 digits>`; what it is answered with is what it takes.
 */
export function checkNewLocation(identifier: TableIdentifier, location: TableLocation, wanted: string): void {
  if (isFolder(location.recorded, wanted.replace(/-[0-9a-f]{32}\/*$/, ""))) return;
  checkLocation(identifier, location, wanted);
}

/** The same of a namespace, whose tables lie in its folder. */
export function checkFolder(name: string, own: string, wanted: string): void {
  if (isFolder(own, wanted)) return;
  throw badRequest(`Cannot keep ${name} at ${wanted}: this catalog keeps it at ${own}; leave the location out`);
}

function isFolder(own: string, wanted: string): boolean {
  return uriKey(wanted).replace(/\/+$/, "") === uriKey(own);
}

/**
 * Refuses updates that name a place outside of the table's folder, and snapshots whose manifest
 * list is not there: readers and maintainers follow these names.
 */
export async function checkPlaces(
  identifier: TableIdentifier,
  location: TableLocation,
  updates: readonly TableUpdate[],
): Promise<void> {
  const manifestLists: string[] = [];
  for (const update of updates) {
    if (update.action === "set-location") checkLocation(identifier, location, update.location);
    if (update.action === "set-properties") checkFolders(location, update.updates);
    if (update.action === "set-statistics") pathInTable(location, readString(update.statistics, "statistics-path"));
    if (update.action === "set-partition-statistics") {
      pathInTable(location, readString(update.partitionStatistics, "statistics-path"));
    }
    if (update.action !== "add-snapshot") continue;
    const { manifestList, manifests = [] } = update.snapshot;
    for (const manifest of manifests) pathInTable(location, manifest);
    if (manifestList !== undefined) manifestLists.push(pathInTable(location, manifestList));
  }
  await mapParallel(manifestLists, LOOKS_PARALLEL, async (path) => {
    if (await location.store.stat(path) !== undefined) return;
    throw new StreamlabError("usage", `Cannot add the snapshot: its manifest list ${path} is not there`);
  });
}

/** The properties of a new table; see `checkPlaces`. */
export function checkFolders(location: TableLocation, properties: Readonly<Record<string, string>>): void {
  for (const key of FOLDER_PROPERTIES) {
    if (Object.hasOwn(properties, key)) pathInTable(location, properties[key]!, `the property ${key}`);
  }
}

function pathInTable(location: TableLocation, uri: string, what = "a file"): string {
  const path = location.findPath(uri);
  if (path?.startsWith(`${location.folder}/`) && !path.includes("/../")) return path;
  throw badRequest(`Cannot change the table: ${what} lies outside of its folder ${location.recorded}: ${uri}`);
}
