/**
 * What DuckDB alone takes for the same files: `bare_duckdb.ts JOB` reads them with a contract's
 * columns and writes Parquet with zstd, one file, or one a partition. Whatever does not fit becomes
 * null; nothing is checked or accounted for. `JOB` is a file that holds a `BareJob`.
 */
import { DuckDb, quoteName, quoteText } from "../core/engine/duckdb.ts";
import type { BareJob } from "./bare_job.ts";

const job = JSON.parse(await Deno.readTextFile(Deno.args[0]!)) as BareJob;
const { threads, target, format, columns, partitionBy, files } = job;
const database = await DuckDb.open({ threads });
const connection = await database.connect();
const types = Object.entries(columns).map(([name, type]) => `${quoteName(name)}: ${quoteText(type)}`);
const part = partitionBy === undefined ? "" : `, ${partitionBy} AS part`;
await connection.run(`
  COPY (
    SELECT *${part} FROM read_json([${files.map(quoteText).join(", ")}], format = '${format}', ignore_errors = true,
      maximum_object_size = 1000000000, columns = {${types.join(", ")}})
  ) TO ${quoteText(target)} (FORMAT parquet, COMPRESSION zstd${part === "" ? "" : ", PARTITION_BY part"})`);
connection.close();
database.close();
