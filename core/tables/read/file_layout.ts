/**
 * How a Parquet file lays out its columns, read from its footer: engines name and nest them as they
 * did when they wrote it, and only field ids tell which column of the table each is (specification:
 * "Column Projection").
 */
import { StreamlabError } from "../../base/errors.ts";
import { type Connection, quotePath } from "../../engine/duckdb.ts";
import { type MappedField, nameMapping } from "../../iceberg/format/name_mapping.ts";
import { childFields } from "../../iceberg/format/schema.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import type { Type } from "../../iceberg/format/type.ts";

export interface FileColumn {
  name: string;
  /** Undefined where neither the file nor a name mapping gives it one. */
  fieldId: number | undefined;
  shape: "leaf" | "struct" | "list" | "map";
  /** Bytes that nothing says more about: old writers meant text by them too. */
  isPlainBytes: boolean;
  /** A struct's fields; a list's element; a map's key and value. */
  children: FileColumn[];
}

export interface FileLayout {
  columns: FileColumn[];
  /** Whether names had to give some columns their ids, which the file itself then does not know. */
  isMapped: boolean;
  /** The same for files of the same layout. */
  key: string;
}

/**
 * Whether files of the table may be laid out otherwise than its current schema says, so that
 * finding columns by id, and what is nested in them by name, could read them wrongly: structs that
 * have changed, names in the place of ids, values that are only in partitions.
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
 * name mapping. Throws `corrupt` for a file that stays without any: all of its columns would read
 * as null.
 */
export async function readLayouts(
  connection: Connection,
  localPaths: readonly string[],
  properties: Record<string, string>,
): Promise<Map<string, FileLayout>> {
  if (localPaths.length === 0) return new Map();
  const mapping = nameMapping(properties)?.fields ?? [];
  const rows = await connection.rows(
    `SELECT file_name, name, type, repetition_type, num_children::INT AS children, field_id::INT AS field_id, converted_type,
  logical_type FROM parquet_schema([${localPaths.map(quotePath).join(", ")}]) ORDER BY file_name, column_id`,
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
    layouts.set(path, { columns, isMapped, key: JSON.stringify(columns) });
  }
  return layouts;
}

/** A line of `parquet_schema`: the tree from its root, depth first. */
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
 * Lists of three levels, and of the two that old writers made (Parquet: "Lists",
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
    // Engines name elements, keys and values as they like; the mapping knows them by Iceberg's
    // names.
    const inner = shape === "list" || shape === "map"
      ? column.children.map((child, i) => ({ ...child, name: CHILD_NAMES[shape][i] ?? child.name }))
      : column.children;
    return { ...column, fieldId: column.fieldId ?? entry?.fieldId, children: withIds(inner, entry?.fields ?? []) };
  });
}
