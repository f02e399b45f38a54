import { ConnectionPool } from "../../engine/connection_pool.ts";
import type { Connection } from "../../engine/duckdb.ts";
import { memoryBytes } from "../../engine/memory_size.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import type { Surroundings } from "../surroundings.ts";
import { Workshop, type WorkshopOptions } from "../workshop.ts";
import type { ClusterTasks } from "../../routing/task_cluster.ts";
import { ClusterRewriting, groupsOnCluster } from "./cluster_rewriting.ts";
import { compact, type CompactionOptions, type CompactionReport, type GroupsAtOnce } from "./compact.ts";
import { type CompactionRule, planGroups } from "./compaction_plan.ts";
import { PATIENCE_MS } from "../../lake/intent.ts";
import { resolvePositionDeletes } from "./delete_reach.ts";
import { SqlGroupRewriter } from "./rewrite_group.ts";
import { rewritePeakBytes, rewriteSize } from "./rewrite_peak.ts";
import { SoundFiles } from "./sound_files.ts";
import type { GroupRewriter, Rewriting } from "./rewriting.ts";
import { rowOrderOf, unkeptOrder } from "./row_order.ts";
import { targetFileSizeOf } from "./target_size.ts";

export interface TableCompactionOptions
  extends
    Omit<CompactionOptions, "groupsOf" | "patienceMs" | "atOnce">,
    Omit<CompactionRule, "sorts" | "targetFileSize">,
    Omit<WorkshopOptions, "leavesLake"> {
  /** The size that files should have, bytes; default: as the table says. */
  targetFileSize?: number | undefined;
  /**
   * `user_id`, `event_timestamp desc`: all files are rewritten, and the rows of each partition put
   * in that order. None: the files that need it are, in the table's own order.
   */
  sortBy: readonly string[];
  /** Where groups are rewritten; default: in this process. */
  tasks?: ClusterTasks | undefined;
}

export interface TableCompactionReport extends CompactionReport {
  /** The keys of the table's order that new files do not have, where it cannot be made. */
  unkeptOrder: string | undefined;
}

/** Compaction with DuckDB, here or in tasks on a cluster. */
export async function compactTable(
  surroundings: Surroundings,
  table: LoadedTable,
  options: TableCompactionOptions,
): Promise<TableCompactionReport> {
  const { sortBy, dryRun, tasks, signal } = options;
  const open = async () => {
    const workshop = await Workshop.open(surroundings, { ...options, leavesLake: dryRun });
    const here = new SqlRewriting(workshop, sortBy, () => workshop.close(), signal);
    if (tasks === undefined) return here;
    return new ClusterRewriting(here, { ...tasks, sortBy, random: surroundings.random, stops: signal });
  };
  // Fails now rather than after the work: the table may not have such a column.
  const isSorted = rowOrderOf(table, sortBy) !== undefined;
  const targetFileSize = targetFileSizeOf(table.metadata, options.targetFileSize);
  const rule = { ...options, targetFileSize, sorts: sortBy.length > 0 };
  const groupsOf = (files: readonly ScanFile[]) => planGroups(files, rule);
  const atOnce = tasks === undefined ? atOnceIn(options, isSorted) : await groupsOnCluster(tasks);
  const report = await compact(surroundings, table, { ...options, groupsOf, patienceMs: PATIENCE_MS, atOnce }, open);
  const unkept = sortBy.length > 0 || report.groups === 0 ? undefined : unkeptOrder(table);
  return { ...report, unkeptOrder: unkept };
}

/** As many groups at once as memory and threads allow. */
export function atOnceIn(
  { threads = 1, memory }: Pick<TableCompactionOptions, "threads" | "memory">,
  isSorted: boolean,
): GroupsAtOnce {
  return {
    groupsMax: threads,
    memoryBytes: memory === undefined ? Infinity : memoryBytes(memory),
    peakBytes: (group) => rewritePeakBytes({ ...rewriteSize(group.files), threads, isSorted }),
  };
}

/** By DuckDB; `close` is told when it is done with. `stop` ends it in the middle of a group. */
export class SqlRewriting implements Rewriting {
  readonly close: () => void;
  readonly #closed = new AbortController();
  readonly #stop: AbortSignal | undefined;
  readonly #workshop: Pick<Workshop, "connection" | "connect" | "scratch">;
  readonly #connections: ConnectionPool;
  readonly #sortBy: readonly string[];
  readonly #files = new Map<LoadedTable, SoundFiles>();

  constructor(
    workshop: Pick<Workshop, "connection" | "connect" | "scratch">,
    sortBy: readonly string[],
    close: () => void,
    stop?: AbortSignal,
  ) {
    this.#workshop = workshop;
    this.#stop = stop;
    const connect = async () => this.#stopping(await workshop.connect());
    this.#connections = new ConnectionPool(this.#stopping(workshop.connection), connect);
    this.#sortBy = sortBy;
    this.close = () => {
      this.#closed.abort();
      close();
    };
  }

  /** A statement under way fails; one that begins later, too. */
  #stopping(connection: Connection): Connection {
    const end = () => void connection.stop();
    if (this.#stop?.aborted) end();
    else this.#stop?.addEventListener("abort", end, { signal: this.#closed.signal });
    return connection;
  }

  async resolveDeletes(table: LoadedTable, files: readonly ScanFile[]): Promise<ScanFile[]> {
    const sound = this.#filesOf(table);
    return await this.#connections.use((connection) =>
      resolvePositionDeletes(connection, files, (file) => sound.pathOf(file))
    );
  }

  rewriterOf(table: LoadedTable): GroupRewriter {
    const { scratch } = this.#workshop;
    const connections = this.#connections;
    const order = rowOrderOf(table, this.#sortBy);
    const files = this.#filesOf(table);
    return new SqlGroupRewriter({ table, connections, scratch, files, order, stop: this.#stop });
  }

  /** The rewrite reuses the files that were fetched to resolve deletes. */
  #filesOf(table: LoadedTable): SoundFiles {
    const stop = this.#stop;
    const files = this.#files.get(table) ??
      new SoundFiles(new LocalFiles(table.io, this.#workshop.scratch, stop), stop);
    this.#files.set(table, files);
    return files;
  }
}
