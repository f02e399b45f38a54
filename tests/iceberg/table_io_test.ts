import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { withBench } from "./sample_table.ts";

Deno.test("what the lists of successive snapshots say of the same manifests is kept once, and nothing beside it", () =>
  withBench(async (bench) => {
    let table = await bench.create();
    const names: string[] = [];
    const read = await bench.load();
    const kept = new Map<string, unknown>();
    for (let day = 0; day < 8; day++) {
      table = await bench.append(bench.file(table, day));
      const manifests = await read.io.readManifestList(snapshotOfRef(table.metadata));
      strictEqual(manifests.length, day + 1);
      for (const manifest of manifests) {
        if (kept.has(manifest.path)) strictEqual(manifest, kept.get(manifest.path));
        else names.push(manifest.path);
        kept.set(manifest.path, manifest);
        for (const { lowerBound, upperBound } of manifest.partitions!) {
          // A part of the list's bytes would keep all of them.
          ok(lowerBound!.buffer.byteLength < 64 && upperBound!.buffer.byteLength < 64);
        }
      }
      deepStrictEqual(manifests, await table.io.readManifestList(snapshotOfRef(table.metadata)));
    }
    strictEqual(names.length, 8);
  }));

Deno.test("a list that says something else of a manifest is not taken for the one before", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const first = snapshotOfRef((await bench.append(bench.file(table, 0))).metadata)!;
    const read = await bench.load();
    const [manifest] = await read.io.readManifestList(first);
    const other = { ...manifest!, length: manifest!.length + 1 };
    const { uri, file } = read.io.encodeManifestList([other], {
      ...first,
      snapshotId: 5n,
    });
    await read.io.writeFiles([file]);
    const again = await bench.load();
    strictEqual((await again.io.readManifestList(first))[0]!.length, manifest!.length);
    strictEqual((await again.io.readManifestList({ ...first, manifestList: uri }))[0]!.length, other.length);
  }));
