import type { Meter } from "../../base/meter.ts";
import { Gate } from "../../base/gate.ts";
import { mapParallel } from "../../base/parallel.ts";
import { isKind, StreamlabError } from "../../base/errors.ts";
import { SqlError } from "../../engine/sql_error.ts";
import { parentSnapshot } from "../../iceberg/action/snapshot_change.ts";
import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { ownPlaces } from "../../iceberg/own_files.ts";
import { deleteMade } from "../../storage/deletion.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { planScan, type ScanFile } from "../../iceberg/scan/scan.ts";
import type { RewriteGroup } from "./compaction_plan.ts";
import { DeleteReach } from "./delete_reach.ts";
import { newRewriteStem } from "../../lake/data_file_name.ts";
import { type Intent, removeIntent, rewrittenBegin, writeIntent } from "../../lake/intent.ts";
import { commitRewrites, type RewrittenGroup, type StageRewrite } from "./rewrite_commit.ts";
import { mayBeMissing, withNewest } from "../../tables/read/newest.ts";
import type { GroupRewriter, Rewriting } from "./rewriting.ts";
import { settleAbandoned } from "../abandoned_intents.ts";
import type { Surroundings } from "../surroundings.ts";

export interface CompactionOptions extends RewriteOptions {
  /** Which files of a scan are to be rewritten together. Fewer delete files make no more groups. */
  groupsOf(files: readonly ScanFile[]): RewriteGroup[];
  /** The files of the version that is given, where they are known. */
  files?: readonly ScanFile[] | undefined;
}

export interface RewriteOptions {
  /** What a commit changes; default: new files take the place of the old ones, row for row. */
  stage?: StageRewrite;
  /** After so long without a sign of life its intents count as abandoned. */
  patienceMs: number;
  /** Does nothing while somebody else rewrites files of the table. */
  givesWay?: boolean;
  dryRun: boolean;
  /** Groups that are rewritten at once; default: one after another. */
  atOnce?: GroupsAtOnce | undefined;
  /** Checked between groups: those that are done stay, and of one in the middle nothing. */
  signal: AbortSignal;
  /** Counts `files`, `groups` and `bytes` that are rewritten, of `filesMax` and so on. */
  meter: Meter;
  /** Told of the version that a commit has made. */
  committed?: ((table: LoadedTable) => void) | undefined;
  /** Told of each group when it is known what became of it. */
  groupDone?: ((outcome: GroupOutcome, group: RewriteGroup) => Promise<void>) | undefined;
}

export interface GroupOutcome {
  /** As its folder is called; empty without partitions. */
  partition: string;
  inputs: { files: number; bytes: number; records: number };
  outputs: { files: number; bytes: number; records: number };
  /** Why its files stay as they were; null: the new ones are part of the table. */
  dropped: string | null;
}

/** Groups begin while their estimated peaks together fit in memory. */
export interface GroupsAtOnce {
  groupsMax: number;
  memoryBytes: number;
  peakBytes(group: RewriteGroup): number;
}

/** What there is to rewrite in one version of a table. */
export interface RewritePlan {
  table: LoadedTable;
  rewriter: GroupRewriter;
  groups: RewriteGroup[];
  reach: DeleteReach;
}

export interface RewritePlanner {
  /** Undefined where there is nothing to do. */
  plan(newest: LoadedTable): Promise<RewritePlan | undefined>;
  close(): Promise<void> | void;
}

export interface CompactionReport {
  groups: number;
  inputs: { files: number; bytes: number; records: number };
  outputs: { files: number; bytes: number; records: number };
  /** Delete files that were applied and are gone. */
  deleteFiles: number;
  /** Groups that lost a race, with the reason; their files are as they were. */
  dropped: { files: number; reason: string }[];
  /** Whether the signal ended it early. */
  interrupted: boolean;
  /** Whether somebody else was at it. */
  gaveWay: boolean;
  /** Old intents that no compaction of this table can have written, and that were left. */
  foreignIntents: number;
}

/**
 * Groups are committed together up to this many bytes. Each commit is a snapshot, and a crash loses
 * what is not committed.
 */
const COMMIT_BYTES = 2e9;
const COMMIT_GROUPS = 50;
const ONE_AFTER_ANOTHER: GroupsAtOnce = { groupsMax: 1, memoryBytes: Infinity, peakBytes: () => 0 };

/**
 * Rewrites small files of a table into larger ones, and files with deleted rows without them.
 * `open` is called only if there is something to do, which is rare.
 */
export async function compact(
  surroundings: Surroundings,
  table: LoadedTable,
  options: CompactionOptions,
  open: () => Promise<Rewriting> | Rewriting,
): Promise<CompactionReport> {
  let rewriting: Rewriting | undefined;
  return await rewriteGroups(surroundings, table, options, {
    async plan(newest) {
      const { files } = newest === table && options.files !== undefined
        ? { files: options.files }
        : await planScan(newest.io, newest.metadata);
      if (options.groupsOf(files).length === 0) return undefined;
      rewriting ??= await open();
      const resolved = await rewriting.resolveDeletes(newest, files);
      return {
        table: newest,
        rewriter: rewriting.rewriterOf(newest),
        groups: options.groupsOf(resolved),
        reach: new DeleteReach(resolved),
      };
    },
    close: () => rewriting?.close(),
  });
}

/**
 * Rewrites what the planner finds in the newest version of a table, group by group: an intent, new
 * files, a commit. What was left of dead rewrites is settled before.
 */
export async function rewriteGroups(
  surroundings: Surroundings,
  table: LoadedTable,
  options: RewriteOptions,
  planner: RewritePlanner,
): Promise<CompactionReport> {
  // Fail before the work: the table may have a version that we cannot write.
  parentSnapshot(table.metadata);
  const { foreignIntents, standing } = options.dryRun
    ? { foreignIntents: 0, standing: 0 }
    : await settleAbandoned(surroundings, table);
  if (options.givesWay && standing > 0) return { ...emptyReport(), foreignIntents, gaveWay: true };
  try {
    const plan = (newest: LoadedTable) => planner.plan(newest);
    const planned = await withNewest(surroundings.catalog, table.identifier, plan, table);
    if (planned === undefined) return { ...emptyReport(), foreignIntents };
    const run = new Compaction(surroundings, planned, options);
    return { ...options.dryRun ? run.plan() : await run.run(), foreignIntents };
  } catch (error) {
    // Of groups that are stopped their own run tells: this is what comes before them.
    if (isKind(error, "interrupted") && options.signal.aborted) {
      return { ...emptyReport(), foreignIntents, interrupted: true };
    }
    throw error instanceof SqlError ? engineError(identifierText(table.identifier), error) : error;
  } finally {
    await planner.close();
  }
}

function engineError(table: string, cause: SqlError): StreamlabError {
  const action = `Cannot rewrite files of ${table}`;
  if (cause.kind === "unavailable") return cause.during(action);
  const hint = "The table is unchanged, except for groups that were committed before";
  return new StreamlabError("unavailable", `${action}: ${cause.state}`, { hint, cause });
}

function emptyReport(): CompactionReport {
  return {
    groups: 0,
    inputs: { files: 0, bytes: 0, records: 0 },
    outputs: { files: 0, bytes: 0, records: 0 },
    deleteFiles: 0,
    dropped: [],
    interrupted: false,
    gaveWay: false,
    foreignIntents: 0,
  };
}

class Compaction {
  readonly #report = emptyReport();
  #pending: RewrittenGroup[] = [];
  /** One commit at once: the next builds on what that one has made of the table. */
  readonly #commitGate = new Gate(1);
  readonly #surroundings: Surroundings;
  readonly #planned: RewritePlan;
  readonly #options: RewriteOptions;

  constructor(surroundings: Surroundings, planned: RewritePlan, options: RewriteOptions) {
    this.#surroundings = surroundings;
    this.#planned = planned;
    this.#options = options;
  }

  /** What `run` would do; sizes of new files are guessed from those of the old. */
  plan(): CompactionReport {
    const { groups, reach } = this.#planned;
    for (const group of groups) {
      this.#countInputs(group);
      const { inputs, outputs } = this.#report;
      outputs.files += group.outputs;
      [outputs.bytes, outputs.records] = [inputs.bytes, inputs.records];
    }
    this.#report.deleteFiles = reach.doneWithout(groups.flatMap(({ files }) => files)).length;
    return this.#report;
  }

  async run(): Promise<CompactionReport> {
    const { groups, rewriter } = this.#planned;
    try {
      return await this.#runGroups(groups);
    } finally {
      await rewriter.settle();
    }
  }

  async #runGroups(groups: readonly RewriteGroup[]): Promise<CompactionReport> {
    const { meter, signal, atOnce = ONE_AFTER_ANOTHER } = this.#options;
    const sum = (of: (group: RewriteGroup) => number) => groups.reduce((total, group) => total + of(group), 0);
    meter.countAll({
      groups: 0,
      groupsMax: groups.length,
      bytes: 0,
      bytesMax: sum(({ bytes }) => bytes),
      files: 0,
      filesMax: sum(({ files }) => files.length),
    });
    const memory = new Gate(atOnce.memoryBytes);
    const work = async (group: RewriteGroup, next: RewriteGroup | undefined) => {
      if (signal.aborted) {
        this.#report.interrupted = true;
        return;
      }
      const rewriting = this.#rewrite(group);
      if (next !== undefined) this.#planned.rewriter.prefetch(next);
      await rewriting;
    };
    try {
      await mapParallel(groups, atOnce.groupsMax, async (group, index) => {
        await memory.pass(atOnce.peakBytes(group), () => work(group, groups[index + 1]));
        meter.countAll({ groups: 1, bytes: group.bytes, files: group.files.length });
        await this.#commitGate.pass(1, () => this.#commitIfDue());
      });
    } catch (error) {
      // Groups that were rewritten before a failure are kept.
      await withoutHiding(() => this.#commit());
      throw error;
    }
    await this.#commit();
    return this.#report;
  }

  async #commitIfDue(): Promise<void> {
    const bytes = this.#pending.reduce((sum, pending) => sum + pending.group.bytes, 0);
    if (bytes >= COMMIT_BYTES || this.#pending.length >= COMMIT_GROUPS) await this.#commit();
  }

  async #rewrite(group: RewriteGroup): Promise<void> {
    const { store } = this.#surroundings;
    const intent = this.#intentOf(group);
    await writeIntent(store, intent);
    try {
      this.#pending.push({ group, outputs: await this.#planned.rewriter.rewrite(group, intent.id), intent });
    } catch (error) {
      const isStopped = isKind(error, "interrupted") && this.#options.signal.aborted;
      if (isStopped || !mayBeMissing(error) || await this.#areLive(group)) {
        // The failed group leaves nothing.
        await withoutHiding(() => this.#abandon(intent));
        if (!isStopped) throw error;
        this.#report.interrupted = true;
        return;
      }
      await this.#drop(group, intent, "another writer rewrote or removed them");
    }
  }

  #intentOf(group: RewriteGroup): Intent {
    const { random, clock } = this.#surroundings;
    const { table, rewriter } = this.#planned;
    const id = newRewriteStem(random);
    return {
      format: 2,
      kind: "compaction",
      id,
      table: identifierText(table.identifier),
      tableUuid: table.metadata.tableUuid,
      startedAt: new Date(clock.nowMs()).toISOString(),
      stem: rewrittenBegin(table.io.location, rewriter.folderOf(group), id),
      inputs: group.files.map(({ dataFile }) => dataFile.path),
      fenced: false,
      patienceMs: this.#options.patienceMs,
    };
  }

  /** Whether the files of a group are still part of the table, so that they have to be there. */
  async #areLive(group: RewriteGroup): Promise<boolean> {
    const { catalog } = this.#surroundings;
    const scan = await withNewest(
      catalog,
      this.#planned.table.identifier,
      ({ io, metadata }) => planScan(io, metadata),
    );
    const live = new Set(scan.files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]).map(({ path }) => path));
    return group.files.every(({ dataFile, deletes }) => [dataFile, ...deletes].every(({ path }) => live.has(path)));
  }

  async #commit(): Promise<void> {
    const pending = this.#pending.splice(0);
    if (pending.length === 0) return;
    const { table, reach } = this.#planned;
    const waiting = reach.doneWithout(pending.flatMap(({ group }) => group.files)).length;
    // If this throws, the outcome of the commit is unknown: the new files and the intents stay, to
    // be settled later.
    const outcome = await commitRewrites(this.#surroundings, table, pending, reach, this.#options.stage);
    if (outcome.table !== undefined) this.#options.committed?.(outcome.table);
    for (const { group, outputs, intent } of outcome.committed) {
      this.#countInputs(group);
      const written = sizeOf(outputs), total = this.#report.outputs;
      total.files += written.files;
      total.bytes += written.bytes;
      total.records += written.records;
      await removeIntent(this.#surroundings.store, intent);
      await this.#tell(group, outputs, null);
    }
    if (outcome.dropped.length === 0) this.#report.deleteFiles += waiting;
    for (const { group, reason } of outcome.dropped) {
      await this.#drop(group.group, group.intent, reason);
    }
  }

  async #drop(group: RewriteGroup, intent: Intent, reason: string): Promise<void> {
    this.#report.dropped.push({ files: group.files.length, reason });
    await this.#abandon(intent);
    await this.#tell(group, [], reason);
  }

  async #tell(group: RewriteGroup, outputs: readonly DataFile[], dropped: string | null): Promise<void> {
    await this.#options.groupDone?.({
      partition: this.#planned.rewriter.folderOf(group),
      inputs: sizeOf(group.files.map(({ dataFile }) => dataFile)),
      outputs: sizeOf(outputs),
      dropped,
    }, group);
  }

  /** Removes the new files of a group that will never be committed, and its intent. */
  async #abandon(intent: Intent): Promise<void> {
    const { store } = this.#planned.table.io.location;
    const paths: string[] = [];
    for await (const { path } of store.list(intent.stem)) paths.push(path);
    await deleteMade(store, paths, ownPlaces(this.#planned.table.io.location, {}, ["data"]));
    await removeIntent(this.#surroundings.store, intent);
  }

  #countInputs({ files }: RewriteGroup): void {
    const read = sizeOf(files.map(({ dataFile }) => dataFile)), total = this.#report.inputs;
    this.#report.groups++;
    total.files += read.files;
    total.bytes += read.bytes;
    total.records += read.records;
  }
}

function sizeOf(files: readonly DataFile[]): GroupOutcome["inputs"] {
  return {
    files: files.length,
    bytes: files.reduce((sum, { fileSizeBytes }) => sum + fileSizeBytes, 0),
    records: files.reduce((sum, { recordCount }) => sum + recordCount, 0),
  };
}

/** After a failure: another one would hide the first. */
async function withoutHiding(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof StreamlabError)) throw error;
  }
}
