import { mapParallel } from "../../base/parallel.ts";
import type { ManifestEntry } from "../format/manifest_entry.ts";
import type { ManifestFile } from "../format/manifest_file.ts";
import { currentSchema, specById, type TableMetadata } from "../format/table_metadata.ts";
import type { EncodedFile } from "../table_io.ts";
import type { Transaction } from "../transaction.ts";
import { nextSequenceNumber } from "./snapshot_change.ts";

export interface MergePolicy {
  /** Manifests that must have gathered before the newest are merged. */
  countMin: number;
  targetBytes: number;
}

/** Table properties of the reference implementation, with its defaults. Undefined: never merge. */
export function mergePolicy(metadata: TableMetadata): MergePolicy | undefined {
  const { properties } = metadata;
  if (properties["commit.manifest-merge.enabled"] === "false") return undefined;
  return {
    countMin: Number(properties["commit.manifest.min-count-to-merge"] ?? 100),
    targetBytes: Number(properties["commit.manifest.target-size-bytes"] ?? 8 * 1024 * 1024),
  };
}

/**
 * The manifests with small ones merged, each into manifests of about the target size; `files` are
 * the new ones to be written. `manifests` stand newest first, and those of `snapshotId` are new in
 * this commit. Only manifests of the same spec and content are merged. Bins are filled from the
 * oldest on, so that a full one is never rewritten.
 */
export async function mergeManifests(
  transaction: Transaction,
  manifests: ManifestFile[],
  snapshotId: bigint,
  policy: MergePolicy,
): Promise<{ manifests: ManifestFile[]; files: EncodedFile[] }> {
  if (manifests.length < 2) return { manifests, files: [] };
  const groups = new Map<string, ManifestFile[]>();
  for (const manifest of manifests) {
    const key = `${manifest.content} ${manifest.specId}`;
    groups.set(key, [...(groups.get(key) ?? []), manifest]);
  }
  const bins = [...groups.values()].flatMap((group) =>
    packFromEnd(group, policy.targetBytes).map((bin) => ({
      bin,
      // The bin of the newest manifest waits until it is worth it.
      isMerged: bin.length > 1 && (bin[0] !== group[0] || bin.length >= policy.countMin),
    }))
  );
  const files: EncodedFile[] = [];
  const merged = await mapParallel(bins, 4, async ({ bin, isMerged }) => {
    if (!isMerged) return bin;
    const result = await mergeBin(transaction, bin, snapshotId);
    files.push(result.file);
    return [result.manifest];
  });
  return { manifests: merged.flat(), files };
}

async function mergeBin(transaction: Transaction, bin: ManifestFile[], snapshotId: bigint) {
  const { metadata, io } = transaction;
  const entries: ManifestEntry[] = [];
  for (const [i, read] of (await io.readManifests(bin, metadata)).entries()) {
    const isNew = bin[i]!.addedSnapshotId === snapshotId;
    for (const entry of read) {
      // Deletions are listed once, in the snapshot that makes them. Files that this commit adds
      // keep inheriting its number.
      if (entry.status === "deleted" && entry.snapshotId !== snapshotId) continue;
      if (isNew && entry.status === "added") {
        entries.push({ status: "added", snapshotId, dataFile: entry.dataFile });
      } else {
        entries.push(entry.status === "deleted" ? entry : { ...entry, status: "existing" });
      }
    }
  }
  return io.encodeManifest({
    schema: currentSchema(metadata),
    spec: specById(metadata, bin[0]!.specId),
    content: bin[0]!.content,
    entries,
    snapshotId,
    sequenceNumber: nextSequenceNumber(metadata),
  });
}

function packFromEnd(manifests: ManifestFile[], targetBytes: number): ManifestFile[][] {
  const bins: ManifestFile[][] = [];
  let bytes = 0;
  for (const manifest of manifests.toReversed()) {
    const bin = bins[0];
    if (bin && bytes + manifest.length <= targetBytes) {
      bin.unshift(manifest);
      bytes += manifest.length;
    } else {
      bins.unshift([manifest]);
      bytes = manifest.length;
    }
  }
  return bins;
}
