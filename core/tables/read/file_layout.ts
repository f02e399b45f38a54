/**
 * How a Parquet file lays out its columns, read from its footer. A file keeps the names and nesting
 * from when it was written; only field ids say which column of the table each one is
 * (specification: "Column Projection").
 */
import { StreamlabError } from "../../base/errors.ts";
import { type Connection, quotePath } from "../../engine/duckdb.ts";
import { type MappedField, nameMapping } from "../../iceberg/format/name_mapping.ts";
import { childFields } from "../../iceberg/format/schema.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import type { Type } from "../../iceberg/format/type.ts";
import { pathsBySchema } from "./parquet/schema_print.ts";

export interface FileColumn {
  name: string;
  /** Undefined if neither the file nor a name mapping has one. */
  fieldId: number | undefined;
  shape: "leaf" | "struct" | "list" | "map";
  /** Bytes without annotation: old writers also wrote text that way. */
  isPlainBytes: boolean;
  /** A struct's fields; a list's element; a map's key and value. */
  children: FileColumn[];
}

export interface FileLayout {
  columns: FileColumn[];
  /** Whether some columns got their ids by name, because the file has none. */
  isMapped: boolean;
  /** Equal for files of the same layout. */
  key: string;
}

/**
 * Whether files of the table may differ in layout from its current schema, so that finding columns
 * by id and nested fields by name could read them wrongly: changed structs, names instead of ids,
 * values that are only in partitions.
 */
export function layoutsMatter({ properties, schemas, partitionSpecs }: TableMetadata): boolean {
  return nameMapping(properties) !== undefined ||
    (schemas.length > 1 && schemas.some(({ fields }) => fields.some(({ type }) => holdsStruct(type)))) ||
    partitionSpecs.some((spec) => spec.fields.some(({ transform }) => transform.name === "identity"));
}

function holdsStruct(type: Type): boolean {
  return type.type === "struct" || childFields(type).some((field) => holdsStruct(field.type));
}

/**
 * The layouts of local files, by path. Files without field ids get them by name from the table's
 * name mapping. Throws `corrupt` for a file that still has none: all its columns would read as
 * null.
 */
export async function readLayouts(
  connection: Connection,
  localPaths: readonly string[],
  properties: Record<string, string>,
): Promise<Map<string, FileLayout>> {
  if (localPaths.length === 0) return new Map();
  const mapping = nameMapping(properties)?.fields ?? [];
  const alike = new Map((await pathsBySchema(localPaths)).map((paths) => [paths[0]!, paths]));
  const rows = await connection.rows(
    `SELECT file_name, name, type, repetition_type, num_children::INT AS children, field_id::INT AS field_id, converted_type,
  logical_type FROM parquet_schema([${[...alike.keys()].map(quotePath).join(", ")}]) ORDER BY file_name, column_id`,
  );
  const layouts = new Map<string, FileLayout>();
  for (const [path, nodes] of Map.groupBy(rows as unknown as SchemaNode[], (row) => row.file_name)) {
    const own = readColumns(nodes);
    const columns = withIds(own, mapping);
    if (columns.length > 0 && columns.every(({ fieldId }) => fieldId === undefined)) {
      throw new StreamlabError("corrupt", `Cannot read ${path}: its columns have no field ids`, {
        hint:
          "Give the table the property schema.name-mapping.default, as the engine that took the file in should have",
      });
    }
    const isMapped = own.some(({ fieldId }, index) => fieldId !== columns[index]!.fieldId);
    const layout = { columns, isMapped, key: JSON.stringify(columns) };
    for (const each of alike.get(path)!) layouts.set(each, layout);
  }
  return layouts;
}

/** A row of `parquet_schema`, which lists the tree depth first. */
interface SchemaNode {
  file_name: string;
  name: string;
  type: string | null;
  repetition_type: string | null;
  children: number | null;
  field_id: number | null;
  converted_type: string | null;
  logical_type: string | null;
}

interface TreeNode extends SchemaNode {
  inner: TreeNode[];
}

function readColumns(nodes: SchemaNode[]): FileColumn[] {
  let next = 0;
  const read = (): TreeNode => {
    const node = nodes[next++]!;
    return { ...node, inner: Array.from({ length: node.children ?? 0 }, read) };
  };
  return read().inner.map((node) => columnOf(node));
}

function columnOf(node: TreeNode): FileColumn {
  const column = { name: node.name, fieldId: node.field_id ?? undefined, isPlainBytes: false };
  const [only] = node.inner;
  if (only === undefined) {
    const isPlainBytes = node.type === "BYTE_ARRAY" && node.converted_type === null && node.logical_type === null;
    return { ...column, shape: "leaf", isPlainBytes, children: [] };
  }
  const kind = node.converted_type ?? node.logical_type ?? "";
  if (/^List/i.test(kind)) return { ...column, shape: "list", children: [elementOf(node, only)] };
  if (/^Map/i.test(kind)) {
    return { ...column, shape: "map", children: only.inner.map((child) => columnOf(child)) };
  }
  return { ...column, shape: "struct", children: node.inner.map((child) => columnOf(child)) };
}

/**
 * Lists with three levels, or with two, as old writers made them (Parquet: "Lists",
 * backward-compatibility rules).
 */
function elementOf(list: TreeNode, repeated: TreeNode): FileColumn {
  const isElement = repeated.inner.length !== 1 || repeated.name === "array" || repeated.name === `${list.name}_tuple`;
  return columnOf(isElement ? repeated : repeated.inner[0]!);
}

const CHILD_NAMES = { list: ["element"], map: ["key", "value"] };

function withIds(columns: FileColumn[], mapping: MappedField[]): FileColumn[] {
  return columns.map((column) => {
    const entry = mapping.find(({ names }) => names.includes(column.name));
    const { shape } = column;
    // Engines name elements, keys and values freely; the mapping uses Iceberg's names.
    const inner = shape === "list" || shape === "map"
      ? column.children.map((child, i) => ({ ...child, name: CHILD_NAMES[shape][i] ?? child.name }))
      : column.children;
    return { ...column, fieldId: column.fieldId ?? entry?.fieldId, children: withIds(inner, entry?.fields ?? []) };
  });
}
