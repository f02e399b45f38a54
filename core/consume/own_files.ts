import { realPathOf } from "../disk/removal.ts";
import { StreamlabError } from "../base/errors.ts";
import { ARCHIVE_FOLDER, CHECKPOINTS_FOLDER, WAREHOUSE_FOLDER } from "../lake/layout.ts";
import { localFolder, type RawZone } from "../lake/raw_zone.ts";
import type { Store } from "../storage/store.ts";

/** Folders whose places are remembered; beyond it, all are looked up again. */
const KNOWN_FOLDERS_MAX = 10_000;

/**
 * The consumer's own tables, checkpoints and archive, if they are in its raw zone. Without this,
 * the output of each batch would be the input of the next, forever.
 */
export class OwnFiles {
  readonly #zone: RawZone;
  readonly #sink: Store;
  readonly #known = new Map<string, boolean>();

  constructor(zone: RawZone, sink: Store) {
    this.#zone = zone;
    this.#sink = sink;
  }

  /** Fails with `usage` where the whole zone is ours. */
  checkZone(): void {
    const { store, prefix } = this.#zone;
    const folder = localFolder(this.#zone) ?? `${store.root}/${prefix}`.replace(/\/+$/, "");
    if (!this.#isOwn(folder)) return;
    throw new StreamlabError("usage", `Cannot read events from ${folder}: the lake keeps its own files there`, {
      hint: "Name the folder of the event files with --raw",
    });
  }

  /**
   * Whether a file is ours, by its path in the zone's store; links on the way to it are followed.
   */
  holds(path: string): boolean {
    const { store } = this.#zone;
    const file = store.localPath(path) ?? `${store.root}/${path}`;
    const folder = file.slice(0, file.lastIndexOf("/"));
    let isOwn = this.#known.get(folder);
    if (isOwn === undefined) {
      if (this.#known.size >= KNOWN_FOLDERS_MAX) this.#known.clear();
      this.#known.set(folder, isOwn = this.#isOwn(folder));
    }
    return isOwn;
  }

  /** A missing place is not ours; it is looked up again when it is back. */
  forget(): void {
    this.#known.clear();
  }

  #isOwn(folder: string): boolean {
    const isLocal = this.#zone.store.localPath("x") !== undefined;
    if (isLocal !== (this.#sink.localPath("x") !== undefined)) return false;
    const place = (path: string) => `${isLocal ? realPathOf(path) : path}/`;
    const inside = place(folder);
    const owns = [WAREHOUSE_FOLDER, CHECKPOINTS_FOLDER, ARCHIVE_FOLDER];
    return owns.some((own) => inside.startsWith(place(`${this.#sink.root}/${own}`)));
  }
}
