/**
 * A table's rows as SQL over its live files: columns found by field id, position and equality
 * deletes applied (specification: "Scan Planning", "Delete Formats"). Pure text.
 */
import { quoteName, quotePath, quoteText } from "../../engine/duckdb.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { Field } from "../../iceberg/format/type.ts";
import { projectColumn, readsAsIs } from "./column_projection.ts";
import type { FileLayout } from "./file_layout.ts";
import { sqlTypeOf } from "../sql_type.ts";

/** A live data file and the delete files that apply to it. */
export interface ViewFile extends LocalFile {
  deletes: LocalFile[];
  /**
   * How the file names and nests its columns. Without it, columns are found by id and nested fields
   * by name.
   */
  layout?: FileLayout;
  /**
   * By field id: SQL for columns that the file may lack, because they are constant in its
   * partition.
   */
  constants?: ReadonlyMap<number, string>;
}

/** A file and where DuckDB can read it. */
export interface LocalFile {
  file: DataFile;
  localPath: string;
}

/**
 * A file of a scan with the places where DuckDB can read it and its delete files. `places` is by
 * URI.
 */
export function viewFile({ dataFile, deletes }: ScanFile, places: ReadonlyMap<string, string>): ViewFile {
  const local = (file: DataFile): LocalFile => ({ file, localPath: places.get(file.path)! });
  return { ...local(dataFile), deletes: deletes.map(local) };
}

export interface ViewSource {
  /** The columns to show, in order. */
  columns: Field[];
  /** Any column that the table has or had, for equality deletes on dropped ones. */
  fieldById(id: number): Field | undefined;
  files: ViewFile[];
  /** Whether to show the place of each row, too, as `PLACE_COLUMNS`. */
  placed?: boolean;
}

/** The path of a row's file, where DuckDB reads it, and the row's number in it, from 0. */
export const PLACE_COLUMNS = { file: "_file", row: "_row" } as const;

/** A SELECT that gives the table's live rows. */
export function tableSelect(source: ViewSource): string {
  const plain = source.files.filter(({ deletes }) => deletes.length === 0);
  const deleted = source.files.filter(({ deletes }) => deletes.length > 0);
  const places = source.placed ? [] : undefined;
  const parts = plain.length === 0 ? [] : [`SELECT ${shownColumns(source)} FROM ${rowsOf(source, plain, places)}`];
  if (deleted.length > 0) parts.push(liveRows(source, deleted));
  return parts.length === 0 ? emptySelect(source.columns) : parts.join("\nUNION ALL\n");
}

/** No rows, but the right names and types. */
export function emptySelect(columns: readonly Field[]): string {
  const nulls = columns.map(({ name, type }) => `CAST(NULL AS ${sqlTypeOf(type)}) AS ${quoteName(name)}`);
  return `SELECT ${nulls.join(", ")} WHERE false`;
}

/** Inside, columns are named by their ids, so that users' names cannot clash with ours. */
function columnName(id: number): string {
  return `c${id}`;
}

function shownColumns({ columns, placed }: ViewSource): string {
  const shown = columns.map(({ id, name }) => `r.${columnName(id)} AS ${quoteName(name)}`);
  const places = [`r._file AS ${PLACE_COLUMNS.file}`, `r.file_row_number AS ${PLACE_COLUMNS.row}`];
  return [...shown, ...placed ? places : []].join(", ");
}

/**
 * The place of a row: `_file` and `file_row_number`. Only used where it is needed, for deletes and
 * to remove rows, because a file may have columns of these names.
 */
const PLACE_OPTIONS = ", filename = '_file', file_row_number = true";

/**
 * All rows of the files. With `compared`, also the columns that deletes compare (perhaps none) and
 * the place of each row.
 */
function rowsOf(source: ViewSource, files: ViewFile[], compared?: Field[]): string {
  const isNew = ({ id }: Field) => !source.columns.some((column) => column.id === id);
  const fields = [...source.columns, ...(compared ?? []).filter(isNew)];
  const options = compared === undefined ? "" : PLACE_OPTIONS;
  const groups = [...Map.groupBy(files, (file) => projectionKey(fields, file))];
  const parts = groups.map(([key, group]) => {
    const paths = group.map(({ localPath }) => localPath);
    return key === "" ? readById(fields, paths, options) : `(${readProjected(fields, group[0]!, paths, options)})`;
  });
  if (parts.length === 1) return `${parts[0]} AS r`;
  return `(${parts.map((part) => `SELECT * FROM ${part}`).join(" UNION ALL BY NAME ")}) AS r`;
}

/** Empty if finding columns by id is enough; else equal for files with the same projection. */
function projectionKey(fields: Field[], { layout, constants }: ViewFile): string {
  if (layout === undefined) return "";
  const missing = [...constants ?? []].filter(([id]) => !layout.columns.some(({ fieldId }) => fieldId === id));
  if (missing.length === 0 && !layout.isMapped && readsAsIs(fields, layout.columns)) return "";
  return `${layout.key} ${JSON.stringify(missing)}`;
}

function readProjected(fields: Field[], { layout, constants }: ViewFile, paths: string[], options: string): string {
  const columns = fields.map((field) =>
    `${projectColumn(field, layout!.columns, constants?.get(field.id))} AS ${columnName(field.id)}`
  );
  const list = paths.map(quotePath).join(", ");
  const places = options === "" ? "" : ", _file, file_row_number";
  return `SELECT ${columns.join(", ")}${places} FROM read_parquet([${list}], hive_partitioning = false${options})`;
}

/** Reads Parquet files by field id. Columns that a file lacks are null. */
function readById(fields: Field[], paths: string[], options = PLACE_OPTIONS): string {
  const entries = fields.map(({ id, type }) =>
    `${id}: {name: '${columnName(id)}', type: ${quoteText(sqlTypeOf(type))}, default_value: NULL}`
  );
  const list = paths.map(quotePath).join(", ");
  return `read_parquet([${list}], schema = MAP {${entries.join(", ")}}, hive_partitioning = false${options})`;
}

function liveRows(source: ViewSource, files: ViewFile[]): string {
  const deletes = [...new Map(files.flatMap((file) => file.deletes.map((each) => [each.localPath, each]))).values()];
  const positional = deletes.filter(({ file }) => file.content === "position-deletes");
  const equality = Map.groupBy(
    deletes.filter(({ file }) => file.content === "equality-deletes"),
    ({ file }) => [...file.equalityIds ?? []].sort((a, b) => a - b).join(","),
  );
  const compared = [...equality.keys()].flatMap((ids) => equalityFields(source, ids));
  const sets = deleteSets(files);
  const places = values(files.map((file) => [file.localPath, file.file.path, sets.of(file)]));
  return [
    `SELECT ${shownColumns(source)} FROM ${rowsOf(source, files, compared)}`,
    `JOIN ${places} AS f(local_path, path, delete_set) ON r._file = f.local_path`,
    ...(positional.length === 0 ? [] : [withoutPositions(positional)]),
    ...[...equality].map(([ids, group], index) => withoutEqual(source, `e${index}`, ids, sets.rowsOf(group))),
  ].join("\n");
}

/**
 * Data files with the same delete files share a numbered set: far fewer rows than pairs of files.
 */
function deleteSets(files: ViewFile[]) {
  const key = (file: ViewFile) => file.deletes.map(({ localPath }) => localPath).sort().join("\n");
  const groups = [...Map.groupBy(files, key)];
  const numbers = new Map(groups.map(([text], index) => [text, index]));
  return {
    of: (file: ViewFile) => numbers.get(key(file))!,
    /** The sets that each of these delete files is in. */
    rowsOf: (deletes: LocalFile[]): [string, number][] =>
      groups.flatMap(([, [first]], index) => {
        const members = new Set(first!.deletes.map(({ localPath }) => localPath));
        return deletes.filter(({ localPath }) => members.has(localPath))
          .map(({ localPath }): [string, number] => [localPath, index]);
      }),
  };
}

/**
 * Field ids 2147483546 and 2147483545 are those of `file_path` and `pos` (specification: "Reserved
 * Field IDs").
 */
function withoutPositions(deletes: LocalFile[]): string {
  const paths = deletes.map(({ localPath }) => quotePath(localPath)).join(", ");
  const schema = "MAP {2147483546: {name: 'file_path', type: 'VARCHAR', default_value: NULL}, " +
    "2147483545: {name: 'pos', type: 'BIGINT', default_value: NULL}}";
  return `ANTI JOIN read_parquet([${paths}], schema = ${schema}) AS p ` +
    `ON p.file_path = f.path AND p.pos = r.file_row_number`;
}

/** Null equals null here (specification: "Equality Delete Files"). */
function withoutEqual(source: ViewSource, alias: string, ids: string, sets: [string, number][]): string {
  const fields = equalityFields(source, ids);
  const columns = fields.map(({ id }) => columnName(id));
  const paths = [...new Set(sets.map(([localPath]) => localPath))];
  const deleted = `SELECT ${columns.map((column) => `d.${column}, `).join("")}s.delete_set ` +
    `FROM ${readById(fields, paths)} AS d JOIN ${values(sets)} AS s(local_path, delete_set) ON d._file = s.local_path`;
  const same = columns.map((column) => ` AND ${alias}.${column} IS NOT DISTINCT FROM r.${column}`);
  return `ANTI JOIN (${deleted}) AS ${alias} ON ${alias}.delete_set = f.delete_set${same.join("")}`;
}

function equalityFields(source: ViewSource, ids: string): Field[] {
  return ids.split(",").map(Number).flatMap((id) => source.fieldById(id) ?? []);
}

function values(rows: (string | number)[][]): string {
  const literal = (value: string | number) => typeof value === "string" ? quoteText(value) : String(value);
  return `(VALUES ${rows.map((row) => `(${row.map(literal).join(", ")})`).join(", ")})`;
}
