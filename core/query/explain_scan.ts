import type { DataFile } from "../iceberg/format/data_file.ts";
import type { ScanPlan } from "../iceberg/scan/scan.ts";
import type { LakeTable } from "./lake_tables.ts";
import type { MetadataRow } from "./metadata/metadata_table_shape.ts";
import { partitionJson } from "./metadata/metadata_table_files.ts";
import type { RowShape } from "./metadata/metadata_table_shape.ts";
import type { StandIn } from "./plan/stand_in.ts";
import { rowSelect } from "./row_select.ts";

/** The files of one table that a question opens, and those it skips and why. */
export interface TableScan {
  table: LakeTable;
  plan: ScanPlan;
  /** In the place of files that are not opened either. */
  standIn: StandIn | undefined;
}

const SCAN_COLUMNS: RowShape = {
  table: "VARCHAR",
  action: "VARCHAR",
  file: "VARCHAR",
  records: "BIGINT",
  bytes: "BIGINT",
  delete_files: "INTEGER",
  partition: "VARCHAR",
  reason: "VARCHAR",
};

/** A SELECT of a row a file. */
export function scanSelect(scans: readonly TableScan[]): string {
  return rowSelect(SCAN_COLUMNS, scans.flatMap(rowsOf));
}

function rowsOf({ table, plan, standIn }: TableScan): MetadataRow[] {
  const prefix = `${table.loaded.io.location.recorded}/`;
  const row = (file: DataFile, deletes: number, reason: string | null): MetadataRow => ({
    table: table.label,
    action: reason === null ? "open" : "skip",
    file: file.path.startsWith(prefix) ? file.path.slice(prefix.length) : file.path,
    records: file.recordCount,
    bytes: file.fileSizeBytes,
    delete_files: deletes,
    partition: partitionText(file, table),
    reason,
  });
  return [
    ...plan.files.map(({ dataFile, deletes }) => row(dataFile, deletes.length, null)),
    ...(standIn?.files ?? []).map((file) => row(file, 0, "answered from metadata")),
    ...plan.skipped.map(({ dataFile, reason }) => row(dataFile, 0, reason)),
  ];
}

/** As folders of partitions are usually named: `event_timestamp_day=2026-03-01`. */
function partitionText(file: DataFile, table: LakeTable): string {
  return Object.entries(partitionJson(file, table.loaded.metadata)).map(([name, value]) => `${name}=${value}`).join(
    "/",
  );
}
