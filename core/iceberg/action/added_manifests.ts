import type { DataFile } from "../format/data_file.ts";
import type { ManifestContent, ManifestFile } from "../format/manifest_file.ts";
import { currentSchema, specById } from "../format/table_metadata.ts";
import type { EncodedFile } from "../table_io.ts";
import type { Transaction } from "../transaction.ts";
import { nextSequenceNumber } from "./snapshot_change.ts";

/**
 * The manifests of new files, one for each spec; `dataSequenceNumber` if it is not the new
 * snapshot's.
 */
export function encodeAdded(
  transaction: Transaction,
  files: DataFile[],
  content: ManifestContent,
  snapshotId: bigint,
  dataSequenceNumber?: bigint,
): { manifest: ManifestFile; file: EncodedFile }[] {
  const { metadata, io } = transaction;
  return [...new Set(files.map((file) => file.specId))].map((specId) =>
    io.encodeManifest({
      schema: currentSchema(metadata),
      schemas: metadata.schemas,
      spec: specById(metadata, specId),
      content,
      entries: files.filter((file) => file.specId === specId).map((dataFile) => ({
        status: "added" as const,
        snapshotId,
        dataFile,
        sequenceNumber: dataSequenceNumber,
      })),
      snapshotId,
      sequenceNumber: nextSequenceNumber(metadata),
    })
  );
}
