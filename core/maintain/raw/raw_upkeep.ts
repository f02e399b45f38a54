import { messageOf, StreamlabError } from "../../base/errors.ts";
import { readPlan } from "../../lake/checkpoint.ts";
import { eventFileKind } from "../../lake/event_file.ts";
import { lastBatchOf } from "../../lake/keys.ts";
import { isArchived } from "../../lake/raw_archive.ts";
import type { RawZone } from "../../lake/raw_zone.ts";
import { identifiersOf } from "../../lake/table_names.ts";
import { type UpkeepRecord, upkeepRecord } from "../../lake/upkeep_history.ts";
import { identifierText, type LoadedTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import type { Surroundings } from "../surroundings.ts";
import { UpkeepPace } from "../upkeep/pace.ts";
import { UpkeepLog } from "../upkeep/upkeep_log.ts";
import type { WorkshopOptions } from "../workshop.ts";
import { type IngestedFile, ingestedFiles, type ReadFile } from "./ingested_files.ts";
import { type AfterIngest, removeRaw } from "./raw_removal.ts";
import { RawReaders } from "./raw_readers.ts";

export interface RawUpkeepOptions extends Omit<WorkshopOptions, "leavesLake"> {
  zone: RawZone;
  target: TableIdentifier;
  action: AfterIngest;
  /** How long ago a file must have been ingested. */
  ageMs: number;
  /** Of the consumer's time, from 0 to 1. */
  share: number;
  /** Told of each portion that was done. */
  report(record: UpkeepRecord): void;
  note(text: string): void;
}

/** A moment between two batches, as `UpkeepMoment` has it. */
export interface RawMoment {
  idleMs: number;
  signal: AbortSignal;
}

/** Files that are looked up in the ledger at once. */
const LISTED_MAX = 20_000;
/** Files of one piece. */
const PIECE_FILES = 64;
/** After a look at the whole zone. */
const PAUSE_MS_MIN = 60_000, PAUSE_MS_MAX = 3_600_000;

/**
 * Looks after the raw zone of a target: files that were ingested long enough ago go to the archive,
 * or away, in pieces and within a share of the time. What the ledger does not account for stays.
 */
export class RawUpkeep {
  readonly #surroundings: Surroundings;
  readonly #options: RawUpkeepOptions;
  readonly #pace: UpkeepPace;
  /** Of the listing that goes on. */
  #after: string | undefined;
  #due: IngestedFile[] = [];
  #nextMs = -Infinity;
  #failures = 0;
  readonly #told = new Set<string>();
  readonly #log: UpkeepLog;

  constructor(surroundings: Surroundings, options: RawUpkeepOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
    this.#log = new UpkeepLog(surroundings);
    this.#pace = new UpkeepPace(options.share, surroundings.clock.nowMs());
  }

  /** One piece, or as many as fit where nothing else is to be done. */
  async run({ idleMs, signal }: RawMoment): Promise<void> {
    const { clock } = this.#surroundings;
    const endMs = clock.nowMs() + idleMs;
    do {
      const startMs = clock.nowMs();
      if (!this.#isDue() || !this.#pace.mayStart(startMs)) return;
      await this.#tryStep();
      const nowMs = clock.nowMs();
      this.#pace.spent(nowMs - startMs, nowMs);
    } while (!signal.aborted && clock.nowMs() < endMs);
  }

  /** All that is due now. */
  async runWhole(signal: AbortSignal): Promise<void> {
    this.#nextMs = -Infinity;
    while (!signal.aborted && this.#isDue()) await this.#tryStep();
  }

  /** Writes down what was done since the last time. */
  async close(): Promise<void> {
    await this.#log.close();
  }

  #isDue(): boolean {
    return this.#due.length > 0 || this.#surroundings.clock.nowMs() >= this.#nextMs;
  }

  /** What fails must not end the batches; it is tried again, later each time. */
  async #tryStep(): Promise<void> {
    try {
      if (this.#due.length > 0) await this.#removePiece();
      else await this.#look();
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof StreamlabError)) throw error;
      this.#due = [];
      this.#after = undefined;
      this.#nextMs = this.#surroundings.clock.nowMs() + Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.#failures++);
      this.#options.note(`Upkeep of the raw files of ${this.#name} waits a while: ${messageOf(error)}`);
    }
  }

  get #name(): string {
    return identifierText(this.#options.target);
  }

  /** Finds what is due in the next part of the zone. */
  async #look(): Promise<void> {
    const { catalog, clock } = this.#surroundings;
    const { target, action, ageMs, temporaryFolder, threads, memory } = this.#options;
    const { files, isEnd } = await this.#list();
    const events = await catalog.loadTable(target);
    const { ledger: ledgerName, deadLetters } = identifiersOf(target, events?.metadata.properties);
    const ledger = await catalog.loadTable(ledgerName);
    if (files.length > 0 && ledger !== undefined) {
      const ingested = await ingestedFiles(this.#surroundings, files, {
        ledger,
        letters: action === "delete" ? await catalog.loadTable(deadLetters) : undefined,
        untilMs: clock.nowMs() - ageMs,
        temporaryFolder,
        threads,
        memory,
      });
      const planned = await this.#plannedPaths(files, ledger);
      this.#due = ingested.filter(({ path }) => !planned.has(path));
    }
    if (isEnd) this.#endLook();
  }

  /** What a batch under way is to read, once more. */
  async #plannedPaths(files: readonly ReadFile[], { metadata }: LoadedTable): Promise<Set<string>> {
    const planned = new Set<string>();
    for (const target of new Set(files.flatMap(({ readers }) => readers.map((reader) => reader.target)))) {
      const next = lastBatchOf(metadata.properties, target) + 1n;
      const plan = await readPlan(this.#surroundings.store, target, next);
      const names = new Set(plan?.files.map(({ name }) => name));
      for (const { path, readers } of files) {
        if (readers.some((reader) => reader.target === target && names.has(reader.name))) planned.add(path);
      }
    }
    return planned;
  }

  #endLook(): void {
    this.#after = undefined;
    this.#nextMs = this.#surroundings.clock.nowMs() +
      Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, this.#options.ageMs / 10));
  }

  async #removePiece(): Promise<void> {
    const { store, clock } = this.#surroundings;
    const { zone, action, report } = this.#options;
    const startMs = clock.nowMs();
    const piece = this.#due.slice(0, PIECE_FILES);
    const { files, bytes, left } = await removeRaw(store, zone, piece, action);
    this.#due = this.#due.slice(PIECE_FILES);
    for (const each of left) this.#tell(each);
    if (files === 0) return;
    const run = { table: this.#name, by: "consume", action: `${action}-raw-files`, startMs, done: { files, bytes } };
    const record = upkeepRecord(run, this.#surroundings);
    report(record);
    this.#log.keep(record);
    await this.#log.flush();
  }

  /** One of each kind is enough to know of. */
  #tell({ path, reason }: { path: string; reason: string }): void {
    if (this.#told.has(reason)) return;
    this.#told.add(reason);
    this.#options.note(`The raw file ${this.#options.zone.nameBase}${path} stays where it is: it ${reason}`);
  }

  /** Event files of the zone that this target, too, is fed from. */
  async #list(): Promise<{ files: ReadFile[]; isEnd: boolean }> {
    const { zone } = this.#options;
    const readers = await RawReaders.of(this.#surroundings, zone);
    const files: ReadFile[] = [];
    const onPassedOver = () => {};
    const after = this.#after === undefined ? {} : { after: this.#after };
    for await (const { path } of zone.store.list(zone.prefix, { ...after, onPassedOver })) {
      if (isArchived(zone.nameBase + path)) continue;
      if (eventFileKind(path.slice(zone.prefix.length), zone.format) === undefined) continue;
      const own = readers.of(path);
      if (own.some(({ target }) => target === this.#name)) files.push({ path, readers: own });
      this.#after = path;
      if (files.length === LISTED_MAX) return { files, isEnd: false };
    }
    return { files, isEnd: true };
  }
}
