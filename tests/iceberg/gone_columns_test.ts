import { deepStrictEqual } from "node:assert/strict";
import { rewriteFiles } from "../../core/iceberg/action/rewrite_files.ts";
import { rewriteManifests } from "../../core/iceberg/action/rewrite_manifests.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { updateSpec } from "../../core/iceberg/action/update_partitioning.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import type { Value } from "../../core/iceberg/format/single_value.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import type { Field, PrimitiveType } from "../../core/iceberg/format/type.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { Bench, withBench } from "./sample_table.ts";

/** A column of each type with two values. */
const COLUMNS: [PrimitiveType, Value, Value][] = [
  [{ type: "boolean" }, true, false],
  [{ type: "int" }, 7, -7],
  [{ type: "long" }, 2n ** 60n, -1n],
  [{ type: "float" }, 0.5, -0.5],
  [{ type: "double" }, 0.1, -1e300],
  [{ type: "date" }, 20_000, -1],
  [{ type: "time" }, 1n, 2n],
  [{ type: "timestamp" }, 1n, 2n],
  [{ type: "timestamptz" }, 1n, 2n],
  [{ type: "string" }, "a", "é"],
  [{ type: "uuid" }, "f79c3e09-677c-4bbd-a479-3f349cb785e7", "00000000-0000-0000-0000-000000000001"],
  [{ type: "binary" }, Uint8Array.of(1, 255), new Uint8Array()],
  [{ type: "fixed", length: 2 }, Uint8Array.of(1, 2), Uint8Array.of(3, 4)],
  [{ type: "decimal", precision: 20, scale: 2 }, 10n ** 19n, -1n],
];
const fields: Field[] = [
  { id: 0, name: "id", required: true, type: { type: "long" } },
  ...COLUMNS.map(([type], i) => ({ id: 0, name: `c${i}`, required: false, type })),
];
const partitionBy = COLUMNS.map((_column, i) => ({ column: `c${i}`, transform: { name: "identity" as const } }));
const partitions = [COLUMNS.map(([, one]) => one), COLUMNS.map(([, , other]) => other), COLUMNS.map(() => null)];

/** Files of a partitioning whose columns are dropped, and whose schemas another program removes. */
async function tableWithout(bench: Bench): Promise<{ files: DataFile[] }> {
  const table = await bench.create(partitionBy, { "commit.manifest.min-count-to-merge": "2" }, fields);
  await bench.commit((transaction) => transaction.add(setProperties({ "commit.manifest-merge.enabled": "false" })));
  const files = partitions.map((partition) => bench.file(table, 0, { partition }));
  for (const file of files) await bench.append(file);
  await bench.commit((transaction) => {
    const remove = transaction.base.metadata.partitionSpecs[0]!.fields.map(({ name }) => name);
    transaction.add(updateSpec(transaction.metadata, { remove }));
  });
  await bench.commit((transaction) => {
    const changes = COLUMNS.map((_column, i) => ({ change: "drop-column" as const, path: `c${i}` }));
    transaction.add(updateSchema(transaction.metadata, changes));
  });
  await bench.commit((transaction) => {
    const { schemas, currentSchemaId } = transaction.metadata;
    const schemaIds = schemas.map(({ schemaId }) => schemaId).filter((id) => id !== currentSchemaId);
    transaction.add({ requirements: [], updates: [{ action: "remove-schemas", schemaIds }] });
  });
  return { files };
}

/** Manifests, and the partitions of live files that have some, as whoever comes anew reads them. */
async function state(bench: Bench): Promise<{ manifests: number; partitions: unknown }> {
  const { io, metadata }: LoadedTable = await bench.load();
  const { files } = await planScan(io, metadata);
  return {
    manifests: (await io.readManifestList(snapshotOfRef(metadata))).length,
    partitions: files.map(({ dataFile }) => dataFile).filter(({ specId }) => specId === 0)
      .sort((a, b) => a.path < b.path ? -1 : 1).map(({ partition }) => partition),
  };
}

Deno.test("manifests whose partition columns are gone, with every schema that had them, are written anew with their values", () =>
  withBench(async (bench) => {
    await tableWithout(bench);
    deepStrictEqual(await state(bench), { manifests: 3, partitions });
    // By programs that know only what the files say; the second one, what the first wrote.
    for (let turn = 0; turn < 2; turn++) {
      const program = new Bench(bench.store);
      await program.append(bench.file(await bench.load(), 0));
      await program.commit(async (transaction) => transaction.add(await rewriteManifests(transaction)));
      deepStrictEqual(await state(bench), { manifests: 2, partitions });
    }
  }));

Deno.test("a commit merges such manifests as others", () =>
  withBench(async (bench) => {
    await tableWithout(bench);
    await bench.commit((transaction) => transaction.add(setProperties({ "commit.manifest-merge.enabled": "true" })));
    await new Bench(bench.store).append(bench.file(await bench.load(), 0));
    deepStrictEqual(await state(bench), { manifests: 2, partitions });
  }));

Deno.test("files in such partitions are rewritten in them", () =>
  withBench(async (bench) => {
    const { files } = await tableWithout(bench);
    const loaded = await bench.load();
    const inputs = files.slice(0, 1);
    const outputs = [bench.file(loaded, 0, { specId: 0, partition: partitions[0]! })];
    const startingSequenceNumber = loaded.metadata.lastSequenceNumber;
    await new Bench(bench.store).commit(async (transaction) => {
      transaction.add(await rewriteFiles(transaction, { inputs, outputs, startingSequenceNumber }));
    });
    deepStrictEqual((await state(bench)).partitions, [partitions[1], partitions[2], partitions[0]]);
  }));

Deno.test("a file with statistics of such a column is added: the table once had it", () =>
  withBench(async (bench) => {
    await tableWithout(bench);
    const file = { ...bench.file(await bench.load(), 0), nullValueCounts: new Map([[2, 1]]) };
    await bench.append(file);
    deepStrictEqual((await state(bench)).partitions, partitions);
  }));
