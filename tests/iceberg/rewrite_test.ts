import { deepStrictEqual as assertEquals, rejects as assertRejects } from "node:assert/strict";
import { expireSnapshots } from "../../core/iceberg/action/expire_snapshots.ts";
import { overwriteFiles } from "../../core/iceberg/action/overwrite_files.ts";
import { rewriteFiles } from "../../core/iceberg/action/rewrite_files.ts";
import { rewriteManifests } from "../../core/iceberg/action/rewrite_manifests.ts";
import { rowDelta } from "../../core/iceberg/action/row_delta.ts";
import { setRef } from "../../core/iceberg/action/update_refs.ts";
import { reachableFiles, unreachableFiles } from "../../core/iceberg/reachable_files.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { livePaths, withBench } from "./sample_table.ts";

Deno.test("a rewrite keeps the age of its rows and says replace", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const inputs = [bench.file(table, 1), bench.file(table, 1)];
    await bench.append(inputs[0]!);
    const planned = await bench.append(inputs[1]!, bench.file(table, 2));
    const output = bench.file(table, 1, { recordCount: 6 });
    const startingSequenceNumber = planned.metadata.lastSequenceNumber;
    await bench.append(bench.file(table, 3));
    const after = await bench.commit(async (transaction) => {
      transaction.add(await rewriteFiles(transaction, { inputs, outputs: [output], startingSequenceNumber }));
    });
    const snapshot = snapshotOfRef(after.metadata)!;
    assertEquals(snapshot.summary.operation, "replace");
    assertEquals(snapshot.summary["deleted-data-files"], "2");
    assertEquals(snapshot.summary["total-records"], "12");
    const loaded = await bench.load();
    assertEquals(await livePaths(loaded), ["2.parquet", "3.parquet", "4.parquet"]);
    const entries = (await loaded.io.readManifests(await loaded.io.readManifestList(snapshot), loaded.metadata)).flat();
    const added = entries.find((entry) => entry.dataFile.path === output.path)!;
    assertEquals([added.sequenceNumber, added.fileSequenceNumber], [2n, 4n]);
    const deleted = entries.filter((entry) => entry.status === "deleted");
    assertEquals(deleted.map((entry) => [entry.snapshotId, entry.sequenceNumber]), [
      [snapshot.snapshotId, 2n],
      [snapshot.snapshotId, 1n],
    ]);
  }));

Deno.test("a rewrite of files that came one by one names them in one manifest, and each file keeps its age", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const pairs = Array.from({ length: 4 }, () => [bench.file(table, 1), bench.file(table, 1)] as const);
    for (const pair of pairs) await bench.append(...pair);
    const planned = await bench.load();
    const { metadata, io } = planned;
    const before = (await io.readManifests(await io.readManifestList(snapshotOfRef(metadata)), metadata)).flat();
    const rewrite = {
      inputs: pairs.map(([first]) => first),
      outputs: [bench.file(table, 1, { recordCount: 12 })],
      startingSequenceNumber: metadata.lastSequenceNumber,
    };
    const after = await bench.commit(async (transaction) => {
      transaction.add(await rewriteFiles(transaction, rewrite));
    });
    const manifests = await after.io.readManifestList(snapshotOfRef(after.metadata));
    assertEquals(manifests.map((each) => [each.addedFilesCount, each.existingFilesCount, each.deletedFilesCount]), [
      [1, 0, 0],
      [0, 4, 4],
    ]);
    assertEquals(manifests[1]!.minSequenceNumber, 1n);
    const ages = (await after.io.readManifest(manifests[1]!, after.metadata)).map(({ dataFile, ...entry }) => {
      const was = before.find((each) => each.dataFile.path === dataFile.path)!;
      return [entry.sequenceNumber - was.sequenceNumber, entry.fileSequenceNumber! - was.fileSequenceNumber!];
    });
    assertEquals(new Set(ages.flat()), new Set([0n]));
  }));

Deno.test("a rewrite whose input is gone, or had rows deleted meanwhile, is refused", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const input = bench.file(table, 1);
    const planned = await bench.append(input);
    const startingSequenceNumber = planned.metadata.lastSequenceNumber;
    const positionDeletes = bench.file(table, 1, { content: "position-deletes", recordCount: 1 });
    const delta = { dataFiles: [], deleteFiles: [positionDeletes], referenced: [input.path] };
    const deleted = await bench.commit(async (transaction) => transaction.add(await rowDelta(transaction, delta)));
    assertEquals(snapshotOfRef(deleted.metadata)!.summary.operation, "delete");
    const rewrite = { inputs: [input], outputs: [bench.file(table, 1)], startingSequenceNumber };
    const attempt = () =>
      bench.commit(async (transaction) => transaction.add(await rewriteFiles(transaction, rewrite)));
    await assertRejects(attempt, /rows of .*0\.parquet were deleted meanwhile/);
    await bench.commit(async (transaction) => {
      transaction.add(await overwriteFiles(transaction, { added: [], removed: [input], startingSequenceNumber: 9n }));
    });
    await assertRejects(attempt, /0\.parquet is not part of the table any more/);
    const late = bench.commit(async (transaction) => transaction.add(await rowDelta(transaction, delta)));
    await assertRejects(late, /0\.parquet is not part of the table any more/);
  }));

Deno.test("row deltas that come one by one merge manifests where asked, those of deletes apart", () =>
  withBench(async (bench) => {
    const table = await bench.create(undefined, { "commit.manifest.min-count-to-merge": "3" });
    for (let turn = 0; turn < 6; turn++) {
      const deletes = bench.file(table, 1, { content: "position-deletes", recordCount: 1 });
      const delta = {
        dataFiles: [bench.file(table, 1)],
        deleteFiles: [deletes],
        referenced: [],
        mergesManifests: true,
      };
      await bench.commit(async (transaction) => transaction.add(await rowDelta(transaction, delta)));
    }
    const { io, metadata } = await bench.load();
    const manifests = await io.readManifestList(snapshotOfRef(metadata));
    assertEquals(manifests.length < 12, true, String(manifests.length));
    const { files } = await planScan(io, metadata);
    assertEquals(files.map(({ deletes }) => deletes.length).sort(), [1, 2, 3, 4, 5, 6]);
  }));

Deno.test("equality deletes that land during a rewrite still apply to its output", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const input = bench.file(table, 1);
    const planned = await bench.append(input);
    const equality = bench.file(table, 1, { content: "equality-deletes", recordCount: 1, equalityIds: [1] });
    await bench.commit(async (transaction) => {
      transaction.add(await rowDelta(transaction, { dataFiles: [], deleteFiles: [equality], referenced: [] }));
    });
    const output = bench.file(table, 1);
    const startingSequenceNumber = planned.metadata.lastSequenceNumber;
    const after = await bench.commit(async (transaction) => {
      const rewrite = { inputs: [input], outputs: [output], startingSequenceNumber };
      transaction.add(await rewriteFiles(transaction, rewrite));
    });
    const plan = await planScan(after.io, after.metadata);
    assertEquals(plan.files.map((file) => [file.dataFile.path, file.deletes.map((item) => item.path)]), [
      [output.path, [equality.path]],
    ]);
  }));

Deno.test("manifests are rewritten into one for each spec without touching a row", () =>
  withBench(async (bench) => {
    let table = await bench.create();
    for (let day = 5; day > 0; day--) table = await bench.append(bench.file(table, day));
    const before = await planScan(table.io, table.metadata);
    const after = await bench.commit(async (transaction) => transaction.add(await rewriteManifests(transaction)));
    const manifests = await after.io.readManifestList(snapshotOfRef(after.metadata));
    assertEquals(manifests.map((manifest) => [manifest.existingFilesCount, manifest.minSequenceNumber]), [[5, 1n]]);
    const loaded = await bench.load();
    const plan = await planScan(loaded.io, loaded.metadata);
    assertEquals(plan.files.map((file) => file.dataFile.partition[0]), [1, 2, 3, 4, 5]);
    assertEquals(plan.files.toReversed().map((file) => file.sequenceNumber), [1n, 2n, 3n, 4n, 5n]);
    assertEquals(plan.files.length, before.files.length);
    assertEquals(snapshotOfRef(after.metadata)!.summary["total-records"], "15");
    const versions = after.metadataLocation;
    const again = await bench.commit(async (transaction) => transaction.add(await rewriteManifests(transaction)));
    assertEquals(again.metadataLocation, versions, "nothing to gain, no commit");
  }));

Deno.test("expiry keeps what a reference, a count or an age asks for and names the files that nothing needs", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const first = bench.file(table, 1);
    const tagged = await bench.append(first);
    const second = bench.file(table, 1);
    const planned = await bench.append(second);
    const output = bench.file(table, 1);
    const startingSequenceNumber = planned.metadata.lastSequenceNumber;
    const before = await bench.commit(async (transaction) => {
      const rewrite = { inputs: [first, second], outputs: [output], startingSequenceNumber };
      transaction.add(await rewriteFiles(transaction, rewrite));
    });
    const expire = { nowMs: before.metadata.lastUpdatedMs + 1000, olderThanMs: 0, retainLast: 1 };
    const after = await bench.commit((transaction) => transaction.add(expireSnapshots(transaction.metadata, expire)));
    assertEquals(after.metadata.snapshots.length, 1);
    assertEquals(after.metadata.snapshotLog.length, 1);
    const gone = await unreachableFiles(after.io, before.metadata, after.metadata);
    assertEquals([...gone.dataFiles].sort(), [first.path, second.path]);
    assertEquals(gone.manifestLists.size, 2);
    assertEquals(gone.manifests.size, 2);
    const reachable = await reachableFiles(after.io, after.metadata);
    for (const path of [...gone.manifests, ...gone.manifestLists]) {
      assertEquals(reachable.manifests.has(path) || reachable.manifestLists.has(path), false);
    }
    assertEquals(reachable.dataFiles.has(output.path), true);

    const tagRef = { snapshotId: snapshotOfRef(tagged.metadata)!.snapshotId, type: "tag" as const };
    const tag = { ...before.metadata, refs: { ...before.metadata.refs, keep: tagRef } };
    const change = expireSnapshots(tag, expire);
    assertEquals(change.updates, [{
      action: "remove-snapshots",
      snapshotIds: [planned.metadata.currentSnapshotId],
    }]);
    assertEquals(expireSnapshots(before.metadata, { ...expire, retainLast: 3 }).updates, []);
    assertEquals(expireSnapshots(before.metadata, { ...expire, olderThanMs: 60_000 }).updates, []);
    const rolledBack = setRef(before.metadata, "main", { ...tagRef, type: "branch" });
    assertEquals(rolledBack.requirements, [
      { type: "assert-ref-snapshot-id", ref: "main", snapshotId: before.metadata.currentSnapshotId },
    ]);
  }));
