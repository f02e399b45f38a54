import type { DataRow } from "./data_rows.ts";
import type { AuditOptions, Truth } from "./lake_audit.ts";
import { changeOf, type LightChange } from "./light_upserts.ts";

/** An event, and where it was taken from. */
interface Taken extends LightChange {
  batchId: number;
  file: string;
  position: number;
}

/** By file and batch, the positions of events that must be no row: by all of them, in no order. */
export function supersededOf(
  ledger: readonly DataRow[],
  truth: Truth,
  keysOf: NonNullable<AuditOptions["keysOf"]>,
): ReadonlyMap<string, ReadonlySet<number>> {
  const all = ledger.filter(({ status }) => status === "ingested").flatMap((row): Taken[] => {
    const name = row.source_file as string, etag = row.etag as string;
    const [file] = truth.get(name)?.get(etag) ?? [];
    if (file === undefined || file === "corrupted_batch") return [];
    const records = keysOf(name, etag).map((text) => changeOf(JSON.parse(text)));
    return file.flatMap((place, position) =>
      place === "event" ? [{ ...records[position]!, batchId: Number(row.batch_id), file: name, position }] : []
    );
  });
  const newest = new Map<string, Taken>();
  for (const each of all) {
    const before = newest.get(each.key);
    if (before === undefined || isNewer(each, before)) newest.set(each.key, each);
  }
  const superseded = new Map<string, Set<number>>();
  for (const each of all) {
    if (newest.get(each.key) === each && !each.removes) continue;
    const key = `${each.file} ${each.batchId}`;
    superseded.set(key, (superseded.get(key) ?? new Set()).add(each.position));
  }
  return superseded;
}

function isNewer(a: Taken, b: Taken): boolean {
  if (a.newest !== b.newest) return a.newest > b.newest;
  if (a.batchId !== b.batchId) return a.batchId > b.batchId;
  return a.file === b.file ? a.position > b.position : a.file > b.file;
}

/** What the ledger counts of them. */
export function supersededIn(ledger: readonly DataRow[]): number {
  return ledger.reduce((sum, { superseded }) => sum + Number(superseded ?? 0), 0);
}
