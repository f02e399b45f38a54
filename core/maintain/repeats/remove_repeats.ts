import { StreamlabError } from "../../base/errors.ts";
import type { Meter } from "../../base/meter.ts";
import { overwriteFiles } from "../../iceberg/action/overwrite_files.ts";
import { rowDelta } from "../../iceberg/action/row_delta.ts";
import { setProperties } from "../../iceberg/action/set_properties.ts";
import { identifierText, type LoadedTable, requireTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { planScan, type ScanFile } from "../../iceberg/scan/scan.ts";
import { readPlan } from "../../lake/checkpoint.ts";
import { LEDGER } from "../../lake/table_names.ts";
import { markerOf } from "../../lake/target.ts";
import { removedProperty } from "../../lake/removed_repeats.ts";
import {
  type CompactionReport,
  type GroupOutcome,
  type GroupsAtOnce,
  rewriteGroups,
  type RewritePlan,
} from "../compaction/compact.ts";
import { byPartition, group, planGroups, type RewriteGroup } from "../compaction/compaction_plan.ts";
import { DeleteReach } from "../compaction/delete_reach.ts";
import type { StageRewrite } from "../compaction/rewrite_commit.ts";
import type { Surroundings } from "../surroundings.ts";
import type { FoundRepeats, RepeatWork } from "./repeat_work.ts";
import { requireSameRows } from "./same_rows.ts";

export interface RepeatRemoval {
  /** The columns that make a key. */
  by: readonly string[];
  /** The last batch that the ledger has: repeats in later ones stay. */
  through: bigint;
  /** By files that delete rows by position; else the data files are written anew. */
  mergeOnRead: boolean;
  /** The size that new data files should have, bytes. */
  targetFileSize: number;
  /** See `RewriteOptions`. */
  patienceMs: number;
  atOnce?: GroupsAtOnce | undefined;
  dryRun: boolean;
  signal: AbortSignal;
  meter: Meter;
}

export interface RepeatsReport {
  by: readonly string[];
  mergeOnRead: boolean;
  /** Rows that were removed, or would be. */
  repeats: number;
  /** The data files that they were in. */
  inputs: { files: number; bytes: number };
  /** The files that were written: of rows, or of deletes. */
  outputs: { files: number; bytes: number };
  /** Groups of files whose repeats are still there, with the reason. */
  dropped: CompactionReport["dropped"];
  /** Whether the signal ended it early. */
  interrupted: boolean;
  /** See `CompactionReport`. */
  foreignIntents: number;
}

/**
 * The table of events, and the last batch that the ledger has. The ledger first: what the table has
 * beyond it belongs to a batch that is under way.
 */
export async function loadToRemove(
  surroundings: Surroundings,
  identifier: TableIdentifier,
): Promise<{ table: LoadedTable; through: bigint }> {
  const through = await requireNoReingest(surroundings, identifierText(identifier));
  return { table: await requireTable(surroundings.catalog, identifier), through };
}

/**
 * Rows that a reingest brings back would be missing by the account of what was removed. Returns the
 * last batch of the ledger.
 */
async function requireNoReingest({ catalog, store }: Surroundings, target: string): Promise<bigint> {
  const ledger = await catalog.loadTable(LEDGER);
  const last = ledger === undefined ? 0n : markerOf(ledger.metadata, target).batchId;
  if ((await readPlan(store, target, last + 1n))?.reingest === undefined) return last;
  throw new StreamlabError(
    "conflict",
    `Cannot remove repeats from ${target}: batch ${last + 1n}, which is under way, ingests files again`,
    { hint: "Run again when it is done; consume finishes it, too" },
  );
}

/** How often what lost a race is looked for again. */
const ROUNDS_MAX = 8;

/**
 * Removes rows whose key an earlier one has: by batch, then file, then position in it; first of all
 * comes what no batch has brought. Group by group, each with its account in the same commit. Groups
 * that lose a race are looked for again in what the table is then.
 */
export async function removeRepeats(
  surroundings: Surroundings,
  table: LoadedTable,
  removal: RepeatRemoval,
  open: () => Promise<RepeatWork> | RepeatWork,
): Promise<RepeatsReport> {
  const report: RepeatsReport = {
    by: removal.by,
    mergeOnRead: removal.mergeOnRead,
    repeats: 0,
    inputs: { files: 0, bytes: 0 },
    outputs: { files: 0, bytes: 0 },
    dropped: [],
    interrupted: false,
    foreignIntents: 0,
  };
  let newest = table;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const { dropped, interrupted, foreignIntents } = await new Round(surroundings, removal, report).run(newest, open);
    Object.assign(report, { dropped, interrupted, foreignIntents });
    if (dropped.length === 0 || interrupted) break;
    newest = await requireTable(surroundings.catalog, table.identifier);
  }
  return report;
}

/** One look at the table, and what comes of it. */
class Round {
  readonly #surroundings: Surroundings;
  readonly #removal: RepeatRemoval;
  readonly #report: RepeatsReport;
  /** The snapshot that was looked at. */
  #since: bigint | undefined;
  /** Snapshots of this round, tried ones included. */
  readonly #own = new Set<bigint>();
  #repeats: ReadonlyMap<string, FoundRepeats> = new Map();

  constructor(surroundings: Surroundings, removal: RepeatRemoval, report: RepeatsReport) {
    this.#surroundings = surroundings;
    this.#removal = removal;
    this.#report = report;
  }

  async run(table: LoadedTable, open: () => Promise<RepeatWork> | RepeatWork): Promise<CompactionReport> {
    let work: RepeatWork | undefined;
    const options = {
      ...this.#removal,
      stage: this.#stageFor(identifierText(table.identifier)),
      groupDone: (outcome: GroupOutcome, group: RewriteGroup) => Promise.resolve(this.#count(outcome, group)),
    };
    return await rewriteGroups(this.#surroundings, table, options, {
      plan: async (newest) => await this.#plan(newest, work ??= await open()),
      close: () => work?.close(),
    });
  }

  async #plan(table: LoadedTable, work: RepeatWork): Promise<RewritePlan | undefined> {
    const { dryRun, mergeOnRead } = this.#removal;
    const { files } = await planScan(table.io, table.metadata);
    const resolved = await work.resolveDeletes(table, files);
    this.#since = table.metadata.currentSnapshotId;
    this.#repeats = await work.find(table, resolved);
    const groups = this.#groupsOf(resolved.filter(({ dataFile }) => this.#repeats.has(dataFile.path)));
    if (groups.length === 0) return undefined;
    if (dryRun) {
      for (const group of groups) this.#countGroup(group);
    }
    // Delete files that apply to nothing else go with the data files that are written anew.
    const reach = new DeleteReach(mergeOnRead ? [] : resolved);
    return { table, rewriter: await work.rewriterOf(table, dryRun ? [] : groups), groups, reach };
  }

  /** Files written anew are joined as compaction would; of deletes a partition needs one. */
  #groupsOf(files: readonly ScanFile[]): RewriteGroup[] {
    const { mergeOnRead, targetFileSize } = this.#removal;
    if (mergeOnRead) return byPartition(files).map((partition) => group(partition, Infinity));
    const original = new Map(files.map((file) => [file.dataFile.path, file]));
    // As if rows of each were deleted already, so that size is no reason to leave it.
    const marked = files.map((file) => ({ ...file, deletes: [...file.deletes, file.dataFile] }));
    return planGroups(marked, { targetFileSize, inputsMin: 1, sorts: false }).map((each) => ({
      ...each,
      files: each.files.map(({ dataFile }) => original.get(dataFile.path)!),
    }));
  }

  #stageFor(target: string): StageRewrite {
    const { by, through, mergeOnRead } = this.#removal;
    return async (transaction, { inputs, outputs, startingSequenceNumber }, groups) => {
      await requireNoReingest(this.#surroundings, target);
      requireSameRows(transaction.metadata, this.#since, this.#own);
      const files = groups.flatMap(({ group }) => group.files);
      if (mergeOnRead) {
        const referenced = files.map(({ dataFile }) => dataFile.path);
        transaction.add(await rowDelta(transaction, { dataFiles: [], deleteFiles: outputs, referenced }));
      } else {
        const age = { startingSequenceNumber, dataSequenceNumber: startingSequenceNumber };
        transaction.add(await overwriteFiles(transaction, { added: outputs, removed: inputs, ...age }));
      }
      const events = files.reduce((sum, { dataFile }) => sum + this.#repeats.get(dataFile.path)!.events, 0);
      const removed = { by: [...by], through: Number(through), events };
      transaction.add(setProperties(removedProperty(transaction.metadata.properties, target, removed)));
      this.#own.add(transaction.metadata.currentSnapshotId!);
    };
  }

  #count({ dropped, outputs }: GroupOutcome, group: RewriteGroup): void {
    if (dropped !== null) return;
    this.#countGroup(group);
    this.#report.outputs.files += outputs.files;
    this.#report.outputs.bytes += outputs.bytes;
  }

  #countGroup({ files, bytes }: RewriteGroup): void {
    const { inputs } = this.#report;
    inputs.files += files.length;
    inputs.bytes += bytes;
    for (const { dataFile } of files) this.#report.repeats += this.#repeats.get(dataFile.path)!.rows;
  }
}
