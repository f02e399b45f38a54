/**
 * What DuckDB alone takes for the same files: `bare_duckdb.ts THREADS TARGET FILE…` reads them with
 * the default contract's columns and writes one Parquet file with zstd. Whatever does not fit
 * becomes null; nothing is checked or accounted for.
 */
import { DuckDb, quoteText } from "../core/engine/duckdb.ts";

const [threads, target, ...files] = Deno.args;
const database = await DuckDb.open({ threads: Number(threads) });
const connection = await database.connect();
await connection.run(`
  COPY (
    SELECT * FROM read_json([${files.map(quoteText).join(", ")}], format = 'array', ignore_errors = true, columns = {
      user_id: 'VARCHAR', event_id: 'VARCHAR', event_type: 'VARCHAR', event_timestamp: 'TIMESTAMPTZ',
      product_id: 'VARCHAR', properties: 'MAP(VARCHAR, VARCHAR)'
    })
  ) TO ${quoteText(target!)} (FORMAT parquet, COMPRESSION zstd)`);
connection.close();
database.close();
