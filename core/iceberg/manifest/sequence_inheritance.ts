import type { ManifestEntry, ResolvedEntry } from "../format/manifest_entry.ts";
import type { ManifestFile } from "../format/manifest_file.ts";

/**
 * Fills in what entries inherit from their manifest (specification: "Sequence Number Inheritance"):
 * the snapshot id always, sequence numbers only for entries that the manifest's snapshot added. If
 * other entries lack them, the manifest is of version 1, and they are 0.
 */
export function resolveEntries(entries: ManifestEntry[], manifest: ManifestFile): ResolvedEntry[] {
  return entries.map((entry) => {
    const inherited = entry.status === "added" ? manifest.sequenceNumber : 0n;
    return {
      status: entry.status,
      snapshotId: entry.snapshotId ?? manifest.addedSnapshotId,
      sequenceNumber: entry.sequenceNumber ?? inherited,
      fileSequenceNumber: entry.fileSequenceNumber ?? inherited,
      dataFile: entry.dataFile,
    };
  });
}
