/**
 * What DuckDB alone takes to read Parquet files and write their rows as one, group by group:
 * `bare_rewrite.ts JOB`. Nothing is compared or committed. `JOB` is a file that holds a
 * `RewriteJob`.
 */
import { DuckDb, quoteText } from "../core/engine/duckdb.ts";
import type { RewriteJob } from "./compaction.ts";

const { threads, groups } = JSON.parse(await Deno.readTextFile(Deno.args[0]!)) as RewriteJob;
const database = await DuckDb.open({ threads });
const connection = await database.connect();
for (const { files, target } of groups) {
  await connection.run(`
  COPY (SELECT * FROM read_parquet([${files.map(quoteText).join(", ")}], hive_partitioning = false))
  TO ${quoteText(target)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`);
}
connection.close();
database.close();
