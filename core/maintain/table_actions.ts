import type { Meter } from "../base/meter.ts";
import type { LoadedTable } from "../iceberg/catalog/catalog.ts";
import type { GroupOutcome } from "./compaction/compact.ts";
import type { TableCompactionReport } from "./compaction/compact_table.ts";
import type { ManifestsReport } from "./manifests.ts";
import type { ExpiryReport } from "./removal/expire.ts";
import type { OrphansReport } from "./removal/orphans.ts";
import type { ClusterTasks } from "../routing/task_cluster.ts";
import type { Surroundings } from "./surroundings.ts";
import { usualPolicy } from "./upkeep/policy.ts";
import type { WorkshopOptions } from "./workshop.ts";

/** What is wished besides what every action does; each has what it does without. */
export interface ActionWishes {
  /** Of data files, bytes; default: as the table says. */
  targetFileSize?: number | undefined;
  /** Rows of each partition are put in that order; default: in the table's own. */
  sortBy?: readonly string[] | undefined;
  /** Of a snapshot, and of a file that nothing names. */
  olderThanMs?: number | undefined;
  /** Snapshots of each branch that never expire. */
  retainLast?: number | undefined;
}

export interface ActionWork extends ActionWishes {
  surroundings: Surroundings;
  machine: Omit<WorkshopOptions, "leavesLake">;
  dryRun: boolean;
  signal: AbortSignal;
  meter: Meter;
  /** Where a compaction rewrites its groups; default: in this process. */
  tasks?: ClusterTasks | undefined;
  /** Of a compaction: told of each group when it is known what became of it. */
  groupDone?: ((group: GroupOutcome) => Promise<void>) | undefined;
}

export interface RemovalReport extends OrphansReport {
  /** Files that expired snapshots had needed, and no reader any more. */
  waited: { files: number; bytes: number };
}

/** Of files that nothing names: their age without a wish. */
export const ORPHAN_MS = 3 * 86_400_000;
/** Whoever asks for a compaction wants any two files that belong together in one. */
const INPUTS_MIN = 2;

/**
 * What can be done to one table by hand, by the names that the command line has, in the order in
 * which it is done. Each loads what it needs when it runs.
 */
export const TABLE_ACTIONS = {
  "compact": async (work: ActionWork, table: LoadedTable): Promise<TableCompactionReport> => {
    const { compactTable } = await import("./compaction/compact_table.ts");
    const { surroundings, machine, dryRun, signal, meter, targetFileSize, sortBy = [], groupDone, tasks } = work;
    const options = {
      ...machine,
      targetFileSize,
      inputsMin: INPUTS_MIN,
      sortBy,
      dryRun,
      signal,
      meter,
      groupDone,
      tasks,
    };
    return await compactTable(surroundings, table, options);
  },
  "rewrite-manifests": async ({ surroundings, dryRun }: ActionWork, table: LoadedTable): Promise<ManifestsReport> => {
    const { rewriteTableManifests } = await import("./manifests.ts");
    return await rewriteTableManifests(surroundings, table, { dryRun });
  },
  "expire-snapshots": async (work: ActionWork, table: LoadedTable): Promise<ExpiryReport> => {
    const { expireTable } = await import("./removal/expire.ts");
    return await expireTable(work.surroundings, table, work);
  },
  "remove-orphans": removeFiles,
} as const;

export type TableActionName = keyof typeof TABLE_ACTIONS;

async function removeFiles(work: ActionWork, table: LoadedTable): Promise<RemovalReport> {
  const [{ removeOrphans }, { deleteDue }] = await Promise.all([
    import("./removal/orphans.ts"),
    import("./upkeep/waiting.ts"),
  ]);
  const { surroundings, dryRun, olderThanMs = ORPHAN_MS } = work;
  // Also settles rewrites whose owners are gone, for which files wait.
  const report = await removeOrphans(surroundings, table, { olderThanMs, dryRun });
  // Where no consumer runs any more, nobody else does it.
  const waited = dryRun
    ? { files: 0, bytes: 0 }
    : await deleteDue(surroundings, table.identifier, usualPolicy(), olderThanMs);
  return { ...report, waited };
}
