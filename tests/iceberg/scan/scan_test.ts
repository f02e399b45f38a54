import { deepStrictEqual as assertEquals, throws as assertThrows } from "node:assert/strict";
import { rowDelta } from "../../../core/iceberg/action/row_delta.ts";
import { updateSpec } from "../../../core/iceberg/action/update_partitioning.ts";
import { DeleteIndex } from "../../../core/iceberg/scan/delete_index.ts";
import { planScan } from "../../../core/iceberg/scan/scan.ts";
import type { DataFile } from "../../../core/iceberg/format/data_file.ts";
import type { Predicate } from "../../../core/iceberg/format/predicate.ts";
import { withBench } from "../sample_table.ts";

const day = 86_400_000_000n;
const inDay = (n: bigint): Predicate => ({
  op: "and",
  of: [{ op: ">=", column: "at", value: n * day }, { op: "<", column: "at", value: (n + 1n) * day }],
});

Deno.test("a plan is the same whether the manifests were read before or not, files described in full", () =>
  withBench(async (bench) => {
    let table = await bench.create();
    for (const n of [1, 2, 3]) {
      table = await bench.append(bench.file(table, n), bench.file(table, n), bench.file(table, 9));
    }
    const predicate: Predicate = {
      op: "or",
      of: [inDay(2n), { op: "and", of: [inDay(3n), { op: ">", column: "id", value: 2n }] }],
    };
    const cold = await bench.load();
    const first = await planScan(cold.io, cold.metadata, { predicate });
    assertEquals(first.files.map((file) => file.dataFile.partition[0]), [3, 3, 2, 2]);
    assertEquals(first.files.every((file) => file.dataFile.lowerBounds?.has(1)), true);
    const explained = await planScan(cold.io, cold.metadata, { predicate, explainScan: true });
    assertEquals(explained.files, first.files);
    assertEquals(explained.skipped.map((file) => file.reason), Array.from({ length: 5 }, () => "partition"));
    assertEquals(await planScan(cold.io, cold.metadata, { predicate }), first);
  }));

Deno.test("manifests of other days are not even read, under each spec that the table has had", () =>
  withBench(async (bench) => {
    let table = await bench.create();
    for (const n of [1, 2, 3, 4]) table = await bench.append(bench.file(table, n));
    table = await bench.commit((transaction) => {
      transaction.add(updateSpec(transaction.metadata, {
        remove: ["at_day"],
        add: [{ column: "id", transform: { name: "bucket", buckets: 4 } }],
      }));
    });
    const specId = table.metadata.defaultSpecId;
    const before = table.metadata.partitionSpecs[0]!.fields[0]!;
    table = await bench.append(bench.file(table, 3, { specId, partition: [0] }));
    const again = await bench.commit((transaction) => {
      transaction.add(updateSpec(transaction.metadata, { add: [{ column: "at", transform: { name: "day" } }] }));
    });
    assertEquals(again.metadata.partitionSpecs.at(-1)!.fields[1], before, "the same field with its old id");
    assertEquals([again.metadata.lastPartitionId, again.metadata.partitionSpecs.length], [1001, 3]);
    const plan = await planScan(table.io, table.metadata, { predicate: inDay(2n) });
    assertEquals([plan.manifestsRead, plan.manifestsSkipped], [2, 3]);
    assertEquals(plan.files.map((file) => file.dataFile.specId), [1, 0]);
  }));

Deno.test("deletes apply by sequence number, by partition, and by the file that they name", () =>
  withBench(async (bench) => {
    let table = await bench.create();
    const files = [bench.file(table, 1), bench.file(table, 1), bench.file(table, 2)];
    table = await bench.append(...files);
    const deletes: DataFile[] = [
      bench.file(table, 1, { content: "position-deletes", columns: [] }),
      bench.file(table, 1, { content: "position-deletes", columns: [], referencedDataFile: files[1]!.path }),
      bench.file(table, 1, { content: "equality-deletes", columns: [], equalityIds: [1] }),
    ];
    const same = bench.file(table, 1);
    await bench.commit(async (transaction) => {
      transaction.add(
        await rowDelta(transaction, { dataFiles: [same], deleteFiles: deletes, referenced: [files[1]!.path] }),
      );
    });
    const younger = bench.file(table, 1);
    table = await bench.append(younger);
    const plan = await planScan(table.io, table.metadata);
    const found = new Map(
      plan.files.map((file) => [
        file.dataFile.path,
        file.deletes.map((item) => deletes.findIndex(({ path }) => path === item.path)),
      ]),
    );
    assertEquals(found.get(files[0]!.path), [0, 2]);
    assertEquals(found.get(files[1]!.path), [1, 0, 2]);
    assertEquals(found.get(files[2]!.path), []);
    // Written in the commit of the deletes: position deletes reach it, equality deletes only what
    // was there before.
    assertEquals(found.get(same.path), [0]);
    assertEquals(found.get(younger.path), []);
  }));

Deno.test("equality deletes of an unpartitioned spec reach every partition, deletion vectors are refused by name", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const entry = (dataFile: DataFile, sequenceNumber: bigint) => ({
      status: "added" as const,
      snapshotId: 1n,
      sequenceNumber,
      fileSequenceNumber: sequenceNumber,
      dataFile,
    });
    const everywhere = bench.file(table, 0, { content: "equality-deletes", partition: [], specId: 7, columns: [] });
    const index = new DeleteIndex([entry(everywhere, 5n)]);
    assertEquals(index.deletesFor(entry(bench.file(table, 3), 4n)).length, 1);
    assertEquals(index.deletesFor(entry(bench.file(table, 3), 5n)).length, 0);
    const vector = bench.file(table, 0, { content: "position-deletes", format: "puffin", columns: [] });
    assertThrows(() => new DeleteIndex([entry(vector, 1n)]), /deletion vectors belong to version 3/);
  }));

Deno.test("deletes of after a partition's column was widened reach the files of before", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const entry = (number: number, changes: Partial<DataFile>, sequenceNumber: bigint) => ({
      status: "added" as const,
      snapshotId: 1n,
      sequenceNumber,
      fileSequenceNumber: sequenceNumber,
      dataFile: { ...bench.file(table, number), ...changes },
    });
    const index = new DeleteIndex([
      entry(0, { content: "equality-deletes", partition: [7n], equalityIds: [1] }, 5n),
      entry(1, { content: "position-deletes", partition: [7n] }, 5n),
    ]);
    assertEquals(index.deletesFor(entry(2, { partition: [7] }, 4n)).length, 2);
    for (const other of [8, 70n, null]) {
      assertEquals(index.deletesFor(entry(3, { partition: [other] }, 4n)).length, 0);
    }
  }));
