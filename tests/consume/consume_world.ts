import { systemClock } from "../../core/base/clock.ts";
import { Meter } from "../../core/base/meter.ts";
import { type Random, seededRandom } from "../../core/base/random.ts";
import type { BatchReport } from "../../core/consume/batch_report.ts";
import type { Discovery } from "../../core/consume/discover.ts";
import { ConsumeSession, type ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { type Connection, DuckDb, quoteName, quoteText, type SqlRow } from "../../core/engine/duckdb.ts";
import { type Catalog, parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import { IdleThreads } from "../../core/routing/reader/reader_pool.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";
import { madeOnce } from "../support/made_once.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import { readsByThreads } from "../support/reads_by_threads.ts";

/** A thread takes longer to start than most consumers of tests live. */
const idleThreads = new IdleThreads();
addEventListener("unload", () => idleThreads.close());

/** A lake in a folder of its own, and a consumer of it with its options at hand. */
export class ConsumeWorld {
  readonly random: Random = seededRandom(7);
  readonly store: Store;
  readonly catalog: Catalog;
  /** What the consumers reported. */
  readonly batches: BatchReport[] = [];
  readonly remarks: string[] = [];
  #database: DuckDb | undefined;
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;

    this.store = openLocalStore(folder, { random: this.random, durable: false });
    this.catalog = this.catalogOn(this.store);
  }

  static async use(action: (world: ConsumeWorld) => Promise<void>): Promise<void> {
    const world = new ConsumeWorld(await Deno.makeTempDir({ prefix: "streamlab-consume-" }));
    try {
      await action(world);
    } finally {
      world.#database?.close();
      await Deno.remove(world.folder, { recursive: true });
    }
  }

  /**
   * Like `use`, with a copy of a lake that `make` fills once for all tests of a file. A lake can be
   * moved, and the copy keeps the times of its files.
   */
  static copies(make: (world: ConsumeWorld) => Promise<void>): typeof ConsumeWorld.use {
    return madeOnce(ConsumeWorld.use, make);
  }

  catalogOn(store: Store): Catalog {
    return new FileCatalog({ store, clock: systemClock, random: this.random, tidiesLater: true });
  }

  /** The local path of a raw file; its folder is made. */
  rawPath(name: string): string {
    const path = `${this.folder}/raw/events/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    return path;
  }

  put(name: string, content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    Deno.writeFileSync(this.rawPath(name), bytes);
  }

  options(changes: Partial<ConsumeSessionOptions> = {}): ConsumeSessionOptions {
    const sink = changes.sink ?? this.store;
    return {
      catalog: this.catalogOn(sink),
      sink,
      zone: { store: sink, prefix: "raw/events/", nameBase: "", format: undefined },
      target: { namespace: ["bronze"], name: "events" },
      contract: defaultContract(),
      partitionBy: [],
      onExtraFields: "dead-letter",
      onChangedFile: "ignore",
      maxFilesPerBatch: 10_000,
      maxBytesPerBatch: 1e9,
      clock: systemClock,
      random: this.random,
      meter: new Meter(systemClock),
      threads: 2,
      ...(readsByThreads ? { bytesPerThread: 1, idleThreads } : {}),
      memory: "500MB",
      temporaryFolder: scratchFolder(),
      holder: "the test",
      report: {
        batch: (report) => void this.batches.push(report),
        file: (name, what, detail) => void this.remarks.push(`${name} ${what}: ${detail}`),
        note: (text) => void this.remarks.push(text),
      },
      ...changes,
    };
  }

  /** Resolves when a remark matches that was made, or is made from now on. */
  async remarked(pattern: RegExp): Promise<void> {
    while (!this.remarks.some((remark) => pattern.test(remark))) await systemClock.sleep(5);
  }

  /** Takes all that is there, and lets go of everything. */
  async consume(changes: Partial<ConsumeSessionOptions> = {}): Promise<Discovery> {
    const session = await ConsumeSession.open(this.options(changes));
    try {
      return await session.runOnce(new AbortController().signal);
    } finally {
      session.close();
    }
  }

  /**
   * Rows of a query in which `{{name}}` stands for a table: all its rows, its columns by their
   * present names and types.
   */
  async rows(sql: string): Promise<SqlRow[]> {
    this.#database ??= await DuckDb.open({ threads: 2 });
    const connection = await this.#database.connect();
    try {
      let text = sql;
      for (const [place, name] of sql.matchAll(/\{\{([\w.]+)\}\}/g)) {
        const table = await this.#tableSql(connection, name!);
        // A function: as text, a $ in a column's name would be a pattern of its own.
        text = text.replaceAll(place!, () => table);
      }
      return await connection.rows(text);
    } finally {
      connection.close();
    }
  }

  /** The table's live data files, each checked against the count that its manifest has of it. */
  async #tableSql(connection: Connection, name: string): Promise<string> {
    const table = await this.catalogOn(this.store).loadTable(parseIdentifier(name));
    if (table === undefined) throw new Error(`There is no table ${name}`);
    const { io, metadata } = table;
    const { files } = await planScan(io, metadata, {});
    const paths = files.map(({ dataFile }) => this.store.localPath(io.location.pathOf(dataFile.path))!);
    const names = currentSchema(metadata).fields.map((field) => field.name);
    if (paths.length === 0) return `(SELECT ${names.map((column) => `NULL AS ${quoteName(column)}`)} WHERE false)`;
    for (const [index, { dataFile }] of files.entries()) {
      const [row] = await connection.rows(`SELECT count(*)::INT AS n FROM read_parquet(${quoteText(paths[index]!)})`);
      if (row!.n !== dataFile.recordCount) throw new Error(`${dataFile.path} holds ${row!.n} rows`);
    }
    const source = `read_parquet([${paths.map(quoteText)}], union_by_name = true, hive_partitioning = false)`;
    const written = new Set((await connection.rows(`DESCRIBE FROM ${source}`)).map((row) => row.column_name));
    const columns = names.map((column) => written.has(column) ? quoteName(column) : `NULL AS ${quoteName(column)}`);
    return `(SELECT ${columns} FROM ${source})`;
  }
}
