/**
 * Files that a question reads, where --file-root lets it. DuckDB follows links and takes paths from
 * the folder that it was started in; so each path of the text is found first, and the real path of
 * each file takes its place.
 */
import { StreamlabError } from "../base/errors.ts";
import type { FileRoot } from "../disk/file_root.ts";
import { quoteName, quotePath } from "../engine/duckdb.ts";
import { skipToken } from "./sql_text.ts";

/** Functions after FROM that read the files that their first argument names. */
export const FILE_READERS: readonly string[] = [
  "read_csv",
  "read_csv_auto",
  "read_json",
  "read_json_auto",
  "read_ndjson",
  "read_ndjson_auto",
  "read_parquet",
  "parquet_scan",
];

/** By what names end with, before the suffix of a compression. */
const READERS: Readonly<Record<string, string>> = {
  csv: "read_csv",
  tsv: "read_csv",
  json: "read_json",
  ndjson: "read_json",
  jsonl: "read_json",
  parquet: "read_parquet",
};

/** A path in a statement, as DuckDB's parser found it. */
export interface FileReference {
  /** Where it begins, in bytes. */
  location: number;
  path: string;
  /** Of a path that stands after FROM by itself. */
  alone?: { reader: string; hasAlias: boolean };
  /** It stands in a list of paths. */
  isListed: boolean;
}

/** The function that reads a file that is named after FROM; undefined for what is no such name. */
export function readerOf(name: string): string | undefined {
  const suffix = /\.(\w+)(?:\.(?:gz|zst))?$/.exec(name)?.[1]?.toLowerCase();
  return suffix !== undefined && Object.hasOwn(READERS, suffix) ? READERS[suffix] : undefined;
}

type Node = { [key: string]: unknown };

/** The paths that a call of a reader names; fails with `usage` for what is no plain text. */
export function pathsOfCall({ function_name: name, children }: Node): FileReference[] {
  const [first] = (children ?? []) as Node[];
  const isList = first?.function_name === "list_value";
  return (isList ? first.children as Node[] : [first]).map((node): FileReference => {
    const { class: kind, alias, query_location: location, value } = node ?? {};
    const path = (value as Node | undefined)?.value;
    if (kind === "CONSTANT" && (alias ?? "") === "" && typeof path === "string" && typeof location === "number") {
      return { location, path, isListed: isList };
    }
    throw new StreamlabError("usage", `Cannot run this SQL: ${name} takes a path, or a list of them, first`, {
      hint: `Write them in quotes: ${name}('orders/*.csv')`,
    });
  });
}

export interface FoundFiles {
  statement: string;
  /** Their paths, as they are and as patterns that mean each alone: DuckDB asks for both. */
  files: string[];
  /** What stands for them in the statement. */
  patterns: ReadonlySet<string>;
}

/** The statement with the real paths of its files. */
export async function withRealPaths(
  statement: string,
  references: readonly FileReference[],
  root: FileRoot,
): Promise<FoundFiles> {
  const bytes = new TextEncoder().encode(statement);
  const files = new Set<string>();
  let text = statement;
  const byPlace = new Map(references.map((reference) => [reference.location, reference]));
  for (const { location, path, alone, isListed } of [...byPlace.values()].sort((a, b) => b.location - a.location)) {
    const found = await root.find(path);
    for (const file of found) files.add(file);
    const from = new TextDecoder().decode(bytes.subarray(0, location)).length;
    const paths = found.map(quotePath).join(", ");
    const list = isListed ? paths : `[${paths}]`;
    const alias = alone?.hasAlias === false ? ` AS ${quoteName(aliasOf(path))}` : "";
    text = text.slice(0, from) + (alone === undefined ? list : `${alone.reader}(${list})${alias}`) +
      text.slice(skipToken(text, from));
  }
  const patterns = new Set([...files].map(patternOf));
  return { statement: text, files: [...files.union(patterns)], patterns };
}

/** As DuckDB names a file's rows: `orders` for `data/orders.csv`. */
function aliasOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).split(".", 1)[0]!;
}

function patternOf(file: string): string {
  return quotePath(file).slice(1, -1).replaceAll("''", "'");
}
