// deno-lint-ignore-file no-console
/**
 * `deno task bench:pages`: what the console's endpoints take over a lake of many rows and many
 * batches. The rows are produced and consumed. Nearly all batches are made up: their raw files, the
 * ledger's rows, their records in the history and the marks of the tables are what real ones would
 * have left after upkeep; the last ones are the consumer's. `--lake` makes the lake there, unless
 * it is there already, and leaves it.
 *
 *     deno task bench:pages --rows 10000000 --batches 100000 --lake /tmp/large
 */
import { parseArgs } from "node:util";
import { systemClock as clock } from "../core/base/clock.ts";
import { systemRandom as random } from "../core/base/random.ts";
import { DuckDb, quoteName, quotePath } from "../core/engine/duckdb.ts";
import { appendFiles } from "../core/iceberg/action/append_files.ts";
import { setProperties } from "../core/iceberg/action/set_properties.ts";
import { requireTable } from "../core/iceberg/catalog/catalog.ts";
import { FileCatalog } from "../core/iceberg/catalog/file_catalog.ts";
import { commitTable } from "../core/iceberg/commit.ts";
import { buildDataFile } from "../core/iceberg/data_file_builder.ts";
import { currentSchema } from "../core/iceberg/format/table_metadata.ts";
import type { BatchRecord } from "../core/lake/batch_history.ts";
import { BATCHES, History } from "../core/lake/history.ts";
import { lastBatchOf, streamlabKey } from "../core/lake/keys.ts";
import { identifiersOf } from "../core/lake/table_names.ts";
import { openLocalStore } from "../core/storage/local/local_store.ts";
import type { Store } from "../core/storage/store.ts";
import { peakOf, processorSecondsOf } from "./family_watch.ts";
import { median } from "./measured_process.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "10000000" },
    batches: { type: "string", default: "100000" },
    rounds: { type: "string", default: "5" },
    lake: { type: "string" },
    /** Further flags of serve, as one text. */
    serve: { type: "string", default: "" },
  },
});
const TARGET = { namespace: ["bronze"], name: "events" }, TARGET_NAME = "bronze.events";
const FILE_RECORDS = 10_000, FILES_PER_BATCH = 50;
/** Each of one small file, with which the run ends. */
const REAL_BATCHES = 100;
/** As many as upkeep carries over into the history at once. */
const CARRIED = 100;
const main = new URL("../main.ts", import.meta.url).pathname;
const folder = values.lake ?? await Deno.makeTempDir({ prefix: "streamlab-pages-" });
const lake = `${folder}/lake`;

function start(args: string[], stderr: "inherit" | "piped" = "inherit"): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--allow-all", main, ...args],
    cwd: folder,
    stdin: "null",
    stdout: "null",
    stderr,
  }).spawn();
}

async function run(...args: string[]): Promise<void> {
  if (!(await start(args).status).success) throw new Error(`${args.join(" ")} failed`);
}

async function makeLake(): Promise<void> {
  const files = Math.ceil(Number(values.rows) / FILE_RECORDS);
  await run("produce", "--dirty", "--batches", `${files}`, "--batch-size", `${FILE_RECORDS}`, "--interval", "0s");
  await run("consume", "--once", "--create", "--max-files-per-batch", `${FILES_PER_BATCH}`);
  await makeBatches(Number(values.batches) - REAL_BATCHES);
  await run("produce", "--dirty", "--batches", `${REAL_BATCHES}`, "--batch-size", "50", "--interval", "0s");
  await run("consume", "--once", "--max-files-per-batch", "1");
}

/** Those after the last one, up to `last`: what they leave in raw zone, ledger and history. */
async function makeBatches(last: number): Promise<void> {
  const store = openLocalStore(lake, { random, durable: false });
  const catalog = new FileCatalog({ store, clock, random });
  const { ledger, ...others } = identifiersOf(TARGET);
  const first = Number(lastBatchOf((await requireTable(catalog, ledger)).metadata.properties, TARGET_NAME)) + 1;
  const rows = await makeRawFiles(store, first, last);
  await fillHistory(store, first, last);
  const marker = setProperties({ [streamlabKey.batchId(TARGET_NAME)]: `${last}` });
  for (const identifier of Object.values(others)) {
    await commitTable(catalog, identifier, (transaction) => transaction.add(marker), { clock, random });
  }
  const table = await requireTable(catalog, ledger), schema = currentSchema(table.metadata);
  const name = "data/00000000-made-up.parquet", path = `${lake}/${table.io.location.pathInStore(name)}`;
  const fieldIds = schema.fields.map(({ id, name }) => `${quoteName(name)}: ${id}`).join(", ");
  const database = await DuckDb.open({ tempDirectory: `${folder}/spill` });
  const connection = await database.connect();
  await connection.run(`COPY (SELECT '${TARGET_NAME}' AS "table", name AS source_file, etag, size, batch_id,
  51::BIGINT AS records, 50::BIGINT AS events, 1::BIGINT AS dead_letters, 0::BIGINT AS duplicates, 'ingested' AS status,
  make_timestamptz((1772366400 + batch_id) * 1000000) AS ingested_at
FROM read_csv(${
    quotePath(rows)
  }, header = false, columns = {name: 'VARCHAR', etag: 'VARCHAR', size: 'BIGINT', batch_id: 'BIGINT'}))
TO ${quotePath(path)} (FORMAT parquet, CODEC zstd, FIELD_IDS {${fieldIds}})`);
  database.close();
  const fileSizeBytes = (await Deno.stat(path)).size, recordCount = last - first + 1;
  const uri = table.io.location.uriOf(name);
  const file = buildDataFile({ path: uri, specId: 0, partition: [], recordCount, fileSizeBytes, columns: [] }, schema);
  await commitTable(catalog, ledger, async (transaction) => {
    transaction.add(await appendFiles(transaction, { files: [file] }));
    transaction.add(marker);
  }, { clock, random });
}

/** One of a few bytes for each batch; returns where their names and etags are. */
async function makeRawFiles(store: Store, first: number, last: number): Promise<string> {
  const rows = `${folder}/made-up.csv`;
  using file = Deno.openSync(rows, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  for (let batchId = first; batchId <= last; batchId++) {
    const name = `raw/events/0-${String(batchId).padStart(8, "0")}.ndjson`;
    Deno.writeTextFileSync(`${lake}/${name}`, "{}\n");
    const { etag, size } = (await store.stat(name))!;
    file.writeSync(encoder.encode(`${name},"${etag}",${size},${batchId}\n`));
  }
  return rows;
}

async function fillHistory(store: Store, first: number, last: number): Promise<void> {
  const history = new History(BATCHES, { store, clock, random });
  for (let from = first; from <= last; from += CARRIED) {
    const count = Math.min(CARRIED, last - from + 1);
    await history.add(Array.from({ length: count }, (_, i) => recordOf(from + i)));
  }
}

function recordOf(batchId: number): BatchRecord {
  const plannedMs = (1_772_366_400 + batchId) * 1_000 + Math.floor(random.next() * 200);
  const ms = (most: number) => 1 + Math.floor(random.next() * most);
  const steps = {
    discover: ms(9),
    plan: ms(9),
    route: ms(99),
    place: ms(9),
    commitEvents: ms(30),
    commitLedger: ms(30),
  };
  return {
    ...{
      format: 1,
      table: TARGET_NAME,
      batchId,
      plannedMs,
      routedMs: plannedMs + ms(99),
      committedMs: plannedMs + 250,
    },
    ...{ steps, files: 1, bytes: 9_000 + ms(999), records: 51, events: 50, deadLetters: 1 },
    ...{ reasons: { invalid_schema: 1 }, duplicates: 0, changed: 0, vanished: 0, conflicts: 0, engine: "embedded" },
  };
}

/** What the pages ask for, by a name for each. */
async function pathsOf(address: string): Promise<Record<string, string>> {
  const target = `target=${TARGET_NAME}`,
    table = "table=dead_letters.events",
    half = Math.floor(Number(values.batches) / 2);
  const response = await fetch(`${address}/api/letters?${table}&limit=1`);
  const { letters: [letter] } = await response.json() as { letters: [Record<string, string>] };
  const position = letter.sourcePosition === null ? "" : `&position=${letter.sourcePosition}`;
  const one = `file=${encodeURIComponent(letter.sourceFile!)}&batch=${letter.batchId}${position}`;
  return {
    "the first page": "/",
    overview: "/api/overview",
    batches: `/api/batches?${target}`,
    "batches, 1,000 of them": `/api/batches?${target}&limit=1000`,
    "batches, from the middle": `/api/batches?${target}&before=${half}`,
    "batches, the first ones": `/api/batches?${target}&before=61`,
    "upkeep of a table": `/api/upkeep/history?table=${TARGET_NAME}`,
    tables: "/api/tables",
    "a table": `/api/table?table=${TARGET_NAME}`,
    "the ledger": "/api/table?table=ingest.files",
    "letters by reason": `/api/letters/reasons?${table}`,
    "letters over time": `/api/letters/over-time?${table}&by=hour`,
    letters: `/api/letters?${table}`,
    "letters of a reason": `/api/letters?${table}&reason=invalid_schema`,
    "a letter": `/api/letter?${table}&${one}`,
    files: "/api/files",
    "files by a part of the name": `/api/files?find=${half}`,
    "files of a batch": `/api/files?batch=${half}`,
    contract: `/api/contract?${target}`,
    metrics: "/metrics",
    "catalog, a table": "/catalog/v1/namespaces/bronze/tables/events",
  };
}

interface Asked {
  firstByteMs: number;
  wholeMs: number;
  processorMs: number;
  bytes: number;
}

async function ask(address: string, pid: number, path: string): Promise<Asked> {
  const before = processorSecondsOf(pid)!, began = performance.now();
  const response = await fetch(address + path);
  const reader = response.body!.getReader();
  let bytes = 0, firstByteMs = NaN;
  for (let part; !(part = await reader.read()).done;) {
    if (bytes === 0) firstByteMs = performance.now() - began;
    bytes += part.value.length;
  }
  const wholeMs = performance.now() - began;
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return { firstByteMs, wholeMs, processorMs: (processorSecondsOf(pid)! - before) * 1_000, bytes };
}

/** Everything once, with nothing known yet; then each again and again, with nothing changed. */
async function measurePages(address: string, pid: number): Promise<void> {
  const paths = Object.entries(await pathsOf(address));
  for (const [name, path] of paths) {
    const rounds: Asked[] = [];
    for (let round = 0; round <= Number(values.rounds); round++) rounds.push(await ask(address, pid, path));
    const [first, ...again] = rounds;
    const of = (key: keyof Asked) => Math.round(median(again.map((asked) => asked[key])));
    console.log(
      `| ${name} | ${Math.round(first!.wholeMs)}; ${Math.round(first!.processorMs)} | ` +
        `${of("firstByteMs")}, ${of("wholeMs")}; ${of("processorMs")} | ${first!.bytes} |`,
    );
  }
}

try {
  if (!await Deno.stat(lake).catch(() => undefined)) await makeLake();
  const serve = start(["serve", "--port", "0", ...values.serve.split(" ").filter(Boolean)], "piped");
  try {
    const lines = serve.stderr.pipeThrough(new TextDecoderStream());
    let said = "";
    for await (const text of lines.values({ preventCancel: true })) {
      if ((said += text).includes("http://")) break;
    }
    void lines.pipeTo(new WritableStream({ write: (text) => console.error(text) })).catch(() => {});
    console.log("| answer | the first time, ms; of processor | again: first byte, whole, ms; of processor | bytes |");
    await measurePages(/http:\/\/[\d.:]+/.exec(said)![0], serve.pid);
    console.log(`at most ${Math.round(peakOf(serve.pid)! / 1e6)} MB of memory`);
  } finally {
    serve.kill("SIGTERM");
    await serve.status;
  }
} finally {
  if (values.lake === undefined) await Deno.remove(folder, { recursive: true });
}
