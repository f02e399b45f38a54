import { deepStrictEqual as assertEquals, rejects as assertRejects } from "node:assert/strict";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { expireSnapshots } from "../../core/iceberg/action/expire_snapshots.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { setRef } from "../../core/iceberg/action/update_refs.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import { currentSchema, snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { appendedSince } from "../../core/iceberg/scan/appended_files.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { identifier, livePaths, withBench } from "./sample_table.ts";

Deno.test("a schema change, files and a property are one commit that is read back", () =>
  withBench(async (bench, folder) => {
    const table = await bench.create();
    const file = bench.file(table, 20_000);
    const append = { files: [file], summary: { "streamlab.batch-id": "1" } };
    await bench.commit(async (transaction) => {
      transaction.add(updateSchema(transaction.metadata, [
        { change: "add-column", field: { id: 0, name: "extra", required: false, type: { type: "string" } } },
      ]));
      transaction.add(await appendFiles(transaction, append));
      transaction.add(setProperties({ a: "b" }));
    });
    const loaded = await bench.load();
    const snapshot = snapshotOfRef(loaded.metadata)!;
    assertEquals(loaded.metadata.snapshots.length, 1);
    assertEquals(snapshot.summary["total-records"], "3");
    assertEquals(snapshot.summary["changed-partition-count"], "1");
    assertEquals(snapshot.summary["streamlab.batch-id"], "1");
    assertEquals(loaded.metadata.properties.a, "b");
    const manifests = await loaded.io.readManifestList(snapshot);
    assertEquals((await loaded.io.readManifests(manifests, loaded.metadata)).flat(), [{
      status: "added",
      snapshotId: snapshot.snapshotId,
      sequenceNumber: 1n,
      fileSequenceNumber: 1n,
      dataFile: file,
    }]);
    assertEquals(
      currentSchema(loaded.metadata).fields.map((field) => [field.id, field.name]),
      [[1, "id"], [2, "at"], [3, "tags"], [4, "name"], [7, "extra"]],
    );
    assertEquals(await bench.catalog.listTables(["bronze"]), [identifier]);
    assertEquals(await Deno.readTextFile(`${folder}/warehouse/bronze/events/metadata/version-hint.text`), "2");
  }));

Deno.test("manifests are merged when a hundred have gathered, and keep each file's age", () =>
  withBench(async (bench) => {
    let table = await bench.create([], { "commit.manifest.min-count-to-merge": "5" });
    for (let i = 0; i < 12; i++) table = await bench.append(bench.file(table, 0));
    const snapshot = snapshotOfRef(table.metadata)!;
    const manifests = await table.io.readManifestList(snapshot);
    assertEquals(manifests.length, 4);
    const loaded = await bench.load();
    const entries = (await loaded.io.readManifests(manifests, loaded.metadata)).flat();
    const ages = entries.map((entry) => [entry.sequenceNumber, entry.fileSequenceNumber]).sort((a, b) =>
      Number(a[0]! - b[0]!)
    );
    assertEquals(ages, Array.from({ length: 12 }, (_, i) => [BigInt(i + 1), BigInt(i + 1)]));
    assertEquals(entries.filter((entry) => entry.snapshotId === snapshot.snapshotId).length, 1);
    assertEquals((await livePaths(loaded)).length, 12);
    assertEquals(snapshot.summary["total-data-files"], "12");
  }));

Deno.test("with merging switched off every append leaves one more manifest", () =>
  withBench(async (bench) => {
    let table = await bench.create([], {
      "commit.manifest.min-count-to-merge": "2",
      "commit.manifest-merge.enabled": "false",
    });
    for (let i = 0; i < 4; i++) table = await bench.append(bench.file(table, 0));
    assertEquals((await table.io.readManifestList(snapshotOfRef(table.metadata))).length, 4);
  }));

Deno.test("a branch grows on its own, and no tag ever moves", () =>
  withBench(async (bench) => {
    const table = await bench.create([]);
    const main = await bench.append(bench.file(table, 0));
    const onBranch = { files: [bench.file(table, 0)], branch: "trial" };
    let after = await bench.commit(async (transaction) => transaction.add(await appendFiles(transaction, onBranch)));
    assertEquals(after.metadata.currentSnapshotId, main.metadata.currentSnapshotId);
    const trial = snapshotOfRef(after.metadata, "trial")!;
    assertEquals([trial.parentSnapshotId, trial.summary["total-data-files"]], [main.metadata.currentSnapshotId, "2"]);
    after = await bench.append(bench.file(table, 0));
    assertEquals(after.metadata.snapshotLog.length, 2, "the branch is not part of main's history");
    assertEquals((await livePaths(after)).length, 2);
    await bench.commit((transaction) => {
      transaction.add(setRef(transaction.metadata, "fixed", { snapshotId: trial.snapshotId, type: "tag" }));
    });
    const onTag = { files: [bench.file(table, 0)], branch: "fixed" };
    const attempt = bench.commit(async (transaction) => transaction.add(await appendFiles(transaction, onTag)));
    await assertRejects(attempt, /"fixed": it is a tag, which never moves/);
  }));

Deno.test("a branch apart begins empty, whatever main has, and expiry keeps its head alone", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    await bench.append(bench.file(table, 1));
    const files = [bench.file(table, 2), bench.file(table, 3)];
    for (const file of files) {
      await bench.commit(async (transaction) => {
        transaction.add(await appendFiles(transaction, { files: [file], branch: "apart", apart: true }));
      });
    }
    const after = await bench.commit((transaction) => {
      const retention = { nowMs: transaction.nowMs + 1e9, olderThanMs: 0, retainLast: 9, maxRefAgeMs: 1 };
      transaction.add(expireSnapshots(transaction.metadata, retention));
    });
    const { io, metadata } = after;
    assertEquals(await livePaths(after), ["0.parquet"]);
    const apart = await planScan(io, metadata, { snapshot: snapshotOfRef(metadata, "apart") });
    assertEquals(apart.files.map(({ dataFile }) => dataFile.path).sort(), files.map(({ path }) => path).sort());
    assertEquals(metadata.snapshots.map(({ summary }) => summary["total-records"]), ["3", "6"]);
  }));

Deno.test("a data file whose description contradicts the table is refused by name, and nothing is written", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const file = bench.file(table, 20_000);
    const wrong: [change: Partial<DataFile>, reason: RegExp][] = [
      [{ path: "" }, /it has no path/],
      [{ content: "position-deletes" }, /it holds position-deletes/],
      [{ specId: 7 }, /no partition spec 7/],
      [{ partition: [1, 2, 3] }, /its partition has 3 of the/],
      [{ recordCount: -1 }, /its recordCount is -1/],
      [{ recordCount: 1.5 }, /its recordCount is 1.5/],
      [{ fileSizeBytes: 0 }, /its fileSizeBytes is 0/],
      [{ valueCounts: new Map([[99, 3]]) }, /the field id 99, which the table never had/],
    ];
    for (const [change, reason] of wrong) {
      await assertRejects(bench.append({ ...file, ...change }), reason);
    }
    await assertRejects(
      bench.commit(async (transaction) => transaction.add(await appendFiles(transaction, { files: [file, file] }))),
      /it is named twice/,
    );
    assertEquals((await bench.load()).metadata.snapshots.length, 0);
  }));

Deno.test("what was appended since there was nothing is not told once the first snapshots are expired", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const files = [bench.file(table, 1), bench.file(table, 2)];
    for (const file of files) await bench.append(file);
    const all = await bench.load();
    assertEquals((await appendedSince(all.io, all.metadata, undefined))?.map(({ path }) => path), [
      ...files.map(({ path }) => path),
    ]);
    const rule = { nowMs: Number.MAX_SAFE_INTEGER, olderThanMs: 0, retainLast: 1 };
    await bench.commit((transaction) => transaction.add(expireSnapshots(transaction.metadata, rule)));
    const { io, metadata } = await bench.load();
    assertEquals(await appendedSince(io, metadata, undefined), undefined);
    const later = await appendedSince(io, metadata, all.metadata.snapshots[0]!.snapshotId);
    assertEquals(later?.map(({ path }) => path), [files[1]!.path]);
  }));
