/** Calls of DuckDB's functions with hostile texts in the place of each argument. */
import { type Connection, DuckDb, quoteName, quoteText } from "../../core/engine/duckdb.ts";
import verdicts from "../../core/query/sql_functions.json" with { type: "json" };

export interface CatalogFunction {
  name: string;
  /** As `duckdb_functions()` calls it. */
  kind: string;
  /** Of one of its overloads. */
  parameterTypes: string[];
  takesMore: boolean;
}

/** Every overload of every function; those that differ in number types only are told once. */
export async function catalogFunctions(connection: Connection): Promise<CatalogFunction[]> {
  const rows = await connection.rows(
    `SELECT DISTINCT function_name AS name, function_type AS kind, varargs IS NOT NULL AS takes_more,
  coalesce(to_json(parameter_types)::VARCHAR, '[]') AS types, len(parameters) AS count
FROM duckdb_functions() ORDER BY ALL`,
  );
  const functions = rows.map((row): CatalogFunction => {
    const types = JSON.parse(String(row.types)) as (string | null)[];
    return {
      name: String(row.name),
      kind: String(row.kind),
      parameterTypes: Array.from({ length: Number(row.count) }, (_, index) => types[index] ?? "ANY"),
      takesMore: row.takes_more === true,
    };
  });
  const key = ({ name, kind, parameterTypes }: CatalogFunction) =>
    `${kind} ${name} ${parameterTypes.map((type) => isNumeric(type) ? "number" : type)}`;
  return [...Map.groupBy(functions, key).values()].map(([first]) => first!);
}

function isNumeric(type: string): boolean {
  return /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|^(FLOAT|DOUBLE|DECIMAL.*|BIGNUM)$/.test(type);
}

/** Statements that call the function, each with the text in the place of one argument. */
export function callsWith({ name, kind, parameterTypes, takesMore }: CatalogFunction, text: string): string[] {
  const types = takesMore ? [...parameterTypes, "VARCHAR", "VARCHAR"] : parameterTypes;
  return types.flatMap((type, at) => {
    const values = types.map((other, index) => index === at ? hostile(type, text) : plain(other));
    const call = `${quoteName(name)}(${values.join(", ")})`;
    if (kind.startsWith("table")) return [`SELECT * FROM ${call}`];
    return kind === "aggregate" ? [`SELECT ${call}`, `SELECT ${call} OVER ()`] : [`SELECT ${call}`];
  });
}

/** The text in a value of the type, or as text where the type has no room for it. */
function hostile(type: string, text: string): string {
  const literal = quoteText(text);
  if (type.endsWith("[]") || type.startsWith("LIST")) return `[${literal}]`;
  if (type.startsWith("MAP")) return `MAP {${literal}: ${literal}}`;
  if (type.startsWith("STRUCT")) return `{${literal}: ${literal}}`;
  if (type === "BLOB") return `encode(${literal})`;
  if (/lambda/i.test(type)) return `lambda x: ${literal}`;
  return literal;
}

const PLAIN_VALUES: Readonly<Record<string, string>> = {
  BOOLEAN: "true",
  VARCHAR: "'a'",
  BLOB: "'a'::BLOB",
  DATE: "DATE '2026-03-01'",
  TIME: "TIME '12:00:00'",
  TIMESTAMP: "TIMESTAMP '2026-03-01'",
  "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ '2026-03-01 00:00:00+00'",
  INTERVAL: "INTERVAL 1 DAY",
  JSON: "'{}'::JSON",
  BIT: "'101'::BIT",
  UUID: "'1cc9f319-60ad-468b-a86b-69a1b3a53aba'::UUID",
};

function plain(type: string): string {
  if (type.endsWith("[]") || type.startsWith("LIST")) return "['a']";
  if (type.startsWith("MAP")) return "MAP {'a': 'b'}";
  if (type.startsWith("STRUCT")) return "{'a': 1}";
  if (/lambda/i.test(type)) return "lambda x: x";
  if (isNumeric(type)) return "1";
  return PLAIN_VALUES[type] ?? "'a'";
}

export async function withConnection(action: (connection: Connection) => Promise<void>): Promise<void> {
  const database = await DuckDb.open({ threads: 1 });
  try {
    await action(await database.connect());
  } finally {
    database.close();
  }
}

/** The functions that the table allows. */
export function allowedNames(): string[] {
  return verdicts.filter(({ allowed }) => allowed).flatMap(({ functions }) => functions);
}
