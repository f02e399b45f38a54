import type { Store } from "../storage/store.ts";
import type { EventFormat } from "./event_file.ts";

/** Where event files land. */
export interface RawZone {
  store: Store;
  /** Paths in the store that start with this are looked at: a folder with its slash. */
  prefix: string;
  /**
   * What comes before a path in the file's name: empty where the store is the lake, else its URI
   * with a slash.
   */
  nameBase: string;
  format: EventFormat | undefined;
}

/** The zone's folder, where it is on this disk. */
export function localFolder({ store, prefix }: RawZone): string | undefined {
  // The root itself is no path in a store.
  return store.localPath(`${prefix}x`)?.replace(/\/x$/, "");
}
