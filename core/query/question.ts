/**
 * Only questions are answered. A text is a question when DuckDB's own parser reads it as one SELECT
 * statement (DESCRIBE, SHOW, SUMMARIZE, VALUES, FROM and TABLE are spellings of it) or as an
 * EXPLAIN of one, and when all that it reads from are tables of the lake, names that it defines
 * itself, and functions that make rows out of their arguments. DuckDB's settings (external access
 * off, configuration locked) back this check up; alone they would let `EXPLAIN ANALYZE COPY … TO`
 * through.
 */
import { StreamlabError } from "../base/errors.ts";
import type { FileRoot } from "../disk/file_root.ts";
import { type Connection, quoteText } from "../engine/duckdb.ts";
import { FILE_READERS, type FileReference, pathsOfCall, readerOf, withRealPaths } from "./file_reference.ts";
import { allowedFunctions, type FunctionPlace, functionVerdict } from "./sql_functions.ts";
import { describe, placeOf } from "./sql_error.ts";
import { isBlank, splitExplain, splitStatements } from "./sql_text.ts";
import {
  type TableVersion,
  unreadable,
  type Unversioned,
  type VersionedTable,
  versionHint,
  versionSelect,
  withoutVersions,
} from "./table_version.ts";

export interface Question {
  /** The one statement as written, without its semicolon. */
  sql: string;
  /** `sql` without EXPLAIN: a SELECT. */
  select: string;
  /** `select` as it was written, for the places of errors. */
  written: string;
  isExplain: boolean;
  tables: TableReference[];
  /** Files of this machine that it reads: what DuckDB has to be allowed to open. */
  files: string[];
  /** It asks what tables there are: SHOW TABLES, information_schema. */
  asksForTables: boolean;
}

/** A table as the question names it; names are compared without regard to case, as DuckDB does. */
export interface TableReference {
  namespace: string;
  /** With its suffix: `events$snapshots`. */
  name: string;
  /** With `AT (…)` behind it: which version is asked, and its namespace in the SQL to run. */
  asked?: { version: TableVersion; namespace: string };
}

type Node = { [key: string]: unknown };

/** `fileRoot`: questions may read the files below it. */
export async function parseQuestion(connection: Connection, text: string, fileRoot?: FileRoot): Promise<Question> {
  // The parser takes a C string: text after a NUL would be run without being checked, or checked
  // without being run.
  if (text.includes("\0")) throw refusal("the SQL holds a NUL character");
  const { statements, rest } = splitStatements(text);
  if (!isBlank(rest)) statements.push(rest.trim());
  if (statements.length === 0) throw refusal("there is no SQL in it");
  if (statements.length > 1) throw refusal("there is more than one statement", "Ask one question at a time");
  const sql = statements[0]!;
  const { prefix, statement } = splitExplain(sql);
  const { versions, ...plain } = await plainOf(connection, statement, fileRoot !== undefined);
  const { found, ...read } = await readOf(connection, plain, fileRoot);
  return {
    sql: read.statement === statement ? sql : `${prefix}${read.statement}`,
    select: read.statement,
    // A path that is replaced by another moves what is behind it.
    written: read.files.length === 0 ? statement : read.statement,
    isExplain: prefix !== "",
    tables: found.tables().map((table): TableReference => {
      const asked = versions.get(table.namespace);
      if (asked === undefined) return table;
      const { version, namespace } = asked;
      return { namespace, name: table.name, asked: { version, namespace: table.namespace } };
    }),
    files: read.files,
    asksForTables: found.asksForTables,
  };
}

/** A statement and what has been found in it: what is run is what has been checked. */
interface Checked {
  statement: string;
  found: Findings;
}

/** Without `AT (…)`. */
async function plainOf(
  connection: Connection,
  statement: string,
  readsFiles: boolean,
): Promise<Checked & Pick<Unversioned, "versions">> {
  const found = await findingsOf(connection, statement, readsFiles);
  if (found.versioned.length === 0) return { statement, found, versions: new Map() };
  const plain = withoutVersions(statement, found.versioned, found.namespaces());
  const checked = await findingsOf(connection, plain.statement, readsFiles);
  if (checked.versioned.length > 0) throw unreadable();
  for (const { version } of plain.versions.values()) {
    const constant = await findingsOf(connection, versionSelect(version), false);
    if (constant.tables().length > 0) throw unreadable();
  }
  return { ...plain, found: checked };
}

/** With the real paths of the files that it reads. */
async function readOf(
  connection: Connection,
  { statement, found }: Checked,
  root: FileRoot | undefined,
): Promise<Checked & { files: string[] }> {
  if (root === undefined || found.files.length === 0) return { statement, found, files: [] };
  const read = await withRealPaths(statement, found.files, root);
  const checked = await findingsOf(connection, read.statement, true);
  if (!checked.files.every(({ path, alone }) => alone === undefined && read.patterns.has(path))) {
    throw refusal("its paths cannot be told apart", "Write each path in plain single quotes");
  }
  return { statement: read.statement, found: checked, files: read.files };
}

async function findingsOf(connection: Connection, statement: string, readsFiles: boolean): Promise<Findings> {
  const found = new Findings(readsFiles);
  found.visit(await parseSelect(connection, statement));
  if (found.unknownFunction !== undefined) throw await unknownFunction(connection, found.unknownFunction);
  return found;
}

/** How to ask for what is no question. */
function insteadOf(statement: string): string | undefined {
  if (/^\s*\(?\s*pivot\b/i.test(statement)) return "A PIVOT needs its values: PIVOT … ON column IN (…)";
  if (/^\s*set\b.*\btime_?zone\b/is.test(statement)) return "--timezone names the time zone, in the prompt .timezone";
  return undefined;
}

/** The syntax tree of one SELECT, by DuckDB; refuses every other statement. */
async function parseSelect(connection: Connection, statement: string): Promise<Node> {
  const rows = await connection.rows(`SELECT json_serialize_sql(${quoteText(statement)}::VARCHAR)::VARCHAR AS tree`);
  const tree = JSON.parse(String(rows[0]!.tree)) as {
    error: boolean;
    error_type?: string;
    error_message?: string;
    position?: string;
    statements?: Node[];
  };
  if (tree.error) {
    if (tree.error_type === "parser") {
      const position = tree.position === undefined ? undefined : Number(tree.position);
      const hint = position === undefined
        ? undefined
        : versionHint(statement, position) ?? await keywordHint(connection, statement, position);
      const place = position === undefined ? undefined : placeOf(statement, position);
      throw describe(String(tree.error_message), "usage", { hint, place });
    }
    throw refusal(
      "only questions are answered here: SELECT, and DESCRIBE, SHOW, SUMMARIZE or EXPLAIN of one",
      insteadOf(statement),
    );
  }
  if (tree.statements?.length !== 1) throw refusal("there must be exactly one statement");
  return tree.statements[0]!;
}

/** A column may be called like a keyword: where quotes around it would help, that is said. */
async function keywordHint(connection: Connection, statement: string, position: number): Promise<string | undefined> {
  const before = /([a-z_]+)\s*$/i.exec(statement.slice(0, position));
  const at = /^\s*([a-z_]+)/i.exec(statement.slice(position));
  const words = [
    ...(at === null ? [] : [{ word: at[1]!, from: position + at[0].length - at[1]!.length }]),
    ...(before === null ? [] : [{ word: before[1]!, from: before.index }]),
  ];
  for (const { word, from } of words) {
    const quoted = `${statement.slice(0, from)}"${word}"${statement.slice(from + word.length)}`;
    const [row] = await connection.rows(
      `SELECT json_serialize_sql(${quoteText(quoted)}::VARCHAR)->>'error' AS failed,
        exists (FROM duckdb_keywords() WHERE keyword_name = ${quoteText(word.toLowerCase())}) AS is_keyword`,
    );
    if (row!.is_keyword === true && row!.failed === "false") {
      return `${word} is a keyword: where it names a column or a table, write "${word}" with the quotes`;
    }
  }
  return undefined;
}

function refusal(why: string, hint?: string): StreamlabError {
  return new StreamlabError("usage", `Cannot run this SQL: ${why}`, hint === undefined ? {} : { hint });
}

/** Kinds of table references that contain others or nothing; the others are checked by name. */
const PLAIN_REFERENCES = ["EMPTY", "SUBQUERY", "JOIN", "EXPRESSION_LIST", "PIVOT"];

/** Macros that read the table whose name they are given. */
const TABLE_READERS = ["histogram", "histogram_values"];

const FILES_HINT = "Only the tables of the lake can be read, and files below the folder of --file-root";

class Findings {
  asksForTables = false;
  /** Tables with `AT (…)`. */
  readonly versioned: VersionedTable[] = [];
  /** Only where files may be read. */
  readonly files: FileReference[] = [];
  /** The first that is not in the table of functions. */
  unknownFunction: { name: string; place: FunctionPlace } | undefined;
  readonly #defined = new Set<string>();
  readonly #named: { schema: string; table: string }[] = [];
  readonly #readsFiles: boolean;

  constructor(readsFiles: boolean) {
    this.#readsFiles = readsFiles;
  }

  visit(value: unknown): void {
    if (Array.isArray(value)) return value.forEach((item) => this.visit(item));
    if (typeof value !== "object" || value === null) return;
    const node = value as Node;
    if (Array.isArray((node.cte_map as Node | undefined)?.map)) {
      for (const { key } of (node.cte_map as { map: { key: string }[] }).map) this.#defined.add(key.toLowerCase());
    }
    if (typeof node.function_name === "string") this.#visitFunction(node.function_name, "expression");
    // Only references to tables have a sample and an alias.
    if ("sample" in node && "alias" in node) this.#visitReference(node);
    for (const [key, child] of Object.entries(node)) {
      // A function after FROM is already checked; its arguments are not.
      if (node.type === "TABLE_FUNCTION" && key === "function") this.visit({ ...(child as Node), function_name: null });
      else this.visit(child);
    }
  }

  #visitFunction(name: string, place: FunctionPlace): void {
    const verdict = functionVerdict(name, place);
    if (verdict === undefined) this.unknownFunction ??= { name, place };
    else if (!verdict.allowed) {
      throw refusal(
        `the function ${name} is not available ${place === "from" ? "after FROM" : "here"}: it ${verdict.why}`,
        place === "from" ? "Only the tables of the lake can be read" : undefined,
      );
    }
  }

  #visitReference(node: Node): void {
    const type = String(node.type);
    if (type === "TABLE_FUNCTION") return this.#visitTableFunction(node);
    if (type === "SHOW_REF") return this.#visitShow(node);
    if (type === "BASE_TABLE") return this.#visitTable(node);
    if (!PLAIN_REFERENCES.includes(type)) throw refusal(`${type} is not available here`);
  }

  #visitTableFunction(node: Node): void {
    const called = (node.function ?? {}) as Node;
    if (called.class !== "FUNCTION") throw refusal("only functions and tables can stand after FROM");
    const name = String(called.function_name);
    if (FILE_READERS.includes(name.toLowerCase())) {
      if (this.#readsFiles) return void this.files.push(...pathsOfCall(called));
      throw refusal(`the function ${name} is not available after FROM: it reads files`, FILES_HINT);
    }
    this.#visitFunction(name, "from");
    if (TABLE_READERS.includes(name.toLowerCase())) this.#visitTableName(name, called.children as Node[]);
  }

  /** The table is named by the first argument, which could as well be a file's name. */
  #visitTableName(name: string, [first]: readonly Node[]): void {
    const names = first?.class === "COLUMN_REF" ? first.column_names as string[] : [];
    if (names.length !== 1 && names.length !== 2) {
      throw refusal(`the first argument of ${name} must be a table`, "Name it as bronze.events, without quotes");
    }
    this.#named.push({ schema: names.at(-2) ?? "", table: names.at(-1)! });
  }

  #visitShow(node: Node): void {
    // SHOW of a table holds a query, which is visited like any other.
    if (node.query === null || node.query === undefined) this.asksForTables = true;
  }

  #visitTable(node: Node): void {
    const [catalog, schema, table] = [node.catalog_name, node.schema_name, node.table_name].map(String);
    if (catalog !== "" || table === undefined) throw refusal(`a table is named as namespace.table, not ${catalog}.…`);
    const reader = schema === "" && this.#readsFiles ? readerOf(table) : undefined;
    if (reader !== undefined && typeof node.query_location === "number") {
      const alone = { reader, hasAlias: node.alias !== "" };
      return void this.files.push({ location: node.query_location, path: table, alone, isListed: false });
    }
    if (node.at_clause) this.#visitVersion(node, schema!);
    this.#named.push({ schema: schema!, table });
  }

  #visitVersion({ at_clause: clause, query_location: location }: Node, namespace: string): void {
    if (namespace === "" || typeof location !== "number") throw unreadable();
    if (!isConstant(clause)) throw refusal("AT (…) takes a constant, no column and no subquery");
    this.versioned.push({ location, namespace });
  }

  namespaces(): Set<string> {
    return new Set(this.#named.map(({ schema }) => schema.toLowerCase()));
  }

  tables(): TableReference[] {
    const tables = new Map<string, TableReference>();
    for (const { schema, table } of this.#named) {
      if (schema.toLowerCase() === "information_schema") this.asksForTables = true;
      else if (schema !== "") tables.set(`${schema}.${table}`.toLowerCase(), { namespace: schema, name: table });
      // A name with a dot or a slash could be taken for a file; no name that a question defines
      // needs one.
      else if (!this.#defined.has(table.toLowerCase()) || /[./\\:*?[\]]/.test(table)) throw unknownTable(table);
    }
    return [...tables.values()];
  }
}

function isConstant(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  const { class: kind } = value as Node;
  return kind !== "SUBQUERY" && kind !== "COLUMN_REF" && Object.values(value).every(isConstant);
}

/** With the allowed one whose name is closest, where it is close. */
async function unknownFunction(
  connection: Connection,
  { name, place }: { name: string; place: FunctionPlace },
): Promise<StreamlabError> {
  const names = allowedFunctions(place).map(quoteText).join(", ");
  const distance = `damerau_levenshtein(name, ${quoteText(name.toLowerCase())})`;
  const [near] = await connection.rows(
    `SELECT name FROM unnest([${names}]) t(name) WHERE ${distance} <= 2 ORDER BY ${distance}, name LIMIT 1`,
  );
  const hint = near === undefined ? undefined : `Did you mean "${near.name}"?`;
  return refusal(`the function ${name} does not exist${place === "from" ? " after FROM" : ""}`, hint);
}

function unknownTable(table: string): StreamlabError {
  return refusal(
    `there is no table ${table}`,
    readerOf(table) !== undefined
      ? FILES_HINT
      : "Tables are named with their namespace, as bronze.events; SHOW TABLES lists them",
  );
}
