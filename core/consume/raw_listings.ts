import type { Clock } from "../base/clock.ts";
import { readAhead } from "../base/read_ahead.ts";
import type { ListedFile, PassedOver } from "../storage/store.ts";
import { listZone, type RawListing } from "./discover.ts";
import { localFolder, type RawZone } from "../lake/raw_zone.ts";

/** Files that a listing reads ahead. */
const LISTED_AHEAD_MAX = 20_000;
/**
 * A full listing is repeated after this many times its own duration: at most a fifth of the time.
 */
const PAUSE_FACTOR = 4;
/** An upper bound: if the clock was set meanwhile, the duration can be any number. */
const PAUSE_MS_MAX = 600_000;
/**
 * Names before the last one that are listed again: some appear later than names that sort after
 * them. Half a page of S3.
 */
const OVERLAP = 500;

/** When the whole zone was listed last, how long that serves, and what is known up to. */
interface ListingState {
  wholeAtMs: number;
  pauseMs: number;
  after: string | undefined;
}

/** Observes each listed file before the listing is consumed. */
export interface ListingWatcher {
  see(file: ListedFile): void;
  /** The listing has ended. */
  seenAll(): void;
}

/**
 * Lists a remote zone again and again. New names usually sort last, because they begin with a date
 * or a time. So between two full listings only the end is listed, by one request whatever the
 * number of objects. The next full listing finds names that sort earlier.
 *
 * This only affects how soon a file is found: the ledger decides which files are new. A full
 * listing follows one that was not read to its end, or whose files were not all ingested.
 */
export class RawListings {
  #state: ListingState | undefined;
  #walked: ListingState | undefined;
  readonly #zone: RawZone;
  readonly #clock: Clock;
  readonly #watcher?: ListingWatcher;

  constructor(zone: RawZone, clock: Clock, watcher?: ListingWatcher) {
    this.#zone = zone;
    this.#clock = clock;
    this.#watcher = watcher;
  }

  /**
   * Begins to list before a name is needed. A listing older than the ledger is safe: files ingested
   * since are known. Undefined for a folder of this disk, which is listed only when needed: a
   * watcher must be set up first. `isWhole`: the end alone does not do.
   */
  begin(isWhole = false): RawListing | undefined {
    if (localFolder(this.#zone) !== undefined) return undefined;
    const state = isWhole ? undefined : this.#state;
    this.#state = undefined;
    this.#walked = undefined;
    return readAhead(this.#walk(state), LISTED_AHEAD_MAX);
  }

  /** The ledger has all files of the last listing. */
  taken(): void {
    this.#state = this.#walked;
  }

  /** A file of the listing must be found again. */
  forget(): void {
    this.#walked = undefined;
  }

  async *#walk(state: ListingState | undefined): AsyncGenerator<ListedFile | PassedOver> {
    const zone = this.#zone, clock = this.#clock;
    const startMs = clock.nowMs();
    const agoMs = state === undefined ? Infinity : startMs - state.wholeAtMs;
    // A clock that was set back must not delay the full listing.
    const last = state !== undefined && agoMs >= 0 && agoMs < state.pauseMs ? state : undefined;
    const after = last?.after;
    const lastPaths: string[] = [];
    let count = 0;
    for await (const file of listZone(zone, after)) {
      if ("why" in file) {
        yield file;
        continue;
      }
      lastPaths[count++ % OVERLAP] = file.path;
      this.#watcher?.see(file);
      yield file;
    }
    this.#watcher?.seenAll();
    const wholeAtMs = last?.wholeAtMs ?? clock.nowMs();
    const pauseMs = last?.pauseMs ?? Math.min(Math.max(0, PAUSE_FACTOR * (wholeAtMs - startMs)), PAUSE_MS_MAX);
    this.#walked = { wholeAtMs, pauseMs, after: count < OVERLAP ? after : lastPaths[count % OVERLAP] };
  }
}
