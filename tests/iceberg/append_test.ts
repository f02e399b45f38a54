import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { AppendFiles } from "../../core/iceberg/action/append_files.ts";
import { createTable } from "../../core/iceberg/action/create_table.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { commitTable, createTableIfAbsent } from "../../core/iceberg/commit.ts";
import { buildDataFile } from "../../core/iceberg/data_file_builder.ts";
import { FileCatalog } from "../../core/iceberg/file_catalog.ts";
import { currentSchema, snapshotOfRef } from "../../core/iceberg/spec/table_metadata.ts";
import type { Field } from "../../core/iceberg/spec/type.ts";
import { openLocalStore } from "../../core/storage/local_store.ts";

const fields: Field[] = [
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
];

async function withFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await action(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a schema change, files and a property are one commit that is read back", () =>
  withFolder(async (folder) => {
    const random = seededRandom(1);
    const store = openLocalStore(folder, { random, durable: false });
    const catalog = new FileCatalog({ store, clock: systemClock, random });
    const identifier = { namespace: ["bronze"], name: "events" };
    const { table } = await createTableIfAbsent(
      catalog,
      identifier,
      (location) =>
        createTable({ fields, partitionBy: [{ column: "at", transform: { name: "day" } }], location, random }),
      { random },
    );
    const file = buildDataFile({
      path: table.io.location.uriOf("data/a.parquet"),
      specId: table.metadata.defaultSpecId,
      partition: [20_000],
      recordCount: 3,
      fileSizeBytes: 1000,
      columns: [{ fieldId: 1, valueCount: 3, nullCount: 0, min: 1n, max: 3n, sizeBytes: 30 }],
    }, currentSchema(table.metadata));
    const append = new AppendFiles({ files: [file], summary: { "streamlab.batch-id": "1" } });
    const result = await commitTable(catalog, identifier, async (transaction) => {
      transaction.add(updateSchema(transaction.metadata, [
        { change: "add-column", field: { id: 0, name: "extra", required: false, type: { type: "string" } } },
      ]));
      transaction.add(await append.stage(transaction));
      transaction.add(setProperties({ a: "b" }));
    }, { clock: systemClock, random, base: table });
    assertEquals(result.attempts, 1);
    const other = new FileCatalog({ store, clock: systemClock, random });
    const loaded = (await other.loadTable(identifier))!;
    const snapshot = snapshotOfRef(loaded.metadata)!;
    assertEquals(snapshot.summary["total-records"], "3");
    assertEquals(snapshot.summary["streamlab.batch-id"], "1");
    const manifests = await loaded.io.readManifestList(snapshot);
    const entries = (await loaded.io.readManifests(manifests, loaded.metadata)).flat();
    assertEquals(entries, [{
      status: "added",
      snapshotId: snapshot.snapshotId,
      sequenceNumber: 1n,
      fileSequenceNumber: 1n,
      dataFile: file,
    }]);
    assertEquals(currentSchema(loaded.metadata).fields.map((field) => [field.id, field.name]), [
      [1, "id"],
      [2, "at"],
      [3, "tags"],
      [6, "extra"],
    ]);
    assertEquals(await other.listTables(["bronze"]), [identifier]);
    assertEquals(await Deno.readTextFile(`${folder}/warehouse/bronze/events/metadata/version-hint.text`), "2");
  }));
