import type { TableChange } from "../catalog.ts";
import type { ResolvedEntry } from "../spec/manifest_entry.ts";
import type { ManifestFile } from "../spec/manifest_file.ts";
import { currentSchema, specById } from "../spec/table_metadata.ts";
import { compareValues } from "../spec/value_order.ts";
import type { Transaction } from "../transaction.ts";
import { hasLiveFiles } from "./append_files.ts";
import { mergePolicy } from "./merge_manifests.ts";
import { newSnapshotId, nextSequenceNumber, parentSnapshot, stageSnapshot } from "./snapshot_change.ts";

/**
 * Writes all manifests anew, sorted by partition and of the target size, so that a query of few partitions reads few of them.
 * No file and no row changes. No updates where there is nothing to gain.
 */
export async function rewriteManifests(transaction: Transaction): Promise<TableChange> {
  const { metadata, io, random } = transaction;
  const snapshotId = newSnapshotId(random, metadata);
  const old = await io.readManifestList(parentSnapshot(metadata));
  const manifests: ManifestFile[] = [];
  const files = [];
  let replaced = 0;
  const targetBytes = mergePolicy(metadata)?.targetBytes ?? 8 * 1024 * 1024;
  for (const group of Map.groupBy(old, (manifest) => `${manifest.content} ${manifest.specId}`).values()) {
    const [first] = group;
    const bytes = group.reduce((sum, manifest) => sum + manifest.length, 0);
    const pieces = Math.ceil(bytes / targetBytes);
    if (!first || (group.length <= pieces && group.every(hasLiveFiles))) {
      manifests.push(...group);
      continue;
    }
    const entries = (await io.readManifests(group, metadata)).flat().filter((entry) => entry.status !== "deleted");
    entries.sort(byPartition);
    const perManifest = Math.max(1, Math.ceil(entries.length / pieces));
    for (let at = 0; at < entries.length; at += perManifest) {
      const encoded = io.encodeManifest({
        schema: currentSchema(metadata),
        spec: specById(metadata, first.specId),
        content: first.content,
        entries: entries.slice(at, at + perManifest).map((entry) => ({ ...entry, status: "existing" })),
        snapshotId,
        sequenceNumber: nextSequenceNumber(metadata),
      });
      manifests.push(encoded.manifest);
      files.push(encoded.file);
    }
    replaced += group.length;
  }
  if (replaced === 0) return { requirements: [], updates: [] };
  const summary = {
    "manifests-created": String(files.length),
    "manifests-kept": String(manifests.length - files.length),
    "manifests-replaced": String(replaced),
  };
  return await stageSnapshot(transaction, {
    operation: "replace",
    snapshotId,
    manifests,
    files,
    added: [],
    removed: [],
    summary,
  });
}

function byPartition(a: ResolvedEntry, b: ResolvedEntry): number {
  for (const [i, x] of a.dataFile.partition.entries()) {
    const y = b.dataFile.partition[i] ?? null;
    if (x === null || y === null) {
      if (x !== y) return x === null ? -1 : 1;
      continue;
    }
    const order = compareValues(x, y);
    if (order !== 0) return order;
  }
  return 0;
}
