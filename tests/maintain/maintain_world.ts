import { Meter } from "../../core/base/meter.ts";
import { systemClock } from "../../core/base/clock.ts";
import { quoteText } from "../../core/engine/duckdb.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { rowDelta } from "../../core/iceberg/action/row_delta.ts";
import type { LoadedTable, TableIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { buildDataFile, type DataFileFacts } from "../../core/iceberg/data_file_builder.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import type { Transaction } from "../../core/iceberg/transaction.ts";
import {
  compactTable,
  type TableCompactionOptions,
  type TableCompactionReport,
} from "../../core/maintain/compaction/compact_table.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import { writeTable } from "../tables/parquet/written_table.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";

const eventsName: TableIdentifier = { namespace: ["bronze"], name: "events" };

const eventFields: Field[] = [
  { id: 0, name: "id", required: true, type: { type: "long" } },
  { id: 0, name: "at", required: false, type: { type: "timestamptz" } },
  { id: 0, name: "text", required: false, type: { type: "string" } },
];

export const eventFieldIds = '"id": 1, "at": 2, "text": 3';

/** Rows with these ids, hour by hour from 2026-03-01. */
export function eventRows(from: number, count: number): string {
  return `SELECT i::BIGINT AS id, TIMESTAMPTZ '2026-03-01 00:00:00+00' + to_hours(i::INT) AS at, 'text ' || i AS text
FROM range(${from}, ${from + count}) r(i)`;
}

/** Makes another bit of the last page of a Parquet file; returns the file's bytes. */
export function damagePage(path: string): Uint8Array {
  const bytes = Deno.readFileSync(path);
  const footer = new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
  bytes[bytes.length - 8 - footer - 1]! ^= 16;
  Deno.writeFileSync(path, bytes);
  return bytes;
}

/** A lake with tables, and what upkeep needs to work on them. */
export class MaintainWorld {
  readonly surroundings: Surroundings;
  readonly lake: IcebergWorld;
  readonly #temporaryFolder: string;

  private constructor(lake: IcebergWorld, temporaryFolder: string) {
    this.lake = lake;
    this.#temporaryFolder = temporaryFolder;

    const { catalog, store, random } = lake;
    this.surroundings = { catalog, store, clock: systemClock, random };
  }

  static async use(action: (world: MaintainWorld) => Promise<void>): Promise<void> {
    await IcebergWorld.use(async (lake) => {
      const temporaryFolder = await Deno.makeTempDir({ prefix: "streamlab-maintain-test-" });
      try {
        await action(new MaintainWorld(lake, temporaryFolder));
        for await (const left of Deno.readDir(temporaryFolder)) throw new Error(`${left.name} was left behind`);
      } finally {
        await Deno.remove(temporaryFolder, { recursive: true });
      }
    });
  }

  /** `bronze.events` of so many appends of ten rows each. */
  async events(appends: number, partitioned = false): Promise<LoadedTable> {
    let table = await this.lake.create(
      "bronze.events",
      eventFields,
      partitioned ? [{ column: "at", transform: { name: "day" } }] : [],
    );
    for (let i = 0; i < appends; i++) table = await this.lake.append(table, eventRows(i * 10, 10));
    return table;
  }

  async load(name = eventsName): Promise<LoadedTable> {
    return (await this.lake.catalog.loadTable(name))!;
  }

  async compact(
    options: Partial<TableCompactionOptions> = {},
    surroundings?: Surroundings,
  ): Promise<TableCompactionReport> {
    return await this.compactFrom(await this.load(), options, surroundings);
  }

  async compactFrom(
    table: LoadedTable,
    options: Partial<TableCompactionOptions> = {},
    surroundings: Surroundings = this.surroundings,
  ): Promise<TableCompactionReport> {
    return await compactTable(surroundings, table, {
      targetFileSize: 1e6,
      inputsMin: 2,
      sortBy: [],
      dryRun: false,
      temporaryFolder: this.#temporaryFolder,
      threads: 2,
      memory: "500MB",
      signal: new AbortController().signal,
      meter: new Meter(surroundings.clock),
      ...options,
    });
  }

  async commit(build: (transaction: Transaction) => Promise<void> | void, name = eventsName): Promise<LoadedTable> {
    const { catalog, clock, random } = this.surroundings;
    return (await commitTable(catalog, name, build, { clock, random })).table;
  }

  async append(...files: DataFile[]): Promise<LoadedTable> {
    const append = { files };
    return await this.commit(async (transaction) => transaction.add(await appendFiles(transaction, append)));
  }

  async liveFiles(name = eventsName): Promise<DataFile[]> {
    const { io, metadata } = await this.load(name);
    return (await planScan(io, metadata)).files.map(({ dataFile }) => dataFile);
  }

  /** Writes a Parquet file of the query's rows into the table's folder, and describes it. */
  async file(query: string, fieldIds: string, facts: Partial<DataFileFacts> = {}): Promise<DataFile> {
    const table = await this.load();
    const name = `data/by-hand-${this.surroundings.random.next()}.parquet`;
    const path = table.io.location.store.localPath(table.io.location.pathInStore(name))!;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    const ids = fieldIds === "" ? "" : `, FIELD_IDS {${fieldIds}}`;
    await this.lake.connection.run(`COPY (${query}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd${ids})`);
    const [row] = await this.lake.connection.rows(`SELECT count(*)::INT AS n FROM read_parquet(${quoteText(path)})`);
    return buildDataFile({
      path: table.io.location.uriOf(name),
      specId: table.metadata.defaultSpecId,
      partition: [],
      recordCount: row!.n as number,
      fileSizeBytes: (await Deno.stat(path)).size,
      columns: [],
      ...facts,
    }, currentSchema(table.metadata));
  }

  /** Writes a file of rows with these ids as consume writes it, and describes it. */
  async ownFile(name: string, from: number, count: number): Promise<DataFile> {
    const { io: { location }, metadata } = await this.load();
    const schema = currentSchema(metadata);
    const path = location.store.localPath(location.pathInStore(name))!;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    const rows = Array.from({ length: count }, (_, i) => ({ id: BigInt(from + i), at: null, text: `text ${i % 3}` }));
    const { size } = writeTable(path, schema.fields, rows);
    const place = { path: location.uriOf(name), specId: metadata.defaultSpecId, partition: [] };
    return buildDataFile({ ...place, recordCount: count, fileSizeBytes: Number(size), columns: [] }, schema);
  }

  /** Deletes rows by their place in data files, as an engine with merge-on-read does. */
  async deletePositions(places: [DataFile, number][], facts: Partial<DataFileFacts> = {}): Promise<LoadedTable> {
    const rows = places.map(([file, position]) => `(${quoteText(file.path)}, ${position}::BIGINT)`).join(", ");
    const query = `SELECT * FROM (VALUES ${rows}) t(file_path, pos)`;
    const { partition } = places[0]![0];
    const deletes = await this.file(query, "file_path: 2147483546, pos: 2147483545", {
      content: "position-deletes",
      partition,
      ...facts,
    });
    const referenced = places.map(([file]) => file.path);
    return await this.commit(async (transaction) => {
      transaction.add(await rowDelta(transaction, { dataFiles: [], deleteFiles: [deletes], referenced }));
    });
  }

  /** Deletes the rows with these ids, as a streaming engine does. */
  async deleteIds(ids: number[], facts: Partial<DataFileFacts> = {}): Promise<LoadedTable> {
    const query = `SELECT unnest([${ids.join(", ")}])::BIGINT AS id`;
    const deletes = await this.file(query, "id: 1", { content: "equality-deletes", equalityIds: [1], ...facts });
    return await this.commit(async (transaction) => {
      transaction.add(await rowDelta(transaction, { dataFiles: [], deleteFiles: [deletes], referenced: [] }));
    });
  }

  /** Every file of the lake, by path, without the raw zone. */
  async paths(prefix = ""): Promise<string[]> {
    const paths: string[] = [];
    for await (const { path } of this.lake.store.list(prefix)) paths.push(path);
    return paths;
  }
}
