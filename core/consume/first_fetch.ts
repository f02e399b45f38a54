import type { ListedFile } from "../storage/store.ts";
import { type BatchLimits, filesOfBatch, type PlannedFile } from "../lake/batch_plan.ts";
import type { RawZone } from "../lake/raw_zone.ts";
import { eventFileKind } from "../lake/event_file.ts";
import type { ListingWatcher } from "./raw_listings.ts";
import type { Router } from "../routing/router.ts";

/**
 * Files that are listed before the router gets them first; then whenever they have doubled, because
 * it gets all of them.
 */
const PORTION = 500;

/**
 * Without a ledger every file is new. So the first batch is fetched while the tables are created,
 * which takes several requests in a row. Fetching decides nothing; the plan uses what it needs.
 */
export class FirstFetch implements ListingWatcher {
  #files: PlannedFile[] = [];
  #told = 0;
  #state: "unknown" | "no ledger" | "over" = "unknown";
  readonly #zone: RawZone;
  readonly #limits: BatchLimits;
  readonly #router: Router;

  constructor(zone: RawZone, limits: BatchLimits, router: Router) {
    this.#zone = zone;
    this.#limits = limits;
    this.#router = router;
  }

  see({ path, info }: ListedFile): void {
    const zone = this.#zone, files = this.#files;
    if (this.#state === "over" || info === undefined || files.length >= this.#limits.maxFilesPerBatch) return;
    if (eventFileKind(path.slice(zone.prefix.length), zone.format) === undefined) return;
    files.push({ name: zone.nameBase + path, path, etag: info.etag, size: info.size });
    if (files.length >= Math.max(PORTION, 2 * this.#told)) this.#tell();
  }

  seenAll(): void {
    this.#tell();
  }

  /** There is no ledger. */
  begin(): void {
    if (this.#state !== "unknown") return;
    this.#state = "no ledger";
    this.#tell();
  }

  /** Stops guessing: from now on the ledger says what is new. */
  end(): void {
    this.#state = "over";
    this.#files = [];
  }

  #tell(): void {
    if (this.#state !== "no ledger" || this.#files.length === this.#told) return;
    this.#told = this.#files.length;
    this.#router.expect?.(filesOfBatch(this.#files, this.#limits), "now");
  }
}
