import type { Clock } from "../base/clock.ts";

/** How often the folder's name is checked: it may lead to another folder, or to one again. */
const LOOK_MS = 500, LOOK_MS_GONE = 50;

export interface WatchEvents {
  /**
   * Something below the folder may have changed: at these paths below it, or anywhere if they are
   * not known.
   */
  onChange(paths: readonly string[] | undefined): void;
  /** The folder was removed or moved away; it is watched again as soon as there is one. */
  onGone(): void;
  onBack(): void;
}

/**
 * Says when something below a local folder may have changed. Hints only: what counts is the next
 * listing. The system watches a folder, not its name. A folder that was removed and created again
 * is another one, so the name is checked now and then.
 */
export class FolderWatch {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #watcher: Deno.FsWatcher | undefined;
  /** Of the folder that is watched; undefined where it was removed. */
  #identity: string | undefined;
  #realFolder = "";

  private constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /**
   * Undefined if the system cannot watch the folder (missing, no watches left). The caller then has
   * to poll.
   */
  static open(folder: string, clock: Clock): FolderWatch | undefined {
    try {
      Deno.mkdirSync(folder, { recursive: true });
      const watch = new FolderWatch(folder, clock);
      watch.#begin();
      return watch;
    } catch {
      return undefined;
    }
  }

  /** Reports changes until closed. */
  async run(events: WatchEvents): Promise<void> {
    const closed = this.#closing.signal;
    let forwarding = this.#forward(events);
    while (!closed.aborted) {
      await this.#clock.sleep(this.#watcher === undefined ? LOOK_MS_GONE : LOOK_MS, closed);
      if (closed.aborted) break;
      const identity = identityOf(this.#folder);
      if (this.#watcher !== undefined && identity !== undefined && identity === this.#identity) continue;
      if (this.#watcher !== undefined) {
        this.#end();
        await forwarding;
        events.onGone();
      }
      if (identity === undefined || !this.#tryBegin()) continue;
      forwarding = this.#forward(events);
      events.onBack();
    }
    await forwarding;
  }

  close(): void {
    this.#closing.abort();
    this.#end();
  }

  #begin(): void {
    this.#identity = identityOf(this.#folder);
    this.#realFolder = Deno.realPathSync(this.#folder);
    this.#watcher = Deno.watchFs(this.#folder, { recursive: true });
  }

  #tryBegin(): boolean {
    try {
      this.#begin();
      return true;
    } catch {
      return false;
    }
  }

  #end(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #forward(events: WatchEvents): Promise<void> {
    for await (const { kind, paths, flag } of this.#watcher ?? []) {
      // A new folder may get the inode of the old one.
      if (kind === "remove" && paths.some((path) => path === this.#folder || path === this.#realFolder)) {
        this.#identity = undefined;
      }
      const below = paths.map((path) => this.#pathBelow(path));
      const isKnown = flag !== "rescan" && below.length > 0 && below.every((path) => path !== undefined);
      events.onChange(isKnown ? below as string[] : undefined);
    }
  }

  /** Undefined for the folder itself, and for a name that is not UTF-8. */
  #pathBelow(path: string): string | undefined {
    const base = [this.#folder, this.#realFolder].find((folder) => path.startsWith(`${folder}/`));
    return base === undefined || path.includes("\ufffd") ? undefined : path.slice(base.length + 1);
  }
}

/** Which folder a name leads to; undefined where there is none. */
function identityOf(folder: string): string | undefined {
  try {
    const { dev, ino, birthtime, isDirectory } = Deno.statSync(folder);
    return isDirectory ? `${dev} ${ino} ${birthtime?.getTime()}` : undefined;
  } catch {
    return undefined;
  }
}
