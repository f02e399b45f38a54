/** Whether rows are read once for a rewrite, and kept until they are written. */
import type { Connection } from "../../engine/duckdb.ts";
import type { RewriteGroup } from "./compaction_plan.ts";
import { rowGroupsOf } from "./joinable.ts";

/**
 * Of many tiny row groups the reading costs most, and a copy that reads them sets aside a block of
 * every column for each. Of few, or of larger ones, it costs less than to keep the rows.
 */
const ROW_GROUPS_MIN = 64;
/** Of a row group, on average: as many as DuckDB works on at a time. */
const ROWS_MAX = 2_048;
/** Of the files, as they lie. */
const PACKED_BYTES_MAX = 8e6;
/** Of the rows, as they are kept: what is alike is small in a file, and not in memory. */
const UNPACKED_BYTES_MAX = 64e6;
/** Rows by which the others are judged. */
const SAMPLE_ROWS = 1_000;

export async function paysToKeep(
  connection: Connection,
  { files, bytes }: RewriteGroup,
  select: string,
): Promise<boolean> {
  const rows = files.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0);
  const rowGroups = files.reduce((sum, { dataFile }) => sum + rowGroupsOf(dataFile), 0);
  if (rowGroups < ROW_GROUPS_MIN || rows > rowGroups * ROWS_MAX || bytes > PACKED_BYTES_MAX) return false;
  return rows * await rowBytes(connection, select) <= UNPACKED_BYTES_MAX;
}

/**
 * About, by the text of the first ones. Of a whole row, which has a place for each null, too. The
 * subquery's name would not do for a row: a column may have the same.
 */
async function rowBytes(connection: Connection, select: string): Promise<number> {
  const [row] = await connection.rows(
    `SELECT coalesce(avg(strlen(struct_pack(*COLUMNS(*))::VARCHAR)), 0) AS bytes
FROM (SELECT * FROM (${select}) LIMIT ${SAMPLE_ROWS})`,
  );
  return row!.bytes as number;
}
