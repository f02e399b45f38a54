// deno-lint-ignore-file no-console
/**
 * `deno task bench:upserts`: records of as many users as `--keys` says, a file and a batch each of
 * `--batches`, the newest of each user kept, with upkeep between batches. It prints what that takes
 * beside the same files as events, each step's share, whether the rows are exactly those of
 * DuckDB's `arg_max` over the files, and how long a question takes before and after `maintain
 * --compact`, beside the same rows written once.
 *
 *     deno task bench:upserts --records 5000000 --keys 200000 --batches 500
 */
import { parseArgs } from "node:util";
import { systemClock as clock } from "../core/base/clock.ts";
import { seededRandom } from "../core/base/random.ts";
import { DuckDb, quoteText } from "../core/engine/duckdb.ts";
import { FileCatalog } from "../core/iceberg/catalog/file_catalog.ts";
import { Session } from "../core/query/sql_session.ts";
import { openLocalStore } from "../core/storage/local/local_store.ts";
import { measure, type Measured, median } from "./measured_process.ts";

const { values } = parseArgs({
  options: {
    records: { type: "string", default: "500000" },
    keys: { type: "string", default: "20000" },
    batches: { type: "string", default: "50" },
    /** Records that come late, by up to a day. */
    late: { type: "string", default: "0.1" },
    memory: { type: "string", default: "1GB" },
    /** Of the question; the median counts. */
    turns: { type: "string", default: "31" },
    /** The same files are not taken as events first. */
    alone: { type: "boolean", default: false },
    /** Is made there, and left; files that are there already are taken. */
    lake: { type: "string" },
  },
});
const records = Number(values.records), keys = Number(values.keys), batches = Number(values.batches);
const random = seededRandom(1);
const main = new URL("../main.ts", import.meta.url).pathname;
const folder = values.lake ?? await Deno.makeTempDir({ prefix: "streamlab-upserts-" });
const NEWEST = `SELECT user_id, max(event_timestamp) AS event_timestamp, arg_max(event_id, event_timestamp) AS event_id,
  arg_max(event_type, event_timestamp) AS event_type, arg_max(product_id, event_timestamp) AS product_id
FROM read_json('upserted/raw/events/*.ndjson', columns = {user_id: 'VARCHAR', event_id: 'VARCHAR',
  event_type: 'VARCHAR', event_timestamp: 'TIMESTAMPTZ', product_id: 'VARCHAR'}) GROUP BY user_id`;
const QUESTION = "SELECT count(*), count(DISTINCT event_type), max(event_timestamp), max(user_id), max(event_id), " +
  "max(product_id) FROM bronze.events";

try {
  if (!isThere(`${folder}/once/raw/events/all.ndjson`)) await writeFiles();
  const consume = ["consume", "--once", "--max-files-per-batch", "1", "--memory", values.memory, "--source"];
  if (!values.alone) {
    console.log(`as events: ${words(await run([...consume, "plain"]))}`);
    await printSteps("plain");
  }
  console.log(`upserted: ${words(await run([...consume, "upserted", "--upsert-by", "user_id"]))}`);
  await printSteps("upserted");
  await compareRows();
  await run([...consume, "once"]);
  await printQuestions("as consume has left it");
  const upkeep = await run(["maintain", "--compact", "--source", "upserted"]);
  await run(["maintain", "--compact", "--source", "once"]);
  console.log(`maintain --compact: ${words(upkeep)}`);
  await printQuestions("after maintain --compact");
  const audit = await run(["maintain", "--audit", "--source", "upserted"]);
  console.log(`maintain --audit: ${words(audit)}\n${audit.stdout.trim()}`);
} finally {
  if (values.lake === undefined) await Deno.remove(folder, { recursive: true });
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Times that are no others', so that one record is the newest. */
async function writeFiles(): Promise<void> {
  for (const lake of ["upserted", "once"]) await Deno.mkdir(`${folder}/${lake}/raw/events`, { recursive: true });
  await Deno.mkdir(`${folder}/plain/raw`, { recursive: true });
  await Deno.symlink(`${folder}/upserted/raw/events`, `${folder}/plain/raw/events`);
  await inDuckDb(async (ask) => {
    await ask("SELECT setseed(0.5)");
    const each = Math.floor(records / batches);
    for (let batch = 0; batch < batches; batch++) {
      const path = `${folder}/upserted/raw/events/${String(batch).padStart(6, "0")}.ndjson`;
      await ask(`COPY (SELECT 'user-' || floor(random() * ${keys})::INT AS user_id, 'e-' || n AS event_id,
  ['view', 'cart', 'purchase'][1 + n % 3] AS event_type, 'product-' || (random() * 1000)::INT AS product_id,
  strftime(TIMESTAMP '2026-03-01' + to_microseconds(n * ${Math.floor(6 * 86_400_000_000 / records)}
    - CASE WHEN random() < ${values.late} THEN (random() * 86400000000)::BIGINT ELSE 0 END),
    '%Y-%m-%dT%H:%M:%S.%fZ') AS event_timestamp
FROM range(${batch * each}, ${(batch + 1) * each}) r(n)) TO ${quoteText(path)} (FORMAT json)`);
    }
    await ask(
      `COPY (SELECT * REPLACE (strftime(event_timestamp, '%Y-%m-%dT%H:%M:%S.%fZ') AS event_timestamp) FROM (${NEWEST}))
TO ${quoteText(`${folder}/once/raw/events/all.ndjson`)} (FORMAT json)`,
    );
  });
}

async function inDuckDb(action: (ask: (sql: string) => Promise<unknown>) => Promise<void>): Promise<void> {
  const database = await DuckDb.open({ threads: navigator.hardwareConcurrency, memory: values.memory });
  const connection = await database.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    await action(async (sql) => await connection.rows(sql.replaceAll("'upserted/", `'${folder}/upserted/`)));
  } finally {
    connection.close();
    database.close();
  }
}

async function compareRows(): Promise<void> {
  const columns = "user_id, event_timestamp, event_id, event_type, product_id";
  await run([
    ...["query", "--source", "upserted", "--output", "rows.parquet"],
    `SELECT ${columns} FROM bronze.events`,
  ]);
  await inDuckDb(async (ask) => {
    const [counts] = await ask(
      `WITH found AS (FROM read_parquet(${quoteText(`${folder}/rows.parquet`)})),
  wanted AS (SELECT ${columns} FROM (${NEWEST}))
SELECT (SELECT count(*) FROM found)::INT AS found, (SELECT count(*) FROM wanted)::INT AS wanted,
  (SELECT count(*) FROM (FROM found EXCEPT ALL FROM wanted))::INT AS more,
  (SELECT count(*) FROM (FROM wanted EXCEPT ALL FROM found))::INT AS less`,
    ) as { found: number; wanted: number; more: number; less: number }[];
    const { found, wanted, more, less } = counts!;
    console.log(`${found} rows, ${wanted} by DuckDB's arg_max: ${more} wrong, ${less} missing`);
    if (more + less > 0) Deno.exitCode = 1;
  });
}

/** Turn by turn, so that what else the machine does concerns both; without the program's start. */
async function printQuestions(when: string): Promise<void> {
  const lakes = (["upserted", "once"] as const).map((name) => {
    const store = openLocalStore(`${folder}/${name}`, { random, durable: false });
    const catalog = new FileCatalog({ store, clock, random });
    const machine = { temporaryFolder: "/tmp", threads: navigator.hardwareConcurrency, memory: values.memory };
    const session = new Session({ openCatalog: () => Promise.resolve(catalog), clock, random, ...machine });
    return { session, ms: [] as number[] };
  });
  for (let turn = 0; turn < Number(values.turns); turn++) {
    for (const { session, ms } of lakes) {
      const startMs = performance.now();
      await session.ask(QUESTION, {}, async ({ chunks }) => {
        for await (const rows of chunks) if (rows.length !== 1) throw new Error("One row is the answer");
      });
      ms.push(performance.now() - startMs);
    }
  }
  const [upserted, once] = lakes.map(({ ms }) => median(ms)) as [number, number];
  console.log(
    `${when}: a question takes ${upserted.toFixed(1)} ms, of rows written once ${once.toFixed(1)} ms: ${
      (upserted / once).toFixed(2)
    } times as long`,
  );
}

/** Steps overlap: routing has the lookup of what is newest in it. */
async function printSteps(lake: string): Promise<void> {
  const sums = await answer(
    lake,
    `SELECT name, sum(seconds) AS seconds FROM (
  SELECT e.key AS name, e.value AS seconds FROM (SELECT unnest(map_entries(seconds)) AS e FROM ingest.batches)
  UNION ALL SELECT 'upkeep: ' || action, epoch(ended_at - started_at) FROM ingest.upkeep) GROUP BY name ORDER BY seconds DESC`,
  ) as { name: string; seconds: number }[];
  console.log(`  ${lake}: ${sums.map(({ name, seconds }) => `${name} ${seconds.toFixed(1)} s`).join(", ")}`);
}

async function answer(lake: string, sql: string): Promise<unknown> {
  return JSON.parse((await run(["query", "--source", lake, "--format", "json", sql])).stdout);
}

function run(args: string[]): Promise<Measured> {
  return measure(Deno.execPath(), ["run", "--quiet", "--no-check", "--allow-all", main, ...args], folder);
}

function words({ seconds, processorSeconds = NaN, memoryMax = NaN }: Measured): string {
  return `${seconds.toFixed(1)} s, ${processorSeconds.toFixed(1)} s of processors, ${(memoryMax / 1e6).toFixed(0)} MB`;
}
