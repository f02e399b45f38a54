import type { DataFile } from "../format/data_file.ts";
import type { ManifestFile } from "../format/manifest_file.ts";
import { type PartitionColumn, partitionColumns, type PartitionSpec } from "../format/partition_spec.ts";
import { type BoundPredicate, type BoundTerm, predicateFieldIds } from "../format/predicate.ts";
import type { Schema } from "../format/schema.ts";
import { type Value, valueFromBytes } from "../format/single_value.ts";
import type { PrimitiveType } from "../format/type.ts";
import { projectTerm } from "./partition_projection.ts";
import { rangeMayMatch, rangeMustMatch, type ValueRange } from "./value_range.ts";

/** Why a file is not read. */
export type SkipReason = "partition" | "column bounds";

/**
 * Finds manifests and files that cannot hold a row that satisfies the predicate, by partition
 * values and column statistics. When in doubt, a file is read.
 */
export class FilePruner {
  readonly #predicate: BoundPredicate;
  readonly #columns = new Map<number, PartitionColumn[]>();

  constructor(predicate: BoundPredicate, specs: PartitionSpec[], schemas: Schema[]) {
    this.#predicate = predicate;
    for (const spec of specs) this.#columns.set(spec.specId, partitionColumns(spec, schemas));
  }

  manifestMayMatch(manifest: ManifestFile): boolean {
    const columns = this.#columns.get(manifest.specId) ?? [];
    const summaries = manifest.partitions;
    if (!summaries || columns.length === 0) return true;
    return holds(this.#predicate, (term) =>
      this.#partitionMayMatch(term, columns, (column, i) => {
        const summary = summaries[i];
        if (!summary) return undefined;
        const range: ValueRange = {
          mayBeNull: summary.containsNull,
          mayBeValue: summary.lowerBound !== undefined || (summary.containsNan ?? isFloat(column.type)),
          mayBeNan: isFloat(column.type) && (summary.containsNan ?? true),
        };
        return withBounds(range, column.type, summary.lowerBound, summary.upperBound);
      }));
  }

  /** Undefined: the file must be read. */
  skipReason(file: DataFile): SkipReason | undefined {
    if (!this.partitionMayMatch(file)) return "partition";
    // Both together: a disjunction may need the partition for one part and the bounds for another.
    const isPossible = holds(
      this.#predicate,
      (term) => this.#filePartitionMayMatch(term, file) && rangeMayMatch(statisticsRange(term, file), term),
    );
    return isPossible ? undefined : "column bounds";
  }

  /**
   * Whether every row of the file satisfies the predicate (specification: "Scan Planning", strict
   * projection); false when in doubt. A term on a column without bounds, which is bound as
   * `always`, is taken to hold.
   */
  allRowsMatch(file: DataFile): boolean {
    return holds(this.#predicate, (term) => rangeMustMatch(this.valueRange(file, term), term));
  }

  /** What is known of a column in a file: by its statistics, or by what it is partitioned by. */
  valueRange(file: DataFile, column: { fieldId: number; type: PrimitiveType }): ValueRange {
    const columns = this.#columns.get(file.specId) ?? [];
    const at = columns.findIndex(({ field }) =>
      field.sourceId === column.fieldId && field.transform.name === "identity"
    );
    return at < 0 ? statisticsRange(column, file) : partitionRange(file.partition[at] ?? null);
  }

  /** By the partition alone. */
  partitionMayMatch(file: DataFile): boolean {
    return holds(this.#predicate, (term) => this.#filePartitionMayMatch(term, file));
  }

  /** Whether the predicate names a column that the spec partitions by. */
  usesPartition(specId: number): boolean {
    const asked = predicateFieldIds(this.#predicate);
    return this.#columns.get(specId)?.some((column) => asked.has(column.field.sourceId)) ?? false;
  }

  #filePartitionMayMatch(term: BoundTerm, file: DataFile): boolean {
    const columns = this.#columns.get(file.specId) ?? [];
    return this.#partitionMayMatch(term, columns, (_column, i) => partitionRange(file.partition[i] ?? null));
  }

  #partitionMayMatch(
    term: BoundTerm,
    columns: PartitionColumn[],
    rangeOf: (column: PartitionColumn, i: number) => ValueRange | undefined,
  ): boolean {
    for (const [i, column] of columns.entries()) {
      if (column.field.sourceId !== term.fieldId) continue;
      const projected = projectTerm(term, column);
      const range = projected && rangeOf(column, i);
      if (range && !rangeMayMatch(range, projected)) return false;
    }
    return true;
  }
}

/** What a test of terms comes to for the whole: that some row may match, or that every row does. */
function holds(predicate: BoundPredicate, test: (term: BoundTerm) => boolean): boolean {
  switch (predicate.op) {
    case "always":
      return true;
    case "never":
      return false;
    case "and":
      return (predicate.of as BoundPredicate[]).every((part) => holds(part, test));
    case "or":
      return (predicate.of as BoundPredicate[]).some((part) => holds(part, test));
    default:
      return test(predicate as BoundTerm);
  }
}

function partitionRange(value: Value | null): ValueRange {
  if (value === null) return { mayBeNull: true, mayBeValue: false, mayBeNan: false };
  if (Number.isNaN(value)) return { mayBeNull: false, mayBeValue: true, mayBeNan: true };
  return { lower: value, upper: value, mayBeNull: false, mayBeValue: true, mayBeNan: false, isExact: true };
}

function statisticsRange({ fieldId, type }: { fieldId: number; type: PrimitiveType }, file: DataFile): ValueRange {
  const values = file.valueCounts?.get(fieldId);
  const nulls = file.nullValueCounts?.get(fieldId);
  const nans = file.nanValueCounts?.get(fieldId);
  const range: ValueRange = {
    mayBeNull: nulls === undefined || nulls > 0,
    mayBeValue: values === undefined || nulls === undefined || nulls < values,
    mayBeNan: isFloat(type) && (nans === undefined || nans > 0),
  };
  return withBounds(range, type, file.lowerBounds?.get(fieldId), file.upperBounds?.get(fieldId));
}

function withBounds(
  range: ValueRange,
  type: PrimitiveType,
  lower: Uint8Array | undefined,
  upper: Uint8Array | undefined,
): ValueRange {
  if (lower !== undefined) range.lower = boundOf(type, lower);
  if (upper !== undefined) range.upper = boundOf(type, upper);
  return range;
}

/** Some older writers left NaN as a bound; it bounds nothing. */
function boundOf(type: PrimitiveType, bytes: Uint8Array): Value | undefined {
  const value = valueFromBytes(type, bytes);
  return Number.isNaN(value) ? undefined : value;
}

function isFloat(type: PrimitiveType): boolean {
  return type.type === "float" || type.type === "double";
}
