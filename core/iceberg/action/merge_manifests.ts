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
    countMin: countOf(properties["commit.manifest.min-count-to-merge"]) ?? COUNT_MIN,
    targetBytes: countOf(properties["commit.manifest.target-size-bytes"]) ?? TARGET_BYTES,
  };
}

const COUNT_MIN = 100;
const TARGET_BYTES = 8 * 1024 * 1024;

/** Undefined for what is no count: a property that somebody misspelt must not stop the commits. */
function countOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

/**
 * The manifests with small ones merged, each into manifests of about the target size; `files` are
 * the new ones to be written. `manifests` stand newest first, and those of `snapshotId` are new in
 * this commit. Only manifests of the same spec and content are merged. Bins are filled from the
 * oldest on, so that a full one is never rewritten. In the newest bin, which fills, a manifest is
 * rewritten when those that are newer have as many bytes: so each file is rewritten a few times on
 * the way to a full one (by the logarithm of its size), not once for every hundred commits.
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
    packFromEnd(group, policy.targetBytes).flatMap((bin) => {
      if (bin[0] !== group[0]) return [{ bin, isMerged: bin.length > 1 }];
      // The bin of the newest manifest waits until it is worth it.
      const count = bin.length < policy.countMin ? 0 : countToMerge(bin);
      return [{ bin: bin.slice(0, count), isMerged: count > 1 }, { bin: bin.slice(count), isMerged: false }];
    })
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
    schemas: metadata.schemas,
    spec: specById(metadata, bin[0]!.specId),
    content: bin[0]!.content,
    entries,
    snapshotId,
    sequenceNumber: nextSequenceNumber(metadata),
  });
}

/** How many of the newest: each that is not larger than all that are newer, together. */
function countToMerge(bin: readonly ManifestFile[]): number {
  let count = 0, bytes = 0;
  for (const { length } of bin) {
    if (count >= 2 && length > bytes) break;
    bytes += length;
    count++;
  }
  return count;
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
