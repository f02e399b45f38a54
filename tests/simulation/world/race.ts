import { type Random, seededRandom } from "../../../core/base/random.ts";
import { Consumer } from "../../../core/consume/consumer.ts";
import { markerOf } from "../../../core/lake/target.ts";
import { identifiersOf, TABLE_ROLES } from "../../../core/lake/table_names.ts";
import { setProperties } from "../../../core/iceberg/action/set_properties.ts";
import type { Catalog, LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { setRef } from "../../../core/iceberg/action/update_refs.ts";
import { snapshotOfRef } from "../../../core/iceberg/format/table_metadata.ts";
import { planScan } from "../../../core/iceberg/scan/scan.ts";
import { commitTable } from "../../../core/iceberg/commit.ts";
import { expireTable } from "../../../core/maintain/removal/expire.ts";
import { rewriteTableManifests } from "../../../core/maintain/manifests.ts";
import { removeOrphans } from "../../../core/maintain/removal/orphans.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import type { Decision, Operation, Phase } from "../../support/simulated_disk.ts";
import { SimulatedDisk } from "../../support/simulated_disk.ts";
import { type FaultChances, faultsBySeed } from "../../support/simulated_faults.ts";
import { Crash, type SimulatedStore } from "../../support/simulated_store.ts";
import { SimulatedRestServer } from "../../support/simulated_rest_server.ts";
import { DataRows } from "./data_rows.ts";
import { withCoupon } from "./grown_contract.ts";
import { forgetDone } from "./forget_done.ts";
import { ForeignWriter } from "./foreign_writer.ts";
import { auditLake } from "./lake_audit.ts";
import { LedgerView } from "./ledger_view.ts";
import { isHarmless, joined, Life, type Tools } from "./life.ts";
import { compactLight, LightRewriting } from "./light_rewriting.ts";
import type { Rewriting } from "../../../core/maintain/compaction/rewriting.ts";
import { removeLight } from "./light_repeats.ts";
import { maintainAll } from "./maintain_all.ts";
import { replayLight } from "./light_replay.ts";
import { reingestAny } from "./light_reingest.ts";
import { LightRouter } from "./light_router.ts";
import { changed, keysIn, LIGHT_UPSERT } from "./light_upserts.ts";
import { arrayOf, corrupted, explained, extra, invalid, mended, type RawFile, valid } from "./raw_files.ts";

export interface RaceResult {
  operations: number;
  batches: number;
  crashes: number;
  problems: string[];
}

export interface RaceOptions {
  tools?: (rows: DataRows) => Tools;
  chances?: FaultChances;
  /**
   * The tables are in a REST catalog, and another engine always writes beside; else in the lake's
   * files, with one now and then.
   */
  isRest?: boolean;
  /**
   * The maintainer always compacts the table of events, and another engine always writes beside.
   */
  compacts?: boolean;
  /** Appends merge manifests as soon as there are two, and another engine always writes beside. */
  merges?: boolean;
  /**
   * Whether consumers look after their tables, and readers hold snapshots as long as they may;
   * default: now and then.
   */
  upkeeps?: boolean;
  /** Events that repeat another one are dropped; nobody writes beside. */
  dedupes?: boolean;
  /** Two maintainers remove events that repeat another one; nobody else writes beside. */
  removes?: boolean;
  /** Some consumers have a contract with one column more, and another engine adds columns. */
  grows?: boolean;
  /** Two maintainers replay dead letters. */
  replays?: boolean;
  /** With `replays`: they ingest files again, too. */
  reingests?: boolean;
  /** Of each key the newest event stays; nobody writes beside. */
  upserts?: boolean;
}

/** In a simulation all events have one time. */
const DEDUPE = { by: ["event_id"], at: "event_timestamp", withinMicros: "1" };
/** So few that most events repeat one. */
const KEYS = 6;

const target = { namespace: ["bronze"], name: "events" };
/** The process of another engine, for which nothing ever goes wrong. */
const foreign = "foreign";
const usualChances = { crash: 0.004, fail: 0.008, late: 0.008, twice: 0.008, delay: 0.02, delayMsMax: 3_000 };
/** A process that only reads, for which nothing goes wrong either. */
const reader = "reader";
/** How long files stay for it. */
const readersMs = 10_000;
const readers = 6;
const hourMs = 3_600_000;

/** The tools of a race: nothing in it waits for anything but the simulated disk. */
export function lightTools(rows: DataRows): Tools {
  return {
    router: (store) => new LightRouter(store, undefined, rows),
    known: () => new LedgerView(rows, "bronze.events"),
    openRewriting: () => Promise.resolve(new LightRewriting(rows)),
  };
}

/**
 * One lake, several consumers, maintainers and a producer, all at once. The seed decides who does
 * what, how long each operation takes, who crashes, who sleeps through the others' work, and which
 * requests fail, come late or twice.
 */
export class Race {
  readonly rows = new DataRows();
  readonly life: Life;
  readonly #random: Random;
  readonly #isFaulty: boolean;
  readonly #sleepers: { process: string; operation: number; ms: number }[] = [];
  readonly #counts = new Map<string, number>();
  #crashes = 0;

  readonly #foreign: ForeignWriter;
  #server: SimulatedRestServer | undefined;
  #upkeeps = false;
  /** Of the records of each version of a raw file. */
  readonly #keys = new Map<string, string[]>();
  /** What the reader missed. */
  readonly #missed: string[] = [];
  #tagged: bigint | undefined;
  readonly seed: number;
  readonly #options: RaceOptions;

  constructor(seed: number, options: RaceOptions = {}) {
    this.seed = seed;
    this.#options = options;

    this.#random = seededRandom(seed);
    this.#isFaulty = this.#random.next() < 0.7;
    this.#foreign = new ForeignWriter(this.rows, options.grows);
    const disk = new SimulatedDisk({ seed, latencyMsMax: 20 });
    const tools = {
      ...(options.tools ?? lightTools)(this.rows),
      ...(options.isRest && { openCatalog: (store: SimulatedStore) => this.#catalogOf(store) }),
    };
    this.life = new Life(tools, [], { disk, truth: new Map(), seed });
  }

  #catalogOf(store: SimulatedStore): Catalog {
    this.#server ??= new SimulatedRestServer(this.life.disk);
    return this.#server.catalogOf(store);
  }

  async run(): Promise<RaceResult> {
    const { disk } = this.life;
    const { chances = usualChances, isRest = false, compacts = false, merges = false, upkeeps } = this.#options;
    const { dedupes = false, removes = false, grows = false, replays = false, upserts = false } = this.#options;
    const faults = this.#isFaulty ? faultsBySeed(this.seed, chances) : undefined;
    disk.hook = (operation, phase) =>
      operation.process === foreign || operation.process === reader
        ? undefined
        : this.#sleep(operation, phase) ?? faults?.(operation, phase);
    const consumers = 2 + this.#below(2);
    const maintains = compacts || merges || removes || replays || (upkeeps !== true && this.#random.next() < 0.6);
    this.#upkeeps = upkeeps ?? (!compacts && this.#random.next() < 0.5);
    const processes = [this.#produce()];
    for (let number = 0; number < consumers; number++) processes.push(this.#consume(`consumer ${number}`));
    if (maintains) processes.push(this.#maintain("maintainer"));
    if (removes || replays) processes.push(this.#maintain("maintainer 2"));
    const isAccompanied = isRest || compacts || merges || grows || this.#random.next() < 0.3;
    if (isAccompanied && !dedupes && !removes && !upserts) processes.push(this.#writeBeside());
    // A maintainer deletes at once what it expires.
    if (this.#upkeeps && !maintains) {
      processes.push(...Array.from({ length: readers }, () => this.#read()), this.#tag());
    }
    await Promise.all(processes);
    return await this.#settle();
  }

  /** One undisturbed run at the end, then the audit. */
  async #settle(): Promise<RaceResult> {
    const { disk } = this.life;
    disk.hook = undefined;
    await this.#patiently("last consumer", (store) => this.#consumeOnce(store, {}));
    if (this.#upkeeps) {
      await disk.connect({ process: "time" }).clock.sleep(2 * hourMs);
      await this.#patiently("last consumer", (store) => this.#consumeOnce(store, {}));
    }
    const { dedupes, removes, replays, upserts } = this.#options;
    const isKeyed = dedupes || removes || upserts;
    if (replays) await this.#patiently("maintainer 3", (store) => replayLight(this.life, store, this.rows));
    if (removes) await this.#patiently("maintainer 3", (store) => this.#removeRepeats(this.life.surroundings(store)));
    const operations = disk.log.length;
    const { openCatalog } = this.life.tools;
    const problems = await auditLake(disk, this.life.truth, this.rows, {
      hints: !this.#isFaulty && openCatalog === undefined,
      foreign: this.#foreign,
      ...(isKeyed && { keysOf: (name: string, etag: string) => this.#keys.get(`${name} ${etag}`)! }),
      ...{ removes, upserts },
      ...(openCatalog && { catalog: openCatalog(disk.connect({ process: "auditor" })) }),
    });
    problems.push(...this.#missed, ...this.life.notes, ...await this.#auditTag());
    this.rows.close();
    const batches = new Set(disk.log.filter(({ path }) => path.endsWith(".routed.json")).map(({ path }) => path)).size;
    return { operations, batches, crashes: this.#crashes, problems };
  }

  /** Somebody tags a snapshot, to come back to it. */
  async #tag(): Promise<void> {
    const store = this.life.disk.connect({ process: reader });
    await store.clock.sleep(this.#below(4_000));
    const { catalog, clock, random } = this.life.foreignSurroundings(store);
    const { events } = identifiersOf(target);
    if (await catalog.loadTable(events) === undefined) return;
    const { table } = await commitTable(catalog, events, (transaction) => {
      const snapshotId = transaction.metadata.currentSnapshotId;
      if (snapshotId === undefined) return false;
      transaction.add(setRef(transaction.metadata, "audit", { snapshotId, type: "tag" }));
      return true;
    }, { clock, random });
    this.#tagged = table.metadata.refs.audit?.snapshotId;
  }

  /** The tag is where it was, with every file of its snapshot. */
  async #auditTag(): Promise<string[]> {
    if (this.#tagged === undefined) return [];
    const store = this.life.disk.connect({ process: "auditor" });
    const { io, metadata } =
      (await this.life.foreignSurroundings(store).catalog.loadTable(identifiersOf(target).events))!;
    if (metadata.refs.audit?.snapshotId !== this.#tagged) return ["the tag is gone"];
    const { files } = await planScan(io, metadata, { snapshot: snapshotOfRef(metadata, "audit") });
    const there = this.life.disk.files();
    return files.map(({ dataFile }) => dataFile.path).filter((path) => !there.has(io.location.pathOf(path)))
      .map((path) => `${path}, which a tag needs, is gone`);
  }

  async #produce(): Promise<void> {
    const { clock } = this.life.disk.connect({ process: "producer" });
    const files = 4 + this.#below(6);
    for (let number = 0; number < files; number++) {
      const chance = this.#random.next();
      const name = chance < 0.15 && number > 0 ? `f${this.#below(number)}.json` : `f${number}.json`;
      if (chance > 0.95 && number > 0) this.life.remove(`f${this.#below(number)}.json`);
      else this.#land(name, this.#file());
      await clock.sleep(this.#below(1_500));
    }
  }

  #land(name: string, file: RawFile): void {
    this.life.land(name, file);
    const path = `raw/events/${name}`;
    const key = `${path} ${this.life.disk.version(path)!.info.etag}`;
    if (file.truth !== "corrupted_batch") this.#keys.set(key, keysIn(file.bytes, this.#options.upserts));
  }

  #file(): RawFile {
    const { dedupes, removes, upserts } = this.#options;
    const keyed = () => dedupes || removes ? { event_id: `e${this.#below(KEYS)}` } : {};
    const key = upserts ? () => changed((limit) => this.#below(limit)) : keyed;
    const records = [valid(key()), invalid(), extra(), valid(key()), invalid()];
    const chance = this.#random.next();
    if (chance < 0.15) return corrupted();
    if (chance < 0.45) return arrayOf(invalid(), extra());
    if (this.#options.replays) return arrayOf(mended(), explained(), ...records.slice(1 + this.#below(2)), mended());
    return arrayOf(...records.slice(0, 1 + this.#below(records.length)));
  }

  /** Another engine, which changes the table of events now and then. */
  async #writeBeside(): Promise<void> {
    const times = 3 + this.#below(6);
    for (let time = 0; time < times; time++) {
      const store = this.life.disk.connect({ process: foreign });
      await store.clock.sleep(this.#below(2_000));
      const around = this.life.foreignSurroundings(store);
      const table = await around.catalog.loadTable(identifiersOf(target).events);
      // A column that comes between a batch with a new one and its commit stops the target.
      const chance = this.#random.next() * (this.#options.replays ? 0.8 : 1);
      if (table !== undefined) await this.#foreign.act(around, table, chance);
    }
  }

  async #consume(name: string): Promise<void> {
    const runs = (this.#upkeeps ? 5 : 2) + this.#below(3);
    if (this.#random.next() < 0.5) {
      const ms = Math.round(10 ** (2 + 4 * this.#random.next()));
      this.#sleepers.push({ process: name, operation: this.#below(150), ms });
    }
    for (let run = 0; run < runs; run++) {
      const maxFilesPerBatch = 1 + this.#below(3);
      await this.#patiently(name, (store) => this.#consumeOnce(store, { maxFilesPerBatch }));
    }
  }

  async #consumeOnce(store: SimulatedStore, changes: { maxFilesPerBatch?: number }): Promise<void> {
    const upkeep = this.#upkeeps ? joined(this.life.upkeep(store, readersMs)) : {};
    const dedupe = this.#options.dedupes ? DEDUPE : undefined,
      upsert = this.#options.upserts ? LIGHT_UPSERT : undefined;
    const grown = this.#options.grows && this.#below(3) > 0 ? { contract: withCoupon() } : {};
    const consumer = await Consumer.start(
      this.life.options(store, { ...changes, ...upkeep, ...grown, dedupe, upsert }),
    );
    const { signal } = new AbortController();
    await consumer.takeAll(signal, true);
    await store.clock.sleep(this.#below(this.#upkeeps ? 1_500 : 500));
    await consumer.takeAll(signal, true);
    await consumer.pause(this.#below(3_000), signal);
  }

  /** Begins to read a table, and ends within the time that readers are promised their files for. */
  async #read(): Promise<void> {
    const store = this.life.disk.connect({ process: reader });
    await store.clock.sleep(this.#below(6_000));
    const { catalog } = this.life.foreignSurroundings(store);
    const role = TABLE_ROLES[this.#below(TABLE_ROLES.length)]!;
    const table = await catalog.loadTable(identifiersOf(target)[role]);
    if (table === undefined) return;
    const { io, metadata } = table;
    const snapshot = snapshotOfRef(metadata);
    const { files } = await planScan(io, metadata);
    const manifests = [...(await io.readManifestList(snapshot)), { path: snapshot?.manifestList }];
    // What is left of the time is for reading.
    await store.clock.sleep(this.#below(readersMs * 0.8));
    for (const { path } of [...files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]), ...manifests]) {
      if (path === undefined) continue;
      if (await store.stat(table.io.location.pathOf(path)) !== undefined) continue;
      this.#missed.push(`a reader of ${role} missed ${path}`);
    }
  }

  async #maintain(name: string): Promise<void> {
    const rounds = 2 + this.#below(4);
    for (let round = 0; round < rounds; round++) {
      await this.#patiently(name, async (store) => {
        await store.clock.sleep(this.#below(1_000));
        const { reingests, replays } = this.#options;
        if (reingests && this.#below(3) === 0) return await reingestAny(this.life, store, this.rows, this.#random);
        if (replays && this.#below(2) === 0) return await replayLight(this.life, store, this.rows);
        const around = this.life.surroundings(store);
        const identifiers = identifiersOf(target);
        const { compacts, merges, removes } = this.#options;
        const role = compacts || merges || removes ? "events" : TABLE_ROLES[this.#below(TABLE_ROLES.length)]!;
        const table = await around.catalog.loadTable(identifiers[role]);
        const ledger = await around.catalog.loadTable(identifiers.ledger);
        if (table !== undefined && ledger !== undefined) await this.#maintainTable(around, table, ledger);
      });
    }
  }

  async #maintainTable(surroundings: Surroundings, table: LoadedTable, ledger: LoadedTable): Promise<void> {
    const { catalog, store, clock, random } = surroundings;
    const { compacts, merges, removes } = this.#options;
    if (removes && this.#below(4) > 0) return await this.#removeRepeats(surroundings);
    if (this.#options.replays && this.#below(3) === 0) {
      return await maintainAll(surroundings, table.identifier, this.#rewriting(surroundings));
    }
    const job = compacts ? 0 : merges ? 4 : this.#below(6);
    const dryRun = false;
    if (job === 0) await compactLight(surroundings, table, this.#rewriting(surroundings));
    if (job === 1) await expireTable(surroundings, table, { olderThanMs: 0, retainLast: 1, dryRun });
    if (job === 2) await removeOrphans(surroundings, table, { olderThanMs: this.#below(2) * hourMs, dryRun });
    if (job === 3) await rewriteTableManifests(surroundings, table, { dryRun });
    if (job === 4) {
      // So that a sleeper finds the numbers of old versions free again, and manifests are merged.
      const eager = { "write.metadata.previous-versions-max": "2", "commit.manifest.min-count-to-merge": "2" };
      await commitTable(catalog, table.identifier, (transaction) => {
        transaction.add(setProperties(eager));
      }, { clock, random });
    }
    if (job === 5) await forgetDone(store, markerOf(ledger.metadata, "bronze.events").batchId);
  }

  async #removeRepeats(surroundings: Surroundings): Promise<void> {
    await removeLight(surroundings, identifiersOf(target).events, this.rows, this.#below(2) === 0);
  }

  #rewriting(surroundings: Surroundings): Rewriting {
    const rewriting = new LightRewriting(this.rows);
    return this.life.tools.rewriting?.(rewriting, surroundings) ?? rewriting;
  }

  /** What a person or a script does: start again what failed, some times. */
  async #patiently(name: string, run: (store: SimulatedStore) => Promise<void>): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const store = this.life.disk.connect({ process: name, clockSkewMs: this.#below(10_000) - 5_000 });
      try {
        return await run(store);
      } catch (error) {
        if (error instanceof Crash) this.#crashes++;
        else if (!isHarmless(error, name)) throw error;
      }
    }
  }

  /** A zombie: at one operation of its life it stands still, while all others go on. */
  #sleep({ process }: Operation, phase: Phase): Decision | undefined {
    if (phase === "after") return undefined;
    const count = this.#counts.get(process) ?? 0;
    this.#counts.set(process, count + 1);
    const sleeper = this.#sleepers.find((item) => item.process === process && item.operation === count);
    return sleeper === undefined ? undefined : { do: "delay", ms: sleeper.ms };
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }
}
