import { StreamlabError } from "../base/errors.ts";
import { type Catalog, identifierText } from "../iceberg/catalog/catalog.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import type { Checkpoint } from "../lake/checkpoint.ts";
import { targetFolder } from "../lake/layout.ts";
import type { LastWithRows } from "./known_files.ts";
import { checkSequence, type Marker, markerOf, type TargetTables } from "../lake/target.ts";
import { TABLE_ROLES, type TableRole } from "../lake/table_names.ts";

/** How often a contradiction between tables and checkpoint is checked before it counts. */
const LOOKS_MAX = 3;

export interface ConsumerState {
  sequenceId: string;
  /** The last batch that the ledger has; the next one is this plus one. */
  doneBatchId: bigint;
}

export interface CheckedState {
  state: ConsumerState;
  /** The next batch's, if it existed when the records were listed. */
  plan: BatchPlan | undefined;
}

/** The state of a target, from its ledger's metadata. */
export function stateOf(tables: TargetTables, target: string): ConsumerState {
  const { sequenceId } = markerOf(tables.events.metadata, target);
  if (sequenceId === undefined) {
    throw new StreamlabError("internal", `Cannot continue with ${target}: the table has no sequence of batches`);
  }
  return { sequenceId, doneBatchId: markerOf(tables.ledger.metadata, target).batchId };
}

/**
 * Checks that tables and checkpoint agree, before anything is done. A checkpoints folder that was
 * deleted while nothing was in flight is no loss: the tables have what was done. `last` is the
 * highest batch of the records.
 */
export async function checkState(
  tables: TargetTables,
  checkpoint: Checkpoint,
  target: string,
  last: bigint,
): Promise<CheckedState> {
  const state = stateOf(tables, target);
  const markers = Object.fromEntries(TABLE_ROLES.map((role) => [role, markerOf(tables[role].metadata, target)]));
  for (const role of TABLE_ROLES) {
    checkSequence(identifierText(tables[role].identifier), markers[role] as Marker, state.sequenceId, target);
  }
  const next = state.doneBatchId + 1n;
  const plan = last < next ? undefined : await checkpoint.readPlan(next);
  if (plan !== undefined && plan.sequenceId !== state.sequenceId) {
    throw new StreamlabError(
      "conflict",
      `Cannot continue with ${target}: ${checkpoint.folder} holds a plan of another lake's batches (${plan.sequenceId}, not ${state.sequenceId})`,
      {
        hint:
          `Give the --catalog that was given before, if any, or move ${checkpoint.folder} away: what this lake has ingested is in its tables`,
      },
    );
  }
  if (last > next) throw tooOld(target, `${checkpoint.folder} speaks of batch ${last}`, state);
  await checkHalfCommitted(tables, markers as Record<TableRole, Marker>, checkpoint, target, state);
  return { state, plan };
}

/** A plan names its files by where they are. */
export function checkPlanPlace({ batchId, raw }: BatchPlan, nameBase: string): void {
  if (raw === nameBase) return;
  const place = (base: string) => base === "" ? "the lake itself" : base;
  throw new StreamlabError("conflict", `Cannot finish batch ${batchId}: its files are in ${place(raw)}`, {
    hint: `Run consume once with --source or --raw naming that, then go on with ${place(nameBase)}`,
  });
}

/** A batch that some tables have and the ledger lacks must be committed from its own record. */
async function checkHalfCommitted(
  tables: TargetTables,
  markers: Record<TableRole, Marker>,
  checkpoint: Checkpoint,
  target: string,
  state: ConsumerState,
): Promise<void> {
  const next = state.doneBatchId + 1n;
  for (const role of TABLE_ROLES) {
    const { batchId } = markers[role];
    const name = identifierText(tables[role].identifier);
    if (batchId > next) throw tooOld(target, `${name} has batch ${batchId}`, state);
    if (batchId === next && await checkpoint.readRouted(next) === undefined) {
      throw new StreamlabError(
        "conflict",
        `Cannot continue with ${target}: ${name} has batch ${next}, the ledger has not, and ${checkpoint.folder} does not say what was in it`,
        { hint: "The checkpoints folder was deleted or replaced in the middle of a batch: bring it back" },
      );
    }
  }
}

/**
 * The ledger is committed last, so the tables must have what it says. An older marker means that a
 * table was set back, or lost its newest version.
 */
export async function checkMarkers(
  catalog: Catalog,
  tables: TargetTables,
  target: string,
  ledger: LastWithRows,
): Promise<void> {
  for (const role of ["events", "deadLetters"] as const) {
    if (markerOf(tables[role].metadata, target).batchId >= ledger[role]) continue;
    // The ledger may have been read later than the table, beside another consumer.
    tables[role] = await catalog.loadTable(tables[role].identifier) ?? tables[role];
    const { batchId } = markerOf(tables[role].metadata, target);
    if (batchId >= ledger[role]) continue;
    const name = identifierText(tables[role].identifier);
    throw new StreamlabError(
      "conflict",
      `Cannot continue with ${target}: ${name} ends with batch ${batchId}, and by the ledger it has rows of batch ${
        ledger[role]
      }`,
      {
        hint: `Its newest metadata was deleted, or it was restored from an older copy than the ledger: restore it; ` +
          `records of the last batches are in ${targetFolder(target)}`,
      },
    );
  }
}

function tooOld(target: string, evidence: string, state: ConsumerState): StreamlabError {
  return new StreamlabError(
    "conflict",
    `Cannot continue with ${target}: the ledger ends with batch ${state.doneBatchId}, but ${evidence}`,
    { hint: "The ledger was restored from an older copy than the rest: restore all of the lake from one moment" },
  );
}

/**
 * Beside another consumer, tables and checkpoint are read at different moments. Only what stays so
 * is a contradiction, or missing.
 */
export async function lastingly<T>(look: () => Promise<T>): Promise<T> {
  for (let looks = 1;; looks++) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof StreamlabError) || looks === LOOKS_MAX) throw error;
      if (error.kind !== "conflict" && error.kind !== "not-found") throw error;
    }
  }
}
