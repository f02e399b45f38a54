import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DuckDb, quoteText } from "../../core/engine/duckdb.ts";
import { fileSources } from "../../core/routing/record_source.ts";
import type { CountedFile } from "../../core/routing/record_sql.ts";
import { RECORD_COLUMNS, unionRecords } from "../../core/routing/sql/record_query.ts";

const RECORDS = [`{"a":1}`, `{"a":2}`, `{"a":3}`];

/** The same records in a file of each kind; spooled ones stand behind something else. */
async function filesOf(database: DuckDb, folder: string): Promise<CountedFile[]> {
  const put = (name: string, text: string) => (Deno.writeTextFileSync(`${folder}/${name}`, text), text.length);
  const connection = await database.connect();
  const rows = RECORDS.map((text) => `(${(JSON.parse(text) as { a: number }).a})`).join(", ");
  await connection.run(`COPY (FROM (VALUES ${rows}) t(a)) TO ${quoteText(`${folder}/p.parquet`)} (FORMAT parquet)`);
  connection.close();
  const array = `[${RECORDS.join(",")}]`, lines = RECORDS.join("\n");
  put("spool", `....${array}${lines}`);
  const base = { records: RECORDS.length };
  return [
    { ...base, number: 3, name: "an array", path: `${folder}/a`, size: put("a", array), format: "json" },
    { ...base, number: 5, name: "lines", path: `${folder}/l`, size: put("l", lines), format: "ndjson" },
    {
      ...base,
      number: 6,
      name: "it's spooled",
      path: `${folder}/spool`,
      offset: 4,
      size: array.length,
      format: "json",
    },
    {
      ...base,
      number: 7,
      name: "spooled lines",
      path: `${folder}/spool`,
      offset: 4 + array.length,
      size: lines.length,
      format: "ndjson",
    },
    { ...base, number: 9, name: "rows", path: `${folder}/p.parquet`, size: 1, format: "parquet" },
  ];
}

Deno.test("whatever records come from, a query has their file, its name, their position and their text", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "streamlab-sources-" });
  const database = await DuckDb.open({ threads: 1 });
  try {
    const files = await filesOf(database, folder);
    const connection = await database.connect();
    const sources = fileSources(files, `${folder}/pack`);
    strictEqual(sources.length, 4);
    const queries = [];
    for (const source of sources) queries.push(await source.records(connection));
    for (const { sql } of queries) {
      const described = await connection.rows(`DESCRIBE ${sql}`);
      deepStrictEqual(described.map((row) => [row.column_name, row.column_type]), [
        [RECORD_COLUMNS.file, "INTEGER"],
        [RECORD_COLUMNS.name, "VARCHAR"],
        [RECORD_COLUMNS.position, "BIGINT"],
        [RECORD_COLUMNS.record, "VARCHAR"],
      ]);
    }
    const rows = await connection.rows(`FROM (${unionRecords(queries).sql}) ORDER BY ALL`);
    const expected = files.flatMap(({ number, name }) =>
      RECORDS.map((record, position) => [number, name, BigInt(position), record])
    );
    deepStrictEqual(rows.map((row) => Object.values(row)), expected);
    connection.close();
  } finally {
    database.close();
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("files of a kind are read together, Parquet files each by itself", () => {
  const file = (number: number, format: CountedFile["format"], offset?: number): CountedFile => {
    return { number, name: "", path: "x", size: 1, records: 1, format, offset };
  };
  const kinds = (...files: CountedFile[]) => fileSources(files, "pack").length;
  strictEqual(kinds(), 0);
  strictEqual(kinds(file(0, "json"), file(1, "json")), 1);
  strictEqual(kinds(file(0, "json"), file(1, "ndjson"), file(2, "json", 0), file(3, "ndjson", 9)), 3);
  strictEqual(kinds(file(0, "parquet"), file(1, "parquet")), 2);
});
