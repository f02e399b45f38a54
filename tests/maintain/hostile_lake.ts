/** Lakes whose metadata is an enemy's: it names files of others, and in every spelling. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Clock } from "../../core/base/clock.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Random } from "../../core/base/random.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { createTable } from "../../core/iceberg/action/create_table.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { buildDataFile } from "../../core/iceberg/data_file_builder.ts";
import { longToJson } from "../../core/iceberg/format/json_field.ts";
import { currentSchema, type TableMetadata } from "../../core/iceberg/format/table_metadata.ts";
import { storeUri } from "../../core/iceberg/table_location.ts";
import { tableMetadataToText } from "../../core/iceberg/table_metadata_json.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import { removeLeftovers } from "../../core/maintain/removal/leftovers.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import type { Store } from "../../core/storage/store.ts";
import fc from "../support/property.ts";

const TABLE = { namespace: ["bronze"], name: "events" };
const OTHER = { namespace: ["lab"], name: "other" };
const FOLDER = "warehouse/bronze/events";

/** Files of others, under names that the table's own files have. */
const OUTSIDE = [
  "raw/events/a.parquet",
  "raw/events/v1.metadata.json",
  "checkpoints/bronze.events/000000000001.routed.json.bak",
  "checkpoints/bronze.events/x.parquet",
  "elsewhere/00112233445566778899aabbccddeeff-m0.avro",
  "elsewhere/x.stats",
  "warehouse/lab/other/data/x.parquet",
  "warehouse/lab/other/metadata/x.puffin",
  "warehouse/bronze/events2/data/x.parquet",
  "x.parquet",
];

/** What metadata says, as far as it is the enemy's: each entry names a file. */
interface Lies {
  data: string[];
  statistics: string[];
  log: string[];
  dataPath: string | undefined;
  metadataPath: string | undefined;
}

/** URIs of the files outside and of folders that hold them, in many spellings. */
const target = fc.constantFrom(...OUTSIDE, "raw/events", "warehouse/lab", "warehouse", "checkpoints", "");
const detour = fc.constantFrom("", "/", "./", `${FOLDER}/../../../`, `${FOLDER}/data/../../../../`, "nowhere/../");
const uri = fc.record({ scheme: fc.constantFrom("file:", "file://", "file://localhost", ""), detour, target });
type Spelled = typeof uri extends fc.Arbitrary<infer T> ? T : never;

export const lies = fc.record({
  data: fc.array(uri, { maxLength: 4 }),
  statistics: fc.array(uri, { maxLength: 4 }),
  log: fc.array(uri, { maxLength: 4 }),
  dataPath: fc.option(uri, { nil: undefined }),
  metadataPath: fc.option(uri, { nil: undefined }),
});

/** What stands for a scheme of files in a bucket. */
const S3_SCHEMES: Readonly<Record<string, string>> = {
  "file:": "s3a://",
  "file://": "s3://",
  "file://localhost": "s3n://",
  "": "S3://",
};

function spell(root: string, { scheme, detour, target }: Spelled): string {
  if (!root.startsWith("s3://")) return `${scheme}${root}/${detour}${target}`;
  return `${S3_SCHEMES[scheme]}${root.slice("s3://".length)}/${detour}${target}`;
}

export class HostileLake {
  readonly catalog: FileCatalog;
  readonly surroundings: Surroundings;

  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;

  constructor(store: Store, clock: Clock, random: Random) {
    [this.store, this.clock, this.random] = [store, clock, random];
    this.catalog = new FileCatalog({ store, clock, random });
    this.surroundings = { store, clock, random, catalog: this.catalog };
  }

  async make(): Promise<void> {
    for (const path of OUTSIDE) await this.store.write(path, new TextEncoder().encode(path));
    for (const identifier of [TABLE, OTHER]) {
      const fields = [{ id: 0, name: "id", required: false, type: { type: "long" as const } }];
      const build = (location: string) => createTable({ fields, partitionBy: [], location, random: this.random });
      await this.catalog.createTable(identifier, build, `made-${identifier.name}`);
    }
    await this.append([storeUri(this.store, `${FOLDER}/data/own.parquet`)]);
    await this.store.write(`${FOLDER}/data/own.parquet`, new Uint8Array(1));
  }

  async append(paths: string[]): Promise<void> {
    const { clock, random } = this;
    // An append refuses a path that it has twice, but not one that the table has.
    const repeated = paths.filter((path, at) => paths.indexOf(path) < at);
    await commitTable(this.catalog, TABLE, async (transaction) => {
      const schema = currentSchema(transaction.metadata);
      const facts = { specId: 0, partition: [], recordCount: 1, fileSizeBytes: 1, columns: [] };
      transaction.add(
        await appendFiles(transaction, {
          files: [...new Set(paths)].map((path) => buildDataFile({ ...facts, path }, schema)),
        }),
      );
    }, { clock, random });
    if (repeated.length > 0) await this.append(repeated);
  }

  /** The next version of the metadata, by an enemy's hand: its lies are in what can be expired. */
  async forge({ data, statistics, log, dataPath, metadataPath }: Lies): Promise<void> {
    if (data.length > 0) await this.append(data);
    const { metadata, metadataLocation } = (await this.catalog.loadTable(TABLE))!;
    const [first] = metadata.snapshots;
    const forged: TableMetadata = {
      ...metadata,
      currentSnapshotId: first!.snapshotId,
      refs: { main: { type: "branch", snapshotId: first!.snapshotId } },
      statistics: statistics.map((path) => ({
        "snapshot-id": longToJson(metadata.currentSnapshotId!),
        "statistics-path": path,
      })),
      metadataLog: log.map((metadataFile, index) => ({ metadataFile, timestampMs: index })),
      properties: {
        "write.metadata.previous-versions-max": "1",
        "write.metadata.delete-after-commit.enabled": "true",
        ...(dataPath !== undefined && { "write.data.path": dataPath }),
        ...(metadataPath !== undefined && { "write.metadata.path": metadataPath }),
      },
    };
    const version = Number(/v(\d+)\./.exec(metadataLocation)![1]) + 1;
    const bytes = new TextEncoder().encode(tableMetadataToText(forged));
    await this.store.write(`${FOLDER}/metadata/v${version}.metadata.json`, bytes);
  }

  /** A commit, expiry and orphan removal at any age; each may refuse. Says how many did. */
  async lookAfter(): Promise<number> {
    const { catalog, clock, random, surroundings } = this;
    const table = async () => (await catalog.loadTable(TABLE))!;
    const deeds = [
      () => commitTable(catalog, TABLE, (each) => each.add(setProperties({ a: "commit" })), { clock, random }),
      async () => await expireTable(surroundings, await table(), { olderThanMs: 0, retainLast: 1, dryRun: false }),
      async () => await removeOrphans(surroundings, await table(), { olderThanMs: 0, dryRun: false }),
      () => removeLeftovers(surroundings, { olderThanMs: 0, dryRun: false }),
    ];
    let refusals = 0;
    for (const deed of deeds) {
      try {
        await deed();
      } catch (error) {
        if (!(error instanceof StreamlabError) || error.kind === "internal") throw error;
        refusals++;
      }
    }
    return refusals;
  }
}

/** Says how many deeds of upkeep were refused. */
export async function checkNamed(lake: HostileLake, given: LiesBySpelling): Promise<number> {
  await lake.make();
  if (lake.store.kind === "local") await linkOutside(lake.store.root);
  const root = lake.store.root;
  const spelled = (each: Spelled[]) => each.map((item) => spell(root, item));
  await lake.forge({
    data: spelled(given.data),
    statistics: spelled(given.statistics),
    log: spelled(given.log),
    dataPath: given.dataPath && spell(root, given.dataPath),
    metadataPath: given.metadataPath && spell(root, given.metadataPath),
  });
  const refusals = await lake.lookAfter();
  for (const path of OUTSIDE) {
    deepStrictEqual(new TextDecoder().decode(await lake.store.read(path)), path, "a file outside");
  }
  strictEqual((await lake.store.stat(`${FOLDER}/data/own.parquet`))?.size, 1, "the live file");
  return refusals;
}

/** Links in the table's folders, to a folder and to files outside of it. */
async function linkOutside(root: string): Promise<void> {
  await Deno.symlink(`${root}/elsewhere`, `${root}/${FOLDER}/data/mounted`);
  await Deno.symlink(`${root}/x.parquet`, `${root}/${FOLDER}/data/linked.parquet`);
  await Deno.symlink(`${root}/${OUTSIDE[4]}`, `${root}/${FOLDER}/metadata/00112233445566778899aabbccddeeff-m0.avro`);
  await Deno.symlink(`${root}/raw`, `${root}/checkpoints/maintain`);
}

export type LiesBySpelling = typeof lies extends fc.Arbitrary<infer T> ? T : never;
