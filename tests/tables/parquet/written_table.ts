import type { WrittenFile } from "../../../core/engine/copy.ts";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { type PageLimits, pageLimits } from "../../../core/routing/reader/chunk_encoder.ts";
import { compiledReader, HASH_KEY_BYTES, ReaderInstance } from "../../../core/routing/reader/reader_instance.ts";
import { ValueEncoder } from "../../../core/routing/reader/value_encoder.ts";
import { ParquetFile } from "../../../core/tables/write/parquet/parquet_file.ts";
import { ParquetSchema } from "../../../core/tables/write/parquet/parquet_schema.ts";
import type { TableRow } from "./random_table.ts";
import { shred } from "./shredded.ts";

export interface WriteOptions {
  /** Of a row group; all rows unless given. */
  groupRows?: number;
  limits?: Partial<PageLimits>;
  properties?: Record<string, string>;
}

const compiled = compiledReader();

/** Writes rows by the encoders, as the reader's columns are written. */
export function writeTable(
  path: string,
  fields: readonly Field[],
  rows: readonly TableRow[],
  { groupRows = Math.max(rows.length, 1), limits, properties = {} }: WriteOptions = {},
): WrittenFile {
  const file = new ParquetFile(path, new ParquetSchema(fields));
  const reader = new ReaderInstance(compiled, new Uint8Array(HASH_KEY_BYTES));
  const encoder = new ValueEncoder(reader, properties, { ...pageLimits(properties), ...limits });
  for (let from = 0; from < rows.length; from += groupRows) {
    const group = rows.slice(from, from + groupRows);
    const columns = shred(fields, group);
    file.writeRowGroup(group.length, (leaf, index) => encoder.encode(leaf, columns[index]!));
  }
  return file.finish([]);
}
