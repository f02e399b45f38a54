import { type Clock, systemClock } from "../../core/base/clock.ts";
import { type Random, seededRandom } from "../../core/base/random.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { createTable, type PartitionColumnChoice } from "../../core/iceberg/action/create_table.ts";
import type { LoadedTable, TableIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable, createTableIfAbsent } from "../../core/iceberg/commit.ts";
import { buildDataFile, type DataFileFacts } from "../../core/iceberg/data_file_builder.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import type { Transaction } from "../../core/iceberg/transaction.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";

export const identifier: TableIdentifier = { namespace: ["bronze"], name: "events" };

export const sampleFields: Field[] = [
  { id: 0, name: "id", required: true, type: { type: "long" } },
  { id: 0, name: "at", required: true, type: { type: "timestamptz" } },
  {
    id: 0,
    name: "tags",
    required: false,
    type: {
      type: "map",
      keyId: 0,
      key: { type: "string" },
      valueId: 0,
      value: { type: "string" },
      valueRequired: false,
    },
  },
  { id: 0, name: "name", required: false, type: { type: "string" } },
];

export const byDay: PartitionColumnChoice[] = [{ column: "at", transform: { name: "day" } }];

/** A store with a catalog; data files are named in metadata but need not exist. */
export class Bench {
  readonly catalog: FileCatalog;
  #fileNumber = 0;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;

  constructor(store: Store, clock: Clock = systemClock, random: Random = seededRandom(1)) {
    this.store = store;
    this.clock = clock;
    this.random = random;

    this.catalog = new FileCatalog({ store, clock, random });
  }

  async create(
    partitionBy: PartitionColumnChoice[] = byDay,
    properties: Record<string, string> = {},
    fields: Field[] = sampleFields,
  ): Promise<LoadedTable> {
    const { random } = this;
    const { table } = await createTableIfAbsent(
      this.catalog,
      identifier,
      (location) => createTable({ fields, partitionBy, location, random, properties }),
      { random },
    );
    return table;
  }

  file(table: LoadedTable, day: number, facts: Partial<DataFileFacts> = {}): DataFile {
    const ids = facts.columns ?? [{ fieldId: 1, valueCount: 3, nullCount: 0, min: 1n, max: 3n, sizeBytes: 30 }];
    const { defaultSpecId, partitionSpecs } = table.metadata;
    const file = buildDataFile({
      path: table.io.location.uriOf(`data/${this.#fileNumber++}.parquet`),
      specId: defaultSpecId,
      partition: partitionSpecs.find(({ specId }) => specId === defaultSpecId)!.fields.length === 0 ? [] : [day],
      recordCount: 3,
      fileSizeBytes: 1000,
      ...facts,
      columns: ids,
    }, currentSchema(table.metadata));
    return file;
  }

  async append(...files: DataFile[]): Promise<LoadedTable> {
    const append = { files };
    return await this.commit(async (transaction) => transaction.add(await appendFiles(transaction, append)));
  }

  async commit(build: (transaction: Transaction) => Promise<void> | void): Promise<LoadedTable> {
    return (await commitTable(this.catalog, identifier, build, { clock: this.clock, random: this.random })).table;
  }

  async load(): Promise<LoadedTable> {
    return (await new FileCatalog({ store: this.store, clock: this.clock, random: this.random }).loadTable(
      identifier,
    ))!;
  }
}

export async function withBench(action: (bench: Bench, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-iceberg-" });
  try {
    await action(new Bench(openLocalStore(folder, { random: seededRandom(2), durable: false })), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Paths of the live files, by the last part of their names. */
export async function livePaths(table: LoadedTable): Promise<string[]> {
  const plan = await planScan(table.io, table.metadata);
  return plan.files.map((file) => file.dataFile.path.split("/").at(-1)!).sort();
}
