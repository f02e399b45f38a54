import type { PassedOver, Store } from "../storage/store.ts";
import type { OnEmpty } from "./batch_plan.ts";
import { eventFileKind, type EventFormat } from "./event_file.ts";
import { EVENTS_FOLDER } from "./layout.ts";

/** Where event files land. */
export interface RawZone {
  store: Store;
  /** Paths in the store that start with this belong to the zone: a folder with its slash. */
  prefix: string;
  /**
   * What comes before a path in the file's name: empty where the store is the lake, else its URI
   * with a slash.
   */
  nameBase: string;
  format: EventFormat | undefined;
  /** What becomes of files without records. */
  onEmpty?: OnEmpty | undefined;
  /** The JSON pointer to the records of an envelope, where files hold envelopes. */
  recordsAt?: string | undefined;
  /** Fields that the folders of a file's path have the values of. */
  pathColumns?: string[] | undefined;
}

export type ZoneOptions = Pick<RawZone, "format" | "onEmpty" | "recordsAt" | "pathColumns">;

/** How its files are read: what plans and targets remember of it. */
export function zoneOptions({ format, onEmpty, recordsAt, pathColumns }: ZoneOptions): ZoneOptions {
  return { format, onEmpty, recordsAt, pathColumns };
}

/** The zone's folder, where it is on this disk. */
export function localFolder({ store, prefix }: RawZone): string | undefined {
  // The root itself is no path in a store.
  return store.localPath(`${prefix}x`)?.replace(/\/x$/, "");
}

/**
 * Event files in a lake's own raw zone that no path leads to, because their names, or a folder's,
 * are not UTF-8. Only on a disk.
 */
export async function unreadableEventFiles(store: Store): Promise<string[]> {
  const prefix = `${EVENTS_FOLDER}/`;
  if (store.localPath(prefix + "x") === undefined) return [];
  const found: string[] = [];
  const onPassedOver = ({ path, why, isFolder }: PassedOver) => {
    if (why !== "its name is not UTF-8") return;
    if (isFolder || eventFileKind(path.slice(prefix.length)) !== undefined) found.push(path);
  };
  for await (const _file of store.list(prefix, { onPassedOver }));
  return found;
}
