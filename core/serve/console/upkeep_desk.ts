import { Gate } from "../../base/gate.ts";
import { Meter } from "../../base/meter.ts";
import { type LoadedTable, requireTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { compactTable } from "../../maintain/compaction/compact_table.ts";
import { rewriteTableManifests } from "../../maintain/manifests.ts";
import { expireTable } from "../../maintain/removal/expire.ts";
import { removeOrphans } from "../../maintain/removal/orphans.ts";
import type { Surroundings } from "../../maintain/surroundings.ts";
import type { WorkshopOptions } from "../../maintain/workshop.ts";

/** As `maintain` has them without further flags. */
const TARGET_BYTES = 128e6;
const ORPHAN_MS = 3 * 86_400_000;

interface Work {
  surroundings: Surroundings;
  machine: Omit<WorkshopOptions, "leavesLake">;
  dryRun: boolean;
  signal: AbortSignal;
}

type Run = (work: Work, table: LoadedTable) => Promise<object>;

/** By the names that `maintain` has for them. */
export const UPKEEP_ACTIONS: Readonly<Record<string, Run>> = {
  "compact": ({ surroundings, machine, dryRun, signal }, table) =>
    compactTable(surroundings, table, {
      ...machine,
      targetBytes: TARGET_BYTES,
      inputsMin: 2,
      sortBy: [],
      dryRun,
      signal,
      meter: new Meter(surroundings.clock),
    }),
  "rewrite-manifests": ({ surroundings, dryRun }, table) => rewriteTableManifests(surroundings, table, { dryRun }),
  "expire-snapshots": ({ surroundings, dryRun }, table) => expireTable(surroundings, table, { dryRun }),
  "remove-orphans": ({ surroundings, dryRun }, table) =>
    removeOrphans(surroundings, table, { olderThanMs: ORPHAN_MS, dryRun }),
};

/** What `maintain` does to a table, for a console whose users may. One piece of work at once. */
export class UpkeepDesk {
  readonly #surroundings: Surroundings;
  readonly #machine: Work["machine"];
  readonly #gate = new Gate(1);

  constructor(surroundings: Surroundings, machine: Work["machine"]) {
    this.#surroundings = surroundings;
    this.#machine = machine;
  }

  run(action: Run, identifier: TableIdentifier, dryRun: boolean, signal: AbortSignal): Promise<object> {
    const work = { surroundings: this.#surroundings, machine: this.#machine, dryRun, signal };
    return this.#gate.pass(1, async () => action(work, await requireTable(this.#surroundings.catalog, identifier)));
  }
}
