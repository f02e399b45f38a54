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
export function zoneOptions({ format, onEmpty, recordsAt, pathColumns }: Partial<ZoneOptions>): ZoneOptions {
  return { format, onEmpty, recordsAt, pathColumns };
}

/** The zone's folder, where it is on this disk. */
export function localFolder({ store, prefix }: RawZone): string | undefined {
  // The root itself is no path in a store.
  return store.localPath(`${prefix}x`)?.replace(/\/x$/, "");
}

/** An event file that no path leads to, or a folder in which some may be. */
export type Unreachable = Pick<PassedOver, "why"> & { name: string };

/** Undefined for an entry that is no event file, or that need not be told of. */
export function unreachable(
  { prefix, nameBase, format }: Pick<RawZone, "prefix" | "nameBase" | "format">,
  { path, why, isFolder }: PassedOver,
): Unreachable | undefined {
  const isEventFile = isFolder || eventFileKind(path.slice(prefix.length), format) !== undefined;
  // No file is lost where links lead to each other.
  return isEventFile && why !== "links lead to each other" ? { name: nameBase + path, why } : undefined;
}

/** Those in a lake's own raw zone. Only on a disk: elsewhere to list it takes long. */
export async function unreachableEventFiles(store: Store): Promise<Unreachable[]> {
  const prefix = `${EVENTS_FOLDER}/`;
  if (store.localPath(prefix + "x") === undefined) return [];
  const found: Unreachable[] = [];
  const onPassedOver = (entry: PassedOver) => {
    const file = unreachable({ prefix, nameBase: "", format: undefined }, entry);
    if (file !== undefined) found.push(file);
  };
  for await (const _file of store.list(prefix, { onPassedOver }));
  return found;
}
