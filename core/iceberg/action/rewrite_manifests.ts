import type { TableChange } from "../catalog/catalog.ts";
import type { ResolvedEntry } from "../format/manifest_entry.ts";
import type { ManifestFile } from "../format/manifest_file.ts";
import { currentSchema, specById, type TableMetadata } from "../format/table_metadata.ts";
import { compareValues } from "../format/value_order.ts";
import type { Transaction } from "../transaction.ts";
import { hasLiveFiles } from "./append_files.ts";
import { mergePolicy } from "./merge_manifests.ts";
import { newSnapshotId, nextSequenceNumber, parentSnapshot, stageSnapshot } from "./snapshot_change.ts";

/** Manifests of one content and spec that are to become `pieces` new ones. */
export interface ManifestGroup {
  manifests: ManifestFile[];
  pieces: number;
}

/** Which manifests of a snapshot are worth rewriting, and which stay as they are. */
export function planManifests(
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
): { kept: ManifestFile[]; groups: ManifestGroup[] } {
  const targetBytes = mergePolicy(metadata)?.targetBytes ?? 8 * 1024 * 1024;
  const plan: { kept: ManifestFile[]; groups: ManifestGroup[] } = { kept: [], groups: [] };
  for (const group of Map.groupBy(manifests, (manifest) => `${manifest.content} ${manifest.specId}`).values()) {
    const bytes = group.reduce((sum, manifest) => sum + manifest.length, 0);
    const pieces = Math.ceil(bytes / targetBytes);
    if (group.length <= pieces && group.every(hasLiveFiles)) plan.kept.push(...group);
    else plan.groups.push({ manifests: group, pieces });
  }
  return plan;
}

/**
 * Writes all manifests anew, sorted by partition and of the target size, so that a query of few
 * partitions reads few of them. No file and no row changes. No updates if nothing would improve.
 */
export async function rewriteManifests(transaction: Transaction): Promise<TableChange> {
  const { metadata, io, random } = transaction;
  const { kept, groups } = planManifests(metadata, await io.readManifestList(parentSnapshot(metadata)));
  if (groups.length === 0) return { requirements: [], updates: [] };
  const snapshotId = newSnapshotId(random, metadata);
  const manifests = [...kept];
  const files = [];
  for (const group of groups) {
    const { specId, content } = group.manifests[0]!;
    const read = (await io.readManifests(group.manifests, metadata)).flat();
    const entries = read.filter((entry) => entry.status !== "deleted").sort(byPartition);
    const perManifest = Math.max(1, Math.ceil(entries.length / group.pieces));
    for (let at = 0; at < entries.length; at += perManifest) {
      const encoded = io.encodeManifest({
        schema: currentSchema(metadata),
        schemas: metadata.schemas,
        spec: specById(metadata, specId),
        content,
        entries: entries.slice(at, at + perManifest).map((entry) => ({ ...entry, status: "existing" })),
        snapshotId,
        sequenceNumber: nextSequenceNumber(metadata),
      });
      manifests.push(encoded.manifest);
      files.push(encoded.file);
    }
  }
  const replaced = groups.reduce((sum, group) => sum + group.manifests.length, 0);
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
