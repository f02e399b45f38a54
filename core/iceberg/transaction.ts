import type { Random } from "../base/random.ts";
import { deleteMade } from "../storage/deletion.ts";
import type { LoadedTable, TableChange } from "./catalog/catalog.ts";
import type { TableMetadata } from "./format/table_metadata.ts";
import type { TableRequirement } from "./format/table_requirement.ts";
import { checkRequirements } from "./format/table_requirement.ts";
import type { TableUpdate } from "./format/table_update.ts";
import { applyUpdates } from "./format/table_update_applier.ts";
import { ownPlaces } from "./own_files.ts";
import type { EncodedFile, TableIo } from "./table_io.ts";

export interface TransactionContext {
  nowMs: number;
  random: Random;
}

/**
 * Several changes as one commit: each is staged on what the ones before it made of the table, so
 * that a schema change and the first data that needs it appear together or not at all.
 */
export class Transaction implements TableChange {
  /** What the change is made from. */
  readonly base: LoadedTable;
  /** Writes the files that the change needs. */
  readonly io: TableIo;
  /** The time of its snapshots. */
  readonly nowMs: number;
  /** Makes ids and file names. */
  readonly random: Random;
  /** What must hold when it is committed. */
  readonly requirements: TableRequirement[];
  /** What has been added so far. */
  readonly updates: TableUpdate[] = [];
  readonly #written: string[] = [];
  #metadata: TableMetadata;

  /** Begins with what every commit requires: that it is the same table. */
  constructor(base: LoadedTable, context: TransactionContext) {
    this.base = base;
    this.io = base.io;
    this.nowMs = context.nowMs;
    this.random = context.random;
    const { tableUuid } = base.metadata;
    // Tables of version 1 may have none.
    this.requirements = tableUuid === "" ? [] : [{ type: "assert-table-uuid", uuid: tableUuid }];
    this.#metadata = base.metadata;
  }

  /** The table with everything staged so far. */
  get metadata(): TableMetadata {
    return this.#metadata;
  }

  /**
   * Writes manifests and manifest lists of this try, under names that no other try has: once
   * somebody else has committed, this try cannot be any more, and its files may go
   * (docs/decisions/0006-fence-by-snapshot.md rests on that).
   */
  async writeFiles(files: EncodedFile[]): Promise<void> {
    this.#written.push(...files.map(({ name }) => name));
    await this.io.writeFiles(files);
  }

  /** Takes away what was written; for a try that is certain not to be committed. */
  async discard(): Promise<void> {
    const { location } = this.io;
    const paths = this.#written.splice(0).map((name) => location.pathInStore(name));
    await deleteMade(location.store, paths, ownPlaces(location, {}, ["manifest"]));
  }

  /** Adds an action's result; later actions see the table as it is then. */
  add(change: TableChange): void {
    // A requirement speaks of the base; what an earlier change of this transaction has altered was
    // asserted by that one.
    checkRequirements(change.requirements, this.#metadata);
    for (const requirement of change.requirements) {
      if (!this.requirements.some((known) => sameSubject(known, requirement))) this.requirements.push(requirement);
    }
    this.updates.push(...change.updates);
    this.#metadata = applyUpdates(this.#metadata, change.updates, this.nowMs);
  }
}

function sameSubject(a: TableRequirement, b: TableRequirement): boolean {
  if (a.type !== b.type) return false;
  return a.type !== "assert-ref-snapshot-id" || b.type !== "assert-ref-snapshot-id" || a.ref === b.ref;
}
