import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { type Connection, DuckDb, type SqlRow } from "../../core/engine/duckdb.ts";
import { CLEAN_CHANCES, type ProduceOptions } from "../../core/produce/options.ts";
import { collect, type Collected, optionsWith, type TruthLine } from "./collect.ts";

const required = ["user_id", "event_id", "event_type", "event_timestamp"];
const known = [...required, "product_id", "properties"];

/**
 * Runs produce into a folder that DuckDB, a reader that shares nothing with our writer, can look
 * into.
 */
async function withLake(
  changed: Partial<ProduceOptions>,
  check: (run: Collected, connection: Connection, pathOf: (file: string) => string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const duckdb = await DuckDb.open({ threads: 1 });
  try {
    const run = await collect(optionsWith({ format: "parquet", ...changed }));
    const pathOf = (file: string) => join(folder, file.replaceAll("/", "_"));
    for (const [file, bytes] of run.files) await Deno.writeFile(pathOf(file), bytes);
    await check(run, await duckdb.connect(), pathOf);
  } finally {
    duckdb.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function verdictOf(row: SqlRow): string {
  if (required.some((name) => row[name] === null)) return "invalid_schema";
  return Object.keys(row).every((name) => known.includes(name)) ? "event" : "extra_fields";
}

async function checkFile(line: TruthLine, connection: Connection, path: string): Promise<void> {
  const rows = () => connection.rows(`select * from read_parquet('${path}')`);
  if (line.corrupted !== null) return await rejects(rows(), line.corrupted);
  deepStrictEqual((await rows()).map(verdictOf), line.records.map(({ disposition }) => disposition));
}

Deno.test("truth holds for Parquet files: nulls in required columns, extra columns, corrupted files", async () => {
  const chances = { corruption: 0.3, invalidSchema: 0.2, extraFields: 0.2, duplicate: 0.2, late: 0.1 };
  for (const compression of ["none", "gzip", "zstd"] as const) {
    await withLake({ batches: 40, compression, chances, evolveAfter: 30 }, async ({ truth }, connection, pathOf) => {
      const ways = new Set(truth.map(({ corrupted }) => corrupted));
      deepStrictEqual(ways, new Set([null, "cut", "garbage_tail", "broken_footer", "empty_file"]));
      for (const line of truth) await checkFile(line, connection, pathOf(line.file));
    });
  }
});

Deno.test("Parquet rows hold what the JSON of the same seed holds, with types", async () => {
  const json = await collect(optionsWith({ chances: { ...CLEAN_CHANCES, late: 0.2 } }));
  const events = [...json.files.values()]
    .flatMap((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>[]);
  await withLake({ chances: { ...CLEAN_CHANCES, late: 0.2 } }, async ({ files }, connection, pathOf) => {
    const list = [...files.keys()].map((file) => `'${pathOf(file)}'`).join(", ");
    const source = `read_parquet([${list}])`;
    const types = await connection.rows(`select column_name, column_type from (describe select * from ${source})`);
    deepStrictEqual(Object.fromEntries(types.map((row) => [row.column_name, row.column_type])), {
      user_id: "VARCHAR",
      event_id: "VARCHAR",
      event_timestamp: "TIMESTAMP WITH TIME ZONE",
      event_type: "VARCHAR",
      product_id: "VARCHAR",
      properties: "MAP(VARCHAR, VARCHAR)",
    });
    const rows = await connection.rows(
      `select user_id, event_id, epoch_us(event_timestamp)::varchar as us, event_type, product_id,
        to_json(properties)::varchar as properties from ${source}`,
    );
    deepStrictEqual(
      rows,
      events.map((event) => ({
        user_id: event.user_id,
        event_id: event.event_id,
        us: microseconds(String(event.event_timestamp)),
        event_type: event.event_type,
        product_id: event.product_id ?? null,
        properties: JSON.stringify(
          Object.fromEntries(Object.entries(event.properties as object).map(([key, value]) => [key, String(value)])),
        ),
      })),
    );
  });
});

function microseconds(text: string): string {
  return String(BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1000n + BigInt(text.slice(20, 26)));
}

Deno.test("a repeat in a Parquet file is equal in every column, and never older than the file's new column", async () => {
  const chances = { ...CLEAN_CHANCES, duplicate: 0.3 };
  await withLake({ batches: 12, chances, evolveAfter: 6 }, async ({ truth }, connection, pathOf) => {
    const rows = new Map<string, SqlRow[]>();
    for (const { file } of truth) {
      rows.set(
        file,
        await connection.rows(`select *, properties::varchar as properties from read_parquet('${pathOf(file)}')`),
      );
    }
    let across = 0;
    for (const { file, batch, records } of truth) {
      for (const { position, duplicate_of } of records) {
        if (duplicate_of === undefined) continue;
        deepStrictEqual(rows.get(file)![position], rows.get(duplicate_of.file)![duplicate_of.position]);
        const original = truth.find((line) => line.file === duplicate_of.file)!;
        strictEqual(original.batch >= 6, batch >= 6);
        if (original.batch !== batch) across++;
      }
    }
    ok(across > 10);
  });
});
