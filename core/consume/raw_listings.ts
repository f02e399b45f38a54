import type { Clock } from "../base/clock.ts";
import { readAhead } from "../base/read_ahead.ts";
import type { ListedFile } from "../storage/store.ts";
import { type RawListing } from "./discover.ts";
import { localFolder, type RawZone } from "../lake/raw_zone.ts";

/** Files that a listing is ahead of whoever waits for it. */
const LISTED_AHEAD_MAX = 20_000;
/**
 * The whole zone is listed again when so many times as long as it took has passed: a fifth of the
 * time at most.
 */
const PAUSE_FACTOR = 4;
/** However long it took: a clock that was set meanwhile makes that any number. */
const PAUSE_MS_MAX = 600_000;
/**
 * Names before the last one that are asked for again: some appear later than others that come after
 * them. Half a page of S3's.
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
 * Lists a zone that is elsewhere, again and again. New names mostly are the last ones, for they
 * begin with a date or a time; so between two listings of the whole zone only its end is listed,
 * which is one request whatever the number of objects. What comes to lie further ahead is found by
 * the next whole one.
 *
 * Nothing rests on that but how soon a file is noticed: which files are new is for the ledger to
 * say, and a listing that was not followed to the end, or whose files were not all taken, is
 * followed by a whole one.
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
   * Begins to list, before anybody asks for a name. A listing older than the ledger is safe: what
   * was taken since is known. Undefined for a folder of this disk, which is listed when it is
   * needed: whoever watches for new files must not have looked before.
   */
  begin(): RawListing | undefined {
    if (localFolder(this.#zone) !== undefined) return undefined;
    const state = this.#state;
    this.#state = undefined;
    this.#walked = undefined;
    return readAhead(this.#walk(state), LISTED_AHEAD_MAX);
  }

  /** All that the last listing told of is in the ledger. */
  taken(): void {
    this.#state = this.#walked;
  }

  /** Something that a listing told of is to be looked for again. */
  forget(): void {
    this.#walked = undefined;
  }

  async *#walk(state: ListingState | undefined): AsyncGenerator<ListedFile> {
    const zone = this.#zone, clock = this.#clock;
    const startMs = clock.nowMs();
    const agoMs = state === undefined ? Infinity : startMs - state.wholeAtMs;
    // A clock that was set back must not put the whole off.
    const last = state !== undefined && agoMs >= 0 && agoMs < state.pauseMs ? state : undefined;
    const after = last?.after;
    const lastPaths: string[] = [];
    let count = 0;
    for await (const file of zone.store.list(zone.prefix, after === undefined ? {} : { after })) {
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
