import type { DataFile } from "../iceberg/spec/data_file.ts";
import type { ScanPlan } from "../iceberg/scan.ts";
import type { LakeTable } from "./lake_tables.ts";
import type { MetadataRow } from "./metadata_table.ts";
import { partitionJson } from "./metadata_table_files.ts";
import type { RowShape } from "./metadata_table_shape.ts";

/** What a question opens of one table, and what it leaves out and why. */
export interface TableScan {
  table: LakeTable;
  plan: ScanPlan;
}

/** A row a file. */
export const scanColumns: RowShape = {
  table: "VARCHAR",
  action: "VARCHAR",
  file: "VARCHAR",
  records: "BIGINT",
  bytes: "BIGINT",
  delete_files: "INTEGER",
  partition: "VARCHAR",
  reason: "VARCHAR",
};

export function scanRows(scans: readonly TableScan[]): MetadataRow[] {
  return scans.flatMap(({ table, plan }) => {
    const name = `${table.namespace}.${table.name}`;
    const prefix = `${table.loaded.io.location.recorded}/`;
    const shown = (path: string) => path.startsWith(prefix) ? path.slice(prefix.length) : path;
    const row = (file: DataFile, deletes: number, reason: string | null): MetadataRow => ({
      table: name,
      action: reason === null ? "open" : "skip",
      file: shown(file.path),
      records: file.recordCount,
      bytes: file.fileSizeBytes,
      delete_files: deletes,
      partition: partitionText(file, table),
      reason,
    });
    const opened = plan.files.map(({ dataFile, deletes }) => row(dataFile, deletes.length, null));
    const skipped = plan.skipped.map(({ dataFile, reason }) => row(dataFile, 0, reason));
    return [...opened, ...skipped];
  });
}

/** As folders of partitions are usually named: `event_timestamp_day=2026-03-01`. */
function partitionText(file: DataFile, table: LakeTable): string {
  return Object.entries(partitionJson(file, table.loaded.metadata)).map(([name, value]) => `${name}=${value}`).join(
    "/",
  );
}
