import { chunkValues, type FlatValue } from "./page_values.ts";
import { parquetChunks } from "./parquet_chunks.ts";

/**
 * Columns of texts and whole numbers, by their names, of a small Parquet file: as this program
 * writes it, and most others. Undefined where it is something else, or damaged: DuckDB reads it, or
 * says why it cannot.
 */
export function readFlatColumns(
  file: Uint8Array,
  names: readonly string[],
): Map<string, FlatValue[]> | undefined {
  const columns = new Map<string, FlatValue[]>(names.map((name) => [name, []]));
  try {
    for (const chunks of parquetChunks(file)) {
      for (const [name, values] of columns) {
        const found = chunks.filter((chunk) => chunk.name === name);
        if (found.length !== 1) return undefined;
        for (const value of chunkValues(file, found[0]!)) values.push(value);
      }
    }
    return columns;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
