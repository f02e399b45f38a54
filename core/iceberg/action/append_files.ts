import type { TableChange } from "../catalog.ts";
import type { DataFile } from "../spec/data_file.ts";
import type { ManifestFile } from "../spec/manifest_file.ts";
import { currentSchema, specById } from "../spec/table_metadata.ts";
import type { EncodedFile } from "../table_io.ts";
import type { Transaction } from "../transaction.ts";
import { mergeManifests, mergePolicy } from "./merge_manifests.ts";
import { newSnapshotId, nextSequenceNumber, parentSnapshot, stageSnapshot } from "./snapshot_change.ts";

export interface AppendOptions {
  files: DataFile[];
  /** More for the snapshot summary, such as a marker. */
  summary?: Record<string, string>;
  branch?: string;
  /** False leaves the manifests of the table as they are, whatever their number. */
  mergesManifests?: boolean;
}

/** Adds data files as a new snapshot; without files, a snapshot that only says so. */
export class AppendFiles {
  constructor(private readonly options: AppendOptions) {}

  async stage(transaction: Transaction): Promise<TableChange> {
    const { metadata, io, random } = transaction;
    const { files, summary, branch } = this.options;
    const snapshotId = newSnapshotId(random, metadata);
    const parent = parentSnapshot(metadata, branch);
    const existing = (await io.readManifestList(parent)).filter(hasLiveFiles);
    const own = this.#encode(transaction, snapshotId);
    let manifests = [...own.map(({ manifest }) => manifest), ...existing];
    const toWrite: EncodedFile[] = [];
    const policy = mergePolicy(metadata);
    if (policy && this.options.mergesManifests !== false && manifests.length >= 2) {
      const merged = await mergeManifests(transaction, manifests, snapshotId, policy);
      manifests = merged.manifests;
      toWrite.push(...merged.files);
    }
    // Those that were merged at once need not be written at all.
    toWrite.push(...own.filter(({ manifest }) => manifests.includes(manifest)).map(({ file }) => file));
    return await stageSnapshot(transaction, {
      operation: "append",
      snapshotId,
      manifests,
      files: toWrite,
      added: files,
      removed: [],
      ...(summary ? { summary } : {}),
      ...(branch ? { branch } : {}),
    });
  }

  /** The manifests of the new files, one for each spec. */
  #encode(transaction: Transaction, snapshotId: bigint): { manifest: ManifestFile; file: EncodedFile }[] {
    const { metadata, io } = transaction;
    const { files } = this.options;
    const sequenceNumber = nextSequenceNumber(metadata);
    return [...new Set(files.map((file) => file.specId))].map((specId) =>
      io.encodeManifest({
        schema: currentSchema(metadata),
        spec: specById(metadata, specId),
        content: "data",
        entries: files.filter((file) => file.specId === specId)
          .map((dataFile) => ({ status: "added", snapshotId, dataFile })),
        snapshotId,
        sequenceNumber,
      })
    );
  }
}

/** A manifest that names only deletions tells nothing after the snapshot that made them. Version 1 may leave the counts out. */
export function hasLiveFiles(manifest: ManifestFile): boolean {
  return (manifest.addedFilesCount ?? 1) + (manifest.existingFilesCount ?? 1) > 0;
}
