import { deepStrictEqual, notStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Clock } from "../../../core/base/clock.ts";
import { type ErrorKind, StreamlabError } from "../../../core/base/errors.ts";
import { seededRandom, uuidV4 } from "../../../core/base/random.ts";
import { appendFiles } from "../../../core/iceberg/action/append_files.ts";
import { createTable } from "../../../core/iceberg/action/create_table.ts";
import { setProperties } from "../../../core/iceberg/action/set_properties.ts";
import {
  type Catalog,
  type LoadedTable,
  requireTable,
  type TableChange,
  type TableIdentifier,
} from "../../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../../core/iceberg/commit.ts";
import { buildDataFile } from "../../../core/iceberg/data_file_builder.ts";
import { currentSchema, defaultSpec, snapshotOfRef } from "../../../core/iceberg/format/table_metadata.ts";
import { tableMetadataToText } from "../../../core/iceberg/table_metadata_json.ts";
import { planScan } from "../../../core/iceberg/scan/scan.ts";
import { byDay, identifier, sampleFields } from "../sample_table.ts";

/** The same, empty, catalog as two processes have it. */
export interface CatalogPlace {
  catalogs: readonly [Catalog, Catalog];
  clock: Clock;
}

/** Runs the contract of `Catalog` as steps of one test, each in a place of its own. */
export async function runCatalogConformance(
  t: Deno.TestContext,
  use: (action: (place: CatalogPlace) => Promise<void>) => Promise<void>,
): Promise<void> {
  for (const { name, run } of cases) await t.step(name, () => use((place) => run(new Actors(place))));
}

const random = seededRandom(11);

/** Two processes at one table. */
class Actors {
  readonly a: Catalog;
  readonly b: Catalog;
  readonly #clock: Clock;

  constructor({ catalogs: [a, b], clock }: CatalogPlace) {
    [this.a, this.b] = [a, b];
    this.#clock = clock;
  }

  async create(catalog = this.a, of: TableIdentifier = identifier): Promise<LoadedTable> {
    const build = (location: string) => createTable({ fields: sampleFields, partitionBy: byDay, location, random });
    return await catalog.createTable(of, build, uuidV4(random));
  }

  async load(catalog = this.b): Promise<LoadedTable> {
    return (await catalog.loadTable(identifier))!;
  }

  /** One try, on the given version. */
  commit(catalog: Catalog, base: LoadedTable, change: TableChange): Promise<LoadedTable> {
    return catalog.commit({ ...change, identifier, base, commitId: uuidV4(random) });
  }

  /** With retries, as all of the program commits. */
  async append(catalog: Catalog, name: string, base?: LoadedTable): Promise<LoadedTable> {
    const table = base ?? await this.load(catalog);
    const file = buildDataFile({
      path: table.io.location.uriOf(`data/${name}.parquet`),
      specId: table.metadata.defaultSpecId,
      partition: [1],
      recordCount: 3,
      fileSizeBytes: 1000,
      columns: [],
    }, currentSchema(table.metadata));
    const result = await commitTable(catalog, identifier, async (transaction) => {
      transaction.add(await appendFiles(transaction, { files: [file] }));
    }, { clock: this.#clock, random, base: table });
    return result.table;
  }
}

function fails(action: Promise<unknown>, kind: ErrorKind): Promise<void> {
  return rejects(action, (error) => error instanceof StreamlabError && error.kind === kind);
}

async function fileNames({ io, metadata }: LoadedTable): Promise<string[]> {
  const { files } = await planScan(io, metadata);
  return files.map(({ dataFile }) => dataFile.path.split("/").at(-1)!).sort();
}

interface CatalogCase {
  name: string;
  run(actors: Actors): Promise<void>;
}

const cases: CatalogCase[] = [
  {
    name: "what is not there is neither loaded nor listed",
    async run({ a }) {
      strictEqual(await a.loadTable(identifier), undefined);
      deepStrictEqual(await a.listNamespaces(), []);
    },
  },
  {
    name: "a table is made with its namespace, and another process loads the very same",
    async run(actors) {
      const made = await actors.create();
      const loaded = await actors.load();
      strictEqual(loaded.metadataLocation, made.metadataLocation);
      strictEqual(tableMetadataToText(loaded.metadata), tableMetadataToText(made.metadata));
      deepStrictEqual(currentSchema(made.metadata).fields.map(({ name }) => name), ["id", "at", "tags", "name"]);
      strictEqual(defaultSpec(made.metadata).fields.length, 1);
      ok(made.metadataLocation.startsWith(`${made.metadata.location}/metadata/`), made.metadataLocation);
      deepStrictEqual(await actors.b.listNamespaces(), [["bronze"]]);
      deepStrictEqual(await actors.b.listTables(["bronze"]), [identifier]);
    },
  },
  {
    name: "a name that is taken is a conflict, and the first table stands",
    async run(actors) {
      const { metadata } = await actors.create();
      await fails(actors.create(actors.b), "conflict");
      strictEqual((await actors.load()).metadata.tableUuid, metadata.tableUuid);
    },
  },
  {
    name: "tables of several namespaces are listed apart",
    async run(actors) {
      const other = { namespace: ["silver"], name: "sums" };
      await actors.create();
      await actors.create(actors.b, other);
      deepStrictEqual((await actors.a.listNamespaces()).sort(), [["bronze"], ["silver"]]);
      deepStrictEqual(await actors.a.listTables(["silver"]), [other]);
      deepStrictEqual(await actors.a.listTables(["gold"]), []);
    },
  },
  {
    name: "a commit returns the table as everybody finds it then, with every digit of its ids",
    async run(actors) {
      const base = await actors.create();
      const after = await actors.append(actors.a, "1", base);
      const loaded = await actors.load();
      strictEqual(loaded.metadataLocation, after.metadataLocation);
      notStrictEqual(after.metadataLocation, base.metadataLocation);
      strictEqual(snapshotOfRef(loaded.metadata)!.snapshotId, snapshotOfRef(after.metadata)!.snapshotId);
      deepStrictEqual(await fileNames(loaded), ["1.parquet"]);
    },
  },
  {
    name: "a change that builds on an old snapshot is a conflict, and changes nothing",
    async run(actors) {
      const base = await actors.create();
      await actors.append(actors.a, "1", base);
      const stands = await actors.load();
      const requirements: TableChange["requirements"] = [{
        type: "assert-ref-snapshot-id",
        ref: "main",
        snapshotId: undefined,
      }];
      await fails(actors.commit(actors.b, base, { ...setProperties({ a: "1" }), requirements }), "conflict");
      strictEqual((await actors.load()).metadataLocation, stands.metadataLocation);
    },
  },
  {
    name: "of two that commit at once both get in, one after the other",
    async run(actors) {
      const base = await actors.create();
      await Promise.all([actors.append(actors.a, "a", base), actors.append(actors.b, "b", base)]);
      const after = await actors.load();
      deepStrictEqual(await fileNames(after), ["a.parquet", "b.parquet"]);
      deepStrictEqual(after.metadata.snapshots.map(({ sequenceNumber }) => sequenceNumber), [1n, 2n]);
    },
  },
  {
    name: "a version that is expected is only a guess: the newest is loaded",
    async run(actors) {
      const base = await actors.create();
      const after = await actors.append(actors.a, "1", base);
      strictEqual((await actors.b.loadTable(identifier, base))!.metadataLocation, after.metadataLocation);
      strictEqual((await actors.b.loadTable(identifier, after))!.metadataLocation, after.metadataLocation);
    },
  },
  {
    name: "properties are set and kept, and settling changes nothing",
    async run(actors) {
      const base = await actors.create();
      await actors.commit(actors.a, base, setProperties({ "streamlab.x": 'ä " \\' }));
      await actors.a.settle();
      await actors.b.settle();
      strictEqual((await actors.load()).metadata.properties["streamlab.x"], 'ä " \\');
    },
  },
  {
    name: "a dropped table is gone, and its name is free for another",
    async run(actors) {
      const first = await actors.create();
      await actors.append(actors.a, "1", first);
      await actors.b.dropTable(identifier);
      strictEqual(await actors.a.loadTable(identifier), undefined);
      await fails(requireTable(actors.a, identifier), "not-found");
      deepStrictEqual(await actors.a.listTables(["bronze"]), []);
      await actors.b.dropTable(identifier);
      const second = await actors.create(actors.b);
      notStrictEqual(second.metadata.tableUuid, first.metadata.tableUuid);
      strictEqual((await actors.load(actors.a)).metadata.snapshots.length, 0);
    },
  },
];
