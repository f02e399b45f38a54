import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { tableNumber } from "../table_number.ts";

const TARGET_BYTES = 128e6;

/** The size that a table's data files should have: as asked for, else as the table says. */
export function targetFileSizeOf(metadata: Pick<TableMetadata, "properties">, asked?: number): number {
  return Math.max(1, asked ?? tableNumber(metadata, "write.target-file-size-bytes") ?? TARGET_BYTES);
}
