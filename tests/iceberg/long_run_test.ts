import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Store } from "../../core/storage/store.ts";
import { currentSchema, defaultSpec, snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { TableIo } from "../../core/iceberg/table_io.ts";
import { TableLocation } from "../../core/iceberg/table_location.ts";
import { storeWith } from "../support/store_with.ts";
import { expireSnapshots } from "../../core/iceberg/action/expire_snapshots.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { Bench, identifier, withBench } from "./sample_table.ts";

/** A store, and the names of the manifests that were read from it. */
function watched(store: Store): { store: Store; read: string[] } {
  const read: string[] = [];
  return {
    read,
    store: storeWith(store, {
      read: (path, options) => {
        if (path.endsWith("-m0.avro")) read.push(path);
        return store.read(path, options);
      },
    }),
  };
}

Deno.test("a version that is at hand is not parsed anew, and one in its place is", () =>
  withBench(async (bench) => {
    const made = await bench.create();
    const again = await bench.catalog.loadTable(identifier, made);
    strictEqual(again!.metadata, made.metadata);
    const read = await bench.load();
    strictEqual((await bench.catalog.loadTable(identifier, read))!.metadata, read.metadata);

    const path = "warehouse/bronze/events/metadata/v1.metadata.json";
    const text = new TextDecoder().decode(await bench.store.read(path));
    const other = text.replace(made.metadata.tableUuid, "00000000-0000-4000-8000-000000000000");
    await bench.store.write(path, new TextEncoder().encode(other));
    const restored = await bench.catalog.loadTable(identifier, made);
    strictEqual(restored!.metadata.tableUuid, "00000000-0000-4000-8000-000000000000");
  }));

Deno.test("what is read of a long history is not kept twice: its source has no lists that grow", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    for (let day = 0; day < 3; day++) await bench.append(bench.file(table, day));
    const { metadata } = await bench.load();
    strictEqual(metadata.snapshots.length, 3);
    strictEqual(metadata.source!.snapshots, null);
    strictEqual(metadata.source!["snapshot-log"], null);
    deepStrictEqual(Object.keys(metadata.source!).includes("table-uuid"), true);
  }));

Deno.test("of the manifests of a long run those that were used last are kept, and no more", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const { metadata, io } = table;
    const { store, read } = watched(bench.store);
    const { folder, recorded } = io.location;
    const writer = new TableIo(new TableLocation(store, folder, recorded), bench.random);
    const manifests = [];
    for (let count = 0; count < 4; count++) {
      const entries = Array.from({ length: 200 }, (_, i) => ({
        status: "added" as const,
        snapshotId: 1n,
        dataFile: bench.file(table, i),
      }));
      const { manifest, file } = writer.encodeManifest({
        schema: currentSchema(metadata),
        schemas: metadata.schemas,
        spec: defaultSpec(metadata),
        content: "data",
        entries,
        snapshotId: 1n,
        sequenceNumber: 1n,
      });
      await writer.writeFiles([file]);
      manifests.push(manifest);
    }
    writer.encodeManifestList(manifests, { snapshotId: 1n, sequenceNumber: 1n });
    for (const manifest of manifests.slice(2)) await writer.readManifest(manifest, metadata);
    deepStrictEqual(read, []);
    for (const manifest of manifests.slice(0, 2)) await writer.readManifest(manifest, metadata);
    strictEqual(read.length, 2);
    await writer.readManifest(manifests[3]!, metadata);
    strictEqual(read.length, 3);
  }));

Deno.test("a commit of more files than are kept in memory merges the manifest that it has not written yet", () =>
  withBench(async (bench) => {
    const table = await bench.create(undefined, { "commit.manifest.min-count-to-merge": "2" });
    const files = (count: number) => Array.from({ length: count }, (_, i) => bench.file(table, i % 3));
    await bench.append(...files(1));
    const { metadata, io } = await bench.append(...files(1_500));
    const manifests = await io.readManifestList(snapshotOfRef(metadata));
    strictEqual(manifests.length, 1);
    ok((await io.readManifest(manifests[0]!, metadata)).length === 1_501);
  }));

Deno.test("what a commit asks of the store is the same after 300 commits, while snapshots expire", async () => {
  const disk = new SimulatedDisk();
  const store = disk.connect();
  const bench = new Bench(store, store.clock, store.random);
  const table = await bench.create(undefined, { "commit.manifest.min-count-to-merge": "10" });
  const asked: string[] = [];
  for (let count = 1; count <= 300; count++) {
    if (count % 20 === 0) {
      const rule = { nowMs: Number.MAX_SAFE_INTEGER, olderThanMs: 0, retainLast: 20 };
      await bench.commit((transaction) => transaction.add(expireSnapshots(transaction.metadata, rule)));
    }
    const before = disk.log.length;
    await bench.append(bench.file(table, count % 3));
    asked.push(disk.log.slice(before).map(({ name }) => name).sort().join(" "));
  }
  // By then old versions go, one with each commit.
  deepStrictEqual([...new Set(asked.slice(150))], [asked[150]]);
  strictEqual((await bench.load()).metadata.snapshots.length <= 41, true);
});
