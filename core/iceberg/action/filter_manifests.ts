import { mapParallel } from "../../base/parallel.ts";
import type { ManifestEntry, ResolvedEntry } from "../format/manifest_entry.ts";
import type { ManifestFile } from "../format/manifest_file.ts";
import { currentSchema, specById } from "../format/table_metadata.ts";
import type { EncodedFile } from "../table_io.ts";
import type { Transaction } from "../transaction.ts";
import { nextSequenceNumber } from "./snapshot_change.ts";

export interface FilteredManifests {
  manifests: ManifestFile[];
  /** Those of them that are new. */
  files: EncodedFile[];
  /** Live entries that are gone. */
  removed: ResolvedEntry[];
}

/**
 * The manifests without the live files of these paths: a manifest that has some is written anew,
 * with these as deleted by `snapshotId` and the others as existing, both with their sequence
 * numbers spelled out (specification: "Manifest Entry Fields").
 */
export async function removeFromManifests(
  transaction: Transaction,
  manifests: ManifestFile[],
  paths: ReadonlySet<string>,
  snapshotId: bigint,
): Promise<FilteredManifests> {
  if (paths.size === 0) return { manifests, files: [], removed: [] };
  const results = await mapParallel(manifests, 16, async (manifest): Promise<FilteredManifests> => {
    const entries = await transaction.io.readManifest(manifest, transaction.metadata);
    const removed = entries.filter((entry) => entry.status !== "deleted" && paths.has(entry.dataFile.path));
    if (removed.length === 0) return { manifests: [manifest], files: [], removed };
    const { manifest: rewritten, file } = rewrite(transaction, manifest, entries, paths, snapshotId);
    return { manifests: [rewritten], files: [file], removed };
  });
  return {
    manifests: results.flatMap((result) => result.manifests),
    files: results.flatMap((result) => result.files),
    removed: results.flatMap((result) => result.removed),
  };
}

function rewrite(
  transaction: Transaction,
  manifest: ManifestFile,
  entries: ResolvedEntry[],
  paths: ReadonlySet<string>,
  snapshotId: bigint,
) {
  const { metadata, io } = transaction;
  const kept: ManifestEntry[] = [];
  for (const entry of entries) {
    if (entry.status === "deleted") continue;
    kept.push(
      paths.has(entry.dataFile.path) ? { ...entry, status: "deleted", snapshotId } : { ...entry, status: "existing" },
    );
  }
  return io.encodeManifest({
    schema: currentSchema(metadata),
    spec: specById(metadata, manifest.specId),
    content: manifest.content,
    entries: kept,
    snapshotId,
    sequenceNumber: nextSequenceNumber(metadata),
  });
}
