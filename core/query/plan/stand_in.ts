/**
 * Rows that stand for those of files: where a question asks only for the number of rows and for the
 * least and greatest values of columns, manifests tell these of a file without opening it. The
 * question is asked of the rows that stand in, and cannot tell them from the file's.
 */
import { isKind } from "../../base/errors.ts";
import { quoteName } from "../../engine/duckdb.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { bindPredicate, type Predicate } from "../../iceberg/format/predicate.ts";
import type { Schema } from "../../iceberg/format/schema.ts";
import type { Value } from "../../iceberg/format/single_value.ts";
import { type Field, isPrimitive, type PrimitiveType } from "../../iceberg/format/type.ts";
import { compareValues } from "../../iceberg/format/value_order.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { FilePruner } from "../../iceberg/scan/file_pruner.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { ValueRange } from "../../iceberg/scan/value_range.ts";
import { sqlTypeOf } from "../../tables/sql_type.ts";
import { sqlLiteral } from "../../tables/sql_value.ts";
import type { TableNeed } from "./plan_filter.ts";
import type { ColumnAggregate } from "./scan_aggregates.ts";
import { scanPredicate } from "./scan_predicate.ts";

/** The rows in the place of some files'. */
export interface StandIn {
  files: DataFile[];
  records: number;
  /** By field id; all other columns are not looked at. */
  columns: Map<number, ColumnSummary>;
}

/** What is known of a column's values in some files. */
interface ColumnSummary {
  /** How many are not null. */
  values: number;
  /** Undefined where all are null. */
  least: Value | undefined;
  greatest: Value | undefined;
}

/** `filter`: what a WHERE looks at, of which each row passes. */
type Use = ColumnAggregate | "filter";

/**
 * Types whose bounds are the least and the greatest value. Text is cut, by foreign writers at any
 * length, and UUIDs have been compared in more than one order.
 */
const EXACT: readonly PrimitiveType["type"][] = [
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "decimal",
  "date",
  "time",
  "timestamp",
  "timestamptz",
];

/** Types of which any value within the bounds shows whether a WHERE lets all values pass. */
const DECIDABLE: readonly PrimitiveType["type"][] = [
  ...EXACT.filter((type) => type !== "float" && type !== "double"),
  "string",
];

/** Values beyond are infinite to DuckDB, or out of its range. */
const DAYS_MAX = 2_000_000_000;
const MICROS_MAX = 9_000_000_000_000_000_000n;

/** The files that need not be opened; undefined where there is none. */
export function standInFor(
  files: readonly ScanFile[],
  { filter, aggregates }: TableNeed,
  schema: Schema,
  metadata: TableMetadata,
): StandIn | undefined {
  const { predicate, isWhole } = scanPredicate(filter);
  if (aggregates === undefined || !isWhole) return undefined;
  const uses = usesOf(predicate, aggregates.columns, schema);
  if (uses === undefined) return undefined;
  const pruner = new FilePruner(bindPredicate(predicate, schema), metadata.partitionSpecs, [
    ...metadata.schemas,
    schema,
  ]);
  const found: StandIn = { files: [], records: 0, columns: new Map() };
  for (const { dataFile, deletes } of files) {
    // Bounds of ORC's instants are rounded.
    if (deletes.length > 0 || dataFile.format !== "parquet" || !pruner.allRowsMatch(dataFile)) continue;
    const summaries = [...uses].map(([field, use]) => [field, summaryOf(dataFile, field, use, pruner)] as const);
    if (summaries.some(([, summary]) => summary === undefined)) continue;
    found.files.push(dataFile);
    found.records += dataFile.recordCount;
    for (const [{ id }, summary] of summaries) found.columns.set(id, joined(found.columns.get(id), summary!));
  }
  return found.files.length === 0 ? undefined : found;
}

/** The columns that the question looks at; undefined where statistics cannot speak for one. */
function usesOf(
  predicate: Predicate,
  aggregates: ReadonlyMap<string, ColumnAggregate>,
  schema: Schema,
): Map<Field, Use> | undefined {
  // Where each condition is about one column, values of several files may stand in one row.
  const conditions = predicate.op === "and" ? (predicate.of as Predicate[]) : [predicate];
  if (conditions.some((condition) => columnsOf(condition).size > 1)) return undefined;
  const uses = new Map<Field, Use>();
  for (const name of columnsOf(predicate)) {
    const field = schema.fields.find((each) => each.name === name);
    if (field === undefined || !isOneOf(field, DECIDABLE)) return undefined;
    uses.set(field, "filter");
  }
  for (const [name, use] of aggregates) {
    const field = schema.fields.find((each) => each.name === name);
    if (field === undefined || !isPrimitive(field.type)) return undefined;
    if (use === "range" && !isOneOf(field, EXACT)) return undefined;
    if (use === "range" || !uses.has(field)) uses.set(field, use);
  }
  return uses;
}

function columnsOf(predicate: Predicate): Set<string> {
  if ("of" in predicate) return new Set([predicate.of].flat().flatMap((part) => [...columnsOf(part)]));
  return new Set("column" in predicate ? [predicate.column] : []);
}

function isOneOf({ type }: Field, types: readonly string[]): boolean {
  return types.includes(type.type);
}

/** Undefined where the manifest does not tell. */
function summaryOf(file: DataFile, field: Field, use: Use, pruner: FilePruner): ColumnSummary | undefined {
  const type = field.type as PrimitiveType;
  const nulls = file.nullValueCounts?.get(field.id);
  const counted = file.valueCounts?.get(field.id);
  const isCounted = nulls !== undefined && (counted === undefined || counted === file.recordCount);
  if (use !== "filter" && !isCounted) return undefined;
  const range = rangeOf(file, field, pruner);
  if (range === undefined) return undefined;
  const { lower, upper, mayBeNull, mayBeNan } = range;
  const values = isCounted ? file.recordCount - nulls : mayBeNull ? 0 : file.recordCount;
  if (values === 0) return { values, least: undefined, greatest: undefined };
  if (lower === undefined || !isWritable(type, lower)) return undefined;
  if (use !== "range") return { values, least: lower, greatest: lower };
  // Statistics of Parquet have no sign for a zero.
  const isReal = type.type === "float" || type.type === "double";
  if (upper === undefined || !isWritable(type, upper)) return undefined;
  if (isReal && (mayBeNan || lower === 0 || upper === 0)) return undefined;
  return { values, least: lower, greatest: upper };
}

/** Undefined where a bound is no value of the column's type. */
function rangeOf(file: DataFile, { id, type }: Field, pruner: FilePruner): ValueRange | undefined {
  try {
    return pruner.valueRange(file, { fieldId: id, type: type as PrimitiveType });
  } catch (error) {
    if (isKind(error, "corrupt")) return undefined;
    throw error;
  }
}

function isWritable(type: PrimitiveType, value: Value): boolean {
  switch (type.type) {
    case "date":
      return Math.abs(value as number) <= DAYS_MAX;
    case "timestamp":
    case "timestamptz":
      return value as bigint <= MICROS_MAX && value as bigint >= -MICROS_MAX;
    default:
      return true;
  }
}

function joined(one: ColumnSummary | undefined, other: ColumnSummary): ColumnSummary {
  if (one === undefined) return other;
  const { least, greatest } = one;
  return {
    values: one.values + other.values,
    least: pick(least, other.least, -1),
    greatest: pick(greatest, other.greatest, 1),
  };
}

function pick(one: Value | undefined, other: Value | undefined, sign: number): Value | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return compareValues(one, other) * sign > 0 ? one : other;
}

/** A SELECT of the rows, with all columns of the table. */
export function standInSelect({ records, columns }: StandIn, fields: readonly Field[]): string {
  const shown = fields.map(({ id, name, type }) => {
    const sql = sqlTypeOf(type);
    const { values, least, greatest } = columns.get(id) ?? { values: 0, least: undefined, greatest: undefined };
    if (least === undefined || greatest === undefined) return `CAST(NULL AS ${sql}) AS ${quoteName(name)}`;
    const cast = (value: Value) => `CAST(${sqlLiteral(type as PrimitiveType, value)} AS ${sql})`;
    return `CASE WHEN i = 0 THEN ${cast(greatest)} WHEN i < ${values} THEN ${cast(least)} END AS ${quoteName(name)}`;
  });
  return `SELECT ${shown.join(", ")} FROM range(${records}) AS r(i)`;
}
