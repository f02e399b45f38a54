/** Names of tables, and which tables the batches of a target write to. */
import { type TableIdentifier } from "../iceberg/catalog/catalog.ts";

/** The target where no other is named. */
export const DEFAULT_TARGET: TableIdentifier = { namespace: ["bronze"], name: "events" };

/** What was ingested, a row a raw file of a batch; of all targets. */
export const LEDGER: TableIdentifier = { namespace: ["ingest"], name: "files" };

export const TABLE_ROLES = ["events", "deadLetters", "ledger"] as const;
export type TableRole = typeof TABLE_ROLES[number];

export function identifiersOf(target: TableIdentifier): Record<TableRole, TableIdentifier> {
  return { events: target, deadLetters: { namespace: ["dead_letters"], name: target.name }, ledger: LEDGER };
}
