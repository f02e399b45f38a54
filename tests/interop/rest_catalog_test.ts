import { deepStrictEqual as assertEquals, ok as assert, rejects as assertRejects } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { systemRandom } from "../../core/base/random.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { createTable } from "../../core/iceberg/action/create_table.ts";
import { expireSnapshots } from "../../core/iceberg/action/expire_snapshots.ts";
import { rewriteFiles } from "../../core/iceberg/action/rewrite_files.ts";
import { rewriteManifests } from "../../core/iceberg/action/rewrite_manifests.ts";
import { removeProperties, setProperties } from "../../core/iceberg/action/set_properties.ts";
import { removeRef, setRef } from "../../core/iceberg/action/update_refs.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import { replaceSortOrder, updateSpec } from "../../core/iceberg/action/update_partitioning.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable, createTableIfAbsent } from "../../core/iceberg/commit.ts";
import type { RestCatalog } from "../../core/iceberg/catalog/rest_catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import type { Transaction } from "../../core/iceberg/transaction.ts";
import { byDay, identifier, sampleFields, withBench } from "../iceberg/sample_table.ts";
import { connectRest, restCatalogTest, withRestCatalog } from "../support/rest_catalog_server.ts";

const random = systemRandom;
const isKind = (kind: string) => (error: unknown) => error instanceof StreamlabError && error.kind === kind;

async function commit(catalog: RestCatalog, build: (transaction: Transaction) => Promise<void> | void) {
  return (await commitTable(catalog, identifier, build, { clock: systemClock, random })).table;
}

restCatalogTest(
  "Iceberg's own REST catalog takes every requirement and update of ours",
  () =>
    withBench((bench, folder) =>
      withRestCatalog(folder, async (uri) => {
        const catalog = await connectRest(uri);
        assertEquals(await catalog.loadTable(identifier), undefined);
        const create = (location: string) =>
          createTable({ fields: sampleFields, partitionBy: byDay, location, random });
        const { table, created } = await createTableIfAbsent(catalog, identifier, create, { random });
        assert(created);
        assertEquals((await createTableIfAbsent(catalog, identifier, create, { random })).created, false);
        await assertRejects(catalog.createTable(identifier, create), isKind("conflict"));
        assertEquals(await catalog.listNamespaces(), [["bronze"]]);
        assertEquals(await catalog.listTables(["bronze"]), [identifier]);
        assertEquals(currentSchema(table.metadata).fields.map((field) => field.id), [1, 2, 3, 4]);

        const files = [bench.file(table, 1), bench.file(table, 1)];
        const append = { files, summary: { "streamlab.batch-id": "1" } };
        let last: LoadedTable = await commit(catalog, async (transaction) => {
          transaction.add(updateSchema(transaction.metadata, [
            { change: "add-column", field: { id: 0, name: "extra", required: false, type: { type: "int" } } },
            { change: "drop-column", path: "name" },
          ]));
          transaction.add(await appendFiles(transaction, append));
          transaction.add(setProperties({ a: "1", b: "2" }));
          transaction.add(removeProperties(["a"]));
        });
        assertEquals(last.metadata.snapshots[0]!.summary["total-records"], "6");
        assertEquals([last.metadata.properties.a, last.metadata.properties.b], [undefined, "2"]);
        last = await commit(catalog, (transaction) => {
          transaction.add(updateSpec(transaction.metadata, {
            add: [{ column: "id", transform: { name: "bucket", buckets: 4 } }],
          }));
          transaction.add(replaceSortOrder(transaction.metadata, [
            { column: "id", transform: { name: "identity" }, direction: "asc", nullOrder: "nulls-first" },
          ]));
        });
        assertEquals([last.metadata.defaultSpecId, last.metadata.defaultSortOrderId], [1, 1]);
        const [first] = last.metadata.snapshots;
        await commit(catalog, (transaction) => {
          transaction.add(setRef(transaction.metadata, "tagged", { snapshotId: first!.snapshotId, type: "tag" }));
        });
        const output = bench.file(table, 1);
        await commit(catalog, async (transaction) => {
          const startingSequenceNumber = transaction.metadata.lastSequenceNumber;
          transaction.add(
            await rewriteFiles(transaction, { inputs: files, outputs: [output], startingSequenceNumber }),
          );
        });
        await commit(catalog, async (transaction) => transaction.add(await rewriteManifests(transaction)));
        await commit(catalog, (transaction) => transaction.add(removeRef(transaction.metadata, "tagged")));
        last = await commit(catalog, (transaction) => {
          const nowMs = transaction.metadata.lastUpdatedMs + 1000;
          transaction.add(expireSnapshots(transaction.metadata, { nowMs, olderThanMs: 0, retainLast: 1 }));
        });
        assertEquals(last.metadata.snapshots.length, 1);
        const plan = await planScan(last.io, last.metadata);
        assertEquals(plan.files.map((file) => [file.dataFile.path, file.sequenceNumber]), [[output.path, 1n]]);

        await catalog.registerTable({ namespace: ["silver"], name: "copy" }, last.metadataLocation);
        assertEquals((await catalog.listNamespaces()).map((namespace) => namespace.join(".")).sort(), [
          "bronze",
          "silver",
        ]);
        await catalog.dropTable(identifier);
        assertEquals(await catalog.loadTable(identifier), undefined);
      })
    ),
);

restCatalogTest(
  "of two writers through the REST catalog one rebases, and both are there",
  () =>
    withBench((bench, folder) =>
      withRestCatalog(folder, async (uri) => {
        const catalog = await connectRest(uri);
        const create = (location: string) => createTable({ fields: sampleFields, location, random });
        const { table } = await createTableIfAbsent(catalog, identifier, create, { random });
        const appends = Array.from({ length: 6 }, () => ({ files: [bench.file(table, 0)] }));
        await Promise.all(appends.map((append) =>
          commitTable(catalog, identifier, async (transaction) => {
            transaction.add(await appendFiles(transaction, append));
          }, { clock: systemClock, random, base: table })
        ));
        const last = (await catalog.loadTable(identifier))!;
        assertEquals(last.metadata.snapshots.length, 6);
        assertEquals((await planScan(last.io, last.metadata)).files.length, 6);

        const other = { namespace: ["bronze"], name: "other" };
        const { table: second } = await createTableIfAbsent(catalog, other, create, { random });
        const change = (base: LoadedTable) => ({
          identifier: base.identifier,
          base,
          commitId: "",
          requirements: [{ type: "assert-table-uuid" as const, uuid: base.metadata.tableUuid }],
          updates: setProperties({ both: "1" }).updates,
        });
        await catalog.commitTransaction([change(last), change(second)]);
        assertEquals((await catalog.loadTable(identifier))!.metadata.properties.both, "1");
        assertEquals((await catalog.loadTable(other))!.metadata.properties.both, "1");
        const wrong = { ...change(second), requirements: [{ type: "assert-table-uuid" as const, uuid: "x" }] };
        await assertRejects(catalog.commitTransaction([wrong]), isKind("conflict"));
      })
    ),
);
