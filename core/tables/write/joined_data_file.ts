import type { DataFile } from "../../iceberg/format/data_file.ts";
import { fieldsById, type Schema } from "../../iceberg/format/schema.ts";
import { valueFromBytes } from "../../iceberg/format/single_value.ts";
import { isPrimitive, type PrimitiveType } from "../../iceberg/format/type.ts";
import { compareValues } from "../../iceberg/format/value_order.ts";

/** A file with the rows of others, and where its row groups begin. */
export interface JoinedPlace {
  uri: string;
  fileSizeBytes: number;
  splitOffsets: number[];
}

type Counts = "columnSizes" | "valueCounts" | "nullValueCounts" | "nanValueCounts";

/**
 * Describes a file that holds the rows of `parts` and no others, by what is known of these: a
 * column has those statistics that all of them have.
 */
export function joinedDataFile(parts: readonly DataFile[], place: JoinedPlace, schema: Schema): DataFile {
  const { specId, partition } = parts[0]!;
  const sum = (name: Counts) => merged(parts, (file) => file[name], (_, a: number, b) => a + b);
  const types = fieldsById(schema);
  const typeOf = (id: number): PrimitiveType | undefined => {
    const type = types.get(id)?.field.type;
    return type !== undefined && isPrimitive(type) ? type : undefined;
  };
  const bounded = parts.map(withNoValues);
  const bounds = (name: "lowerBounds" | "upperBounds", sign: number) =>
    merged(bounded, (file) => file[name], (id, a: Uint8Array | undefined, b) => {
      if (a === undefined || b === undefined) return a ?? b;
      const type = typeOf(id);
      if (type === undefined) return undefined;
      return sign * compareValues(valueFromBytes(type, a), valueFromBytes(type, b)) <= 0 ? a : b;
    });
  return {
    content: "data",
    path: place.uri,
    format: "parquet",
    specId,
    partition,
    recordCount: parts.reduce((rows, { recordCount }) => rows + recordCount, 0),
    fileSizeBytes: place.fileSizeBytes,
    columnSizes: sum("columnSizes"),
    valueCounts: sum("valueCounts"),
    nullValueCounts: sum("nullValueCounts"),
    nanValueCounts: sum("nanValueCounts"),
    lowerBounds: present(bounds("lowerBounds", 1), typeOf),
    upperBounds: present(bounds("upperBounds", -1), typeOf),
    splitOffsets: place.splitOffsets,
  };
}

/** Only ids that every file has. */
function merged<Item, Value>(
  files: readonly Item[],
  mapOf: (file: Item) => ReadonlyMap<number, Value> | undefined,
  join: (id: number, a: Value, b: Value) => Value,
): Map<number, Value> {
  const [first, ...others] = files.map((file) => mapOf(file) ?? new Map<number, Value>());
  const result = new Map(first);
  for (const other of others) {
    for (const [id, value] of result) {
      if (other.has(id)) result.set(id, join(id, value, other.get(id)!));
      else result.delete(id);
    }
  }
  return result;
}

type Bounds = Map<number, Uint8Array | undefined>;

/** A column of which a file has only nulls has no bounds there, and asks for none. */
function withNoValues(file: DataFile): { lowerBounds: Bounds; upperBounds: Bounds } {
  const lowerBounds: Bounds = new Map(file.lowerBounds), upperBounds: Bounds = new Map(file.upperBounds);
  for (const [id, nulls] of file.nullValueCounts ?? []) {
    if (nulls !== file.valueCounts?.get(id)) continue;
    for (const bounds of [lowerBounds, upperBounds]) if (!bounds.has(id)) bounds.set(id, undefined);
  }
  return { lowerBounds, upperBounds };
}

/** A column that is gone from the schema may have values that nobody can compare any more. */
function present(bounds: Bounds, typeOf: (id: number) => PrimitiveType | undefined): Map<number, Uint8Array> {
  return new Map([...bounds].flatMap(([id, bound]) => bound !== undefined && typeOf(id) ? [[id, bound]] : []));
}
