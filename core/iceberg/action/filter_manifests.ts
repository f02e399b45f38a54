import { mapParallel } from "../../base/parallel.ts";
import type { ManifestEntry, ResolvedEntry } from "../format/manifest_entry.ts";
import type { ManifestFile } from "../format/manifest_file.ts";
import { currentSchema, specById } from "../format/table_metadata.ts";
import type { EncodedFile } from "../table_io.ts";
import type { Transaction } from "../transaction.ts";
import { mergePolicy } from "./merge_manifests.ts";
import { nextSequenceNumber } from "./snapshot_change.ts";

export interface FilteredManifests {
  manifests: ManifestFile[];
  /** Those of them that are new. */
  files: EncodedFile[];
  /** Live entries that are gone. */
  removed: ResolvedEntry[];
}

/**
 * The manifests without the live files of these paths. Those that have some are written anew, all
 * of one spec and content as one up to the target size, with these files as deleted by `snapshotId`
 * and the others as existing, both with their sequence numbers spelled out (specification:
 * "Manifest Entry Fields"). A rewrite of many files that came one by one would else write as many
 * manifests only to say that they are gone.
 */
export async function removeFromManifests(
  transaction: Transaction,
  manifests: ManifestFile[],
  paths: ReadonlySet<string>,
  snapshotId: bigint,
): Promise<FilteredManifests> {
  if (paths.size === 0) return { manifests, files: [], removed: [] };
  const { io, metadata } = transaction;
  const read = await mapParallel(manifests, 16, async (manifest) => {
    const entries = await io.readManifest(manifest, metadata);
    const removed = entries.filter((entry) => entry.status !== "deleted" && paths.has(entry.dataFile.path));
    return { manifest, entries, removed };
  });
  const touched = read.filter(({ removed }) => removed.length > 0);
  const { targetBytes } = mergePolicy(metadata) ?? { targetBytes: 0 };
  const rewritten = pack(touched.map(({ manifest }) => manifest), targetBytes).map((bin) => {
    const entries = touched.filter(({ manifest }) => bin.includes(manifest)).flatMap(({ entries }) => entries);
    return rewrite(transaction, bin[0]!, entries, paths, snapshotId);
  });
  return {
    manifests: [
      ...rewritten.map(({ manifest }) => manifest),
      ...read.flatMap(({ manifest, removed }) => removed.length === 0 ? [manifest] : []),
    ],
    files: rewritten.map(({ file }) => file),
    removed: touched.flatMap(({ removed }) => removed),
  };
}

/** One by one where nothing is to be merged. */
function pack(manifests: readonly ManifestFile[], targetBytes: number): ManifestFile[][] {
  const bins: { key: string; bytes: number; manifests: ManifestFile[] }[] = [];
  for (const manifest of manifests) {
    const key = `${manifest.content} ${manifest.specId}`;
    const bin = bins.findLast((bin) => bin.key === key && bin.bytes + manifest.length <= targetBytes);
    if (bin === undefined) bins.push({ key, bytes: manifest.length, manifests: [manifest] });
    else {
      bin.manifests.push(manifest);
      bin.bytes += manifest.length;
    }
  }
  return bins.map(({ manifests }) => manifests);
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
    schemas: metadata.schemas,
    spec: specById(metadata, manifest.specId),
    content: manifest.content,
    entries: kept,
    snapshotId,
    sequenceNumber: nextSequenceNumber(metadata),
  });
}
