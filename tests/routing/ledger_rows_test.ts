import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Scratch } from "../../core/disk/scratch.ts";
import { quotePath, type SqlRow } from "../../core/engine/duckdb.ts";
import { type LoadedTable, parseIdentifier, requireTable } from "../../core/iceberg/catalog/catalog.ts";
import type { PartitionField } from "../../core/iceberg/format/partition_spec.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import { applyTransform } from "../../core/iceberg/format/transform.ts";
import type { FileOutcome, RoutedTable } from "../../core/lake/routed_batch.ts";
import { placeLedger } from "../../core/routing/ledger_rows.ts";
import { ReaderPool } from "../../core/routing/reader/reader_pool.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";

const NAMES = ["a.json", "ü/😀.json", "", "'q\".json", "n\u0000.json", `${"long".repeat(40)}.json`];

const OUTCOMES = NAMES.map((name, number): FileOutcome => ({
  name: `raw/events/${name}`,
  etag: `${number}-2`,
  size: number === 0 ? Number.MAX_SAFE_INTEGER : number,
  status: number === 1 ? "vanished" : number === 2 ? "changed" : "ingested",
  records: 10 * number,
  events: 9 * number,
  deadLetters: number,
  duplicates: 0,
}));

const BATCH = { outcomes: OUTCOMES, ingestedAtMicros: -1n, attempt: "0123456789abcdef" };

async function inWorld(action: (world: ConsumeWorld, ledger: LoadedTable) => Promise<void>): Promise<void> {
  await ConsumeWorld.use(async (world) => {
    await world.consume();
    await action(world, await requireTable(world.catalog, parseIdentifier("ingest.files")));
  });
}

async function place(world: ConsumeWorld, ledger: LoadedTable): Promise<RoutedTable> {
  const readers = new ReaderPool({ threads: 1 });
  const scratch = Scratch.create(`${world.folder}/scratch`);
  try {
    const plan = { table: "bronze.events", batchId: 7, options: {} } as Parameters<typeof placeLedger>[3]["plan"];
    return await placeLedger(readers.own, scratch, ledger, { plan, ...BATCH });
  } finally {
    scratch.remove();
    readers.close();
  }
}

/** The rows of data files as DuckDB reads them, whatever they are called. */
async function readBack(world: ConsumeWorld, ledger: LoadedTable, { files }: RoutedTable): Promise<SqlRow[]> {
  const { location } = ledger.io;
  const paths = files.map(({ path }) => quotePath(world.store.localPath(location.pathOf(location.uriOf(path)))!));
  return await world.rows(
    `SELECT * REPLACE (epoch_us(ingested_at) AS ingested_at) FROM read_parquet([${paths}], hive_partitioning = false)
      ORDER BY etag`,
  );
}

const ROWS = OUTCOMES.map(({ name, etag, status, ...counts }) => ({
  table: "bronze.events",
  source_file: name,
  etag,
  size: BigInt(counts.size),
  batch_id: 7n,
  records: BigInt(counts.records),
  events: BigInt(counts.events),
  dead_letters: BigInt(counts.deadLetters),
  duplicates: 0n,
  status,
  ingested_at: -1n,
}));

Deno.test("the ledger's rows are what became of the files, with exact statistics", () =>
  inWorld(async (world, ledger) => {
    const routed = await place(world, ledger);
    strictEqual(routed.files.length, 1);
    deepStrictEqual((await readBack(world, ledger, routed)).map((row) => ({ ...row })), ROWS);
    const columns = routed.files[0]!.columns.map(({ path, nulls, min, max }) => [path[0], nulls, min, max]);
    deepStrictEqual(columns.slice(2, 5), [
      ["etag", "0", "0-2", "5-2"],
      ["size", "0", "1", String(Number.MAX_SAFE_INTEGER)],
      ["batch_id", "0", "7", "7"],
    ]);
    deepStrictEqual(columns.at(-1), ["ingested_at", "0", "-1", "-1"]);
  }));

Deno.test("a ledger that somebody has partitioned gets a file for each partition", () =>
  inWorld(async (world, ledger) => {
    const { fields } = currentSchema(ledger.metadata);
    const fieldOf = (name: string, number: number, transform: PartitionField["transform"]): PartitionField => ({
      sourceId: fields.find((field) => field.name === name)!.id,
      fieldId: 1_000 + number,
      name: `${name}_${number}`,
      transform,
    });
    const bucket = { name: "bucket", buckets: 3 } as const;
    const parts = [
      fieldOf("source_file", 0, bucket),
      fieldOf("status", 1, { name: "identity" }),
      fieldOf("ingested_at", 2, { name: "day" }),
    ];
    const metadata = { ...ledger.metadata, partitionSpecs: [{ specId: 5, fields: parts }], defaultSpecId: 5 };
    const partitioned = { ...ledger, metadata };
    const routed = await place(world, partitioned);
    deepStrictEqual((await readBack(world, ledger, routed)).map((row) => ({ ...row })), ROWS);
    const expected = OUTCOMES.map(({ name, status }) => [
      String(applyTransform(bucket, { type: "string" }, name)),
      status,
      "-1",
    ]);
    const found = routed.files.flatMap(({ partition, records }) => Array(Number(records)).fill(partition));
    deepStrictEqual(found.map(String).sort(), expected.map(String).sort());
    strictEqual(new Set(routed.files.map(({ partition }) => String(partition))).size, routed.files.length);
  }));

Deno.test("columns that somebody has taken out of the ledger are not written, those that may be null are", () =>
  inWorld(async (world, ledger) => {
    const schemas = ledger.metadata.schemas.map((schema) => ({
      ...schema,
      fields: schema.fields.filter(({ name }) => name !== "duplicates").map((field) => ({ ...field, required: false })),
    }));
    const routed = await place(world, { ...ledger, metadata: { ...ledger.metadata, schemas } });
    const rows = ROWS.map(({ duplicates: _duplicates, ...row }) => row);
    deepStrictEqual((await readBack(world, ledger, routed)).map((row) => ({ ...row })), rows);
  }));
