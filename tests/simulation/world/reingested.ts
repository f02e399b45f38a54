import type { DataRow } from "./data_rows.ts";

/** Marks a line of the ledger: a reingest has taken the file, by a contract that may be another. */
export const REINGESTED = "_reingested";

/**
 * The ledger's lines without those that a reingest has settled. It takes away all that the tables
 * had of a file, so that its own lines and the earlier ones must come to nothing.
 */
export function afterReingests(ledger: readonly DataRow[], problems: string[]): DataRow[] {
  const last = new Map<unknown, number>();
  for (const { source_file, status, batch_id } of ledger) {
    if (status !== "reingested") continue;
    last.set(source_file, Math.max(last.get(source_file) ?? 0, Number(batch_id)));
  }
  const isSettled = ({ source_file, status, batch_id }: DataRow) =>
    status === "reingested" || (Number(batch_id) < (last.get(source_file) ?? 0) && status !== "changed");
  const versions = Map.groupBy(ledger.filter(isSettled), ({ source_file, etag }) => `${source_file} ${etag}`);
  for (const [version, lines] of versions) {
    const left = ["records", "events", "dead_letters"].map((column) =>
      lines.reduce((sum, row) => sum + Number(row[column]), 0)
    );
    if (left.some((count) => count !== 0)) problems.push(`ledger: a reingest leaves ${left.join()} of ${version}`);
  }
  return ledger.filter((row) => !isSettled(row)).map((row) =>
    row.status === "ingested" && Number(row.batch_id) === last.get(row.source_file)
      ? { ...row, [REINGESTED]: true }
      : row
  );
}
