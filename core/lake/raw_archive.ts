import { ARCHIVE_FOLDER, RAW_FOLDER } from "./layout.ts";

/**
 * Where a raw file of the lake goes when it is archived, by its name: `raw/events/x.json` to
 * `raw/archive/events/x.json`. Undefined for files outside of `raw/`, and for what is archived.
 */
export function archivePathOf(name: string): string | undefined {
  if (!name.startsWith(`${RAW_FOLDER}/`) || isArchived(name)) return undefined;
  return ARCHIVE_FOLDER + name.slice(RAW_FOLDER.length);
}

/** By its path in the lake. */
export function isArchived(path: string): boolean {
  return path.startsWith(`${ARCHIVE_FOLDER}/`);
}
