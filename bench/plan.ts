// deno-lint-ignore-file no-console
/**
 * `deno run -A bench/plan.ts`: how long a query of one day takes to find its files among 10,000, on
 * local disk, in a process that has read nothing of the table before. The table has 100 days of 100
 * files, 20 columns with statistics, and manifests as a stream leaves them.
 */
import { systemClock } from "../core/base/clock.ts";
import { systemRandom as random } from "../core/base/random.ts";
import { appendFiles } from "../core/iceberg/action/append_files.ts";
import { createTable } from "../core/iceberg/action/create_table.ts";
import { rewriteManifests } from "../core/iceberg/action/rewrite_manifests.ts";
import { type LoadedTable, parseIdentifier } from "../core/iceberg/catalog/catalog.ts";
import { commitTable, createTableIfAbsent } from "../core/iceberg/commit.ts";
import { buildDataFile } from "../core/iceberg/data_file_builder.ts";
import { FileCatalog } from "../core/iceberg/catalog/file_catalog.ts";
import { planScan } from "../core/iceberg/scan/scan.ts";
import { currentSchema } from "../core/iceberg/format/table_metadata.ts";
import type { Field } from "../core/iceberg/format/type.ts";
import { openLocalStore } from "../core/storage/local/local_store.ts";

const DAYS = 100, FILES_PER_DAY = 100;
const MICROS_PER_DAY = 86_400_000_000n;
const identifier = parseIdentifier("bench.events");
const [root] = Deno.args;

if (root === undefined) await compare();
else await measure(root);

async function compare(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-plan-" });
  try {
    await build(folder);
    await planInNewProcess("as the stream left it", folder);
    await commitTable(catalogIn(folder), identifier, async (transaction) => {
      transaction.add(await rewriteManifests(transaction));
    }, { clock: systemClock, random });
    await planInNewProcess("manifests rewritten", folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function catalogIn(folder: string): FileCatalog {
  return new FileCatalog({ store: openLocalStore(folder, { random, durable: false }), clock: systemClock, random });
}

async function build(folder: string): Promise<void> {
  const columns = Array.from(
    { length: 18 },
    (_, i): Field => ({ id: 0, name: `c${i}`, required: false, type: { type: "string" } }),
  );
  const fields: Field[] = [
    { id: 0, name: "at", required: true, type: { type: "timestamptz" } },
    { id: 0, name: "n", required: true, type: { type: "long" } },
    ...columns,
  ];
  const partitionBy = [{ column: "at", transform: { name: "day" as const } }];
  const catalog = catalogIn(folder);
  let { table } = await createTableIfAbsent(
    catalog,
    identifier,
    (location) => createTable({ fields, partitionBy, location, random }),
    { random },
  );
  for (let day = 0; day < DAYS; day++) {
    const append = { files: Array.from({ length: FILES_PER_DAY }, (_, i) => dataFile(table, day, i)) };
    ({ table } = await commitTable(catalog, identifier, async (transaction) => {
      transaction.add(await appendFiles(transaction, append));
    }, { clock: systemClock, random, base: table }));
  }
}

function dataFile(table: LoadedTable, day: number, i: number) {
  const schema = currentSchema(table.metadata);
  const start = BigInt(day) * MICROS_PER_DAY;
  return buildDataFile({
    path: table.io.location.uriOf(`data/at_day=${day}/${i}.parquet`),
    specId: 0,
    partition: [day],
    recordCount: 1000,
    fileSizeBytes: 100_000,
    columns: schema.fields.map(({ id, type }) => ({
      fieldId: id,
      valueCount: 1000,
      nullCount: 0,
      sizeBytes: 5000,
      min: type.type === "string" ? `value ${i}` : type.type === "long" ? 0n : start,
      max: type.type === "string" ? `value ${i} and more` : type.type === "long" ? 99n : start + MICROS_PER_DAY - 1n,
    })),
  }, schema);
}

async function planInNewProcess(what: string, folder: string): Promise<void> {
  const args = ["run", "--allow-all", "--no-check", new URL(import.meta.url).pathname, folder];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  console.log(`${what}: ${new TextDecoder().decode(stdout).trim()}`);
}

async function measure(folder: string): Promise<void> {
  const startMs = performance.now();
  const table = (await catalogIn(folder).loadTable(identifier))!;
  const { files, manifestsRead, manifestsSkipped } = await planScan(table.io, table.metadata, {
    predicate: {
      op: "and",
      of: [
        { op: ">=", column: "at", value: 50n * MICROS_PER_DAY },
        { op: "<", column: "at", value: 51n * MICROS_PER_DAY },
      ],
    },
  });
  const tookMs = Math.round(performance.now() - startMs);
  const manifests = `${manifestsRead} of ${manifestsRead + manifestsSkipped} manifests`;
  console.log(`${files.length} of ${DAYS * FILES_PER_DAY} files in ${tookMs} ms, ${manifests} read`);
}
