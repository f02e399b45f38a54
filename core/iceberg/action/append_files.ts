import type { TableChange } from "../catalog/catalog.ts";
import type { DataFile } from "../format/data_file.ts";
import type { ManifestFile } from "../format/manifest_file.ts";
import type { EncodedFile } from "../table_io.ts";
import type { Transaction } from "../transaction.ts";
import { encodeAdded } from "./added_manifests.ts";
import { checkAdded } from "./check_added.ts";
import { mergeManifests, mergePolicy } from "./merge_manifests.ts";
import { newSnapshotId, parentSnapshot, stageSnapshot } from "./snapshot_change.ts";

/** What to append, and where. */
export interface AppendOptions {
  /** Described by `buildDataFile`; they are in the table's folder already. */
  files: DataFile[];
  /** More for the snapshot summary, such as a marker. */
  summary?: Record<string, string>;
  /** Default: `main`. */
  branch?: string;
  /** A branch that is not there begins without what `main` has, and no expiry takes it. */
  apart?: boolean;
  /** False leaves the manifests of the table as they are, whatever their number. */
  mergesManifests?: boolean;
}

/**
 * Adds data files as a new snapshot; without files, a snapshot that only says so. Fails with
 * `usage` for a description that contradicts the table; the file itself is not opened.
 */
export async function appendFiles(transaction: Transaction, options: AppendOptions): Promise<TableChange> {
  const { metadata, io, random } = transaction;
  const { files, summary, branch, apart, mergesManifests = true } = options;
  checkAdded(metadata, files);
  const snapshotId = newSnapshotId(random, metadata);
  const parent = parentSnapshot(metadata, branch, apart);
  const existing = (await io.readManifestList(parent)).filter(hasLiveFiles);
  const own = encodeAdded(transaction, files, "data", snapshotId);
  let manifests = [...own.map(({ manifest }) => manifest), ...existing];
  const toWrite: EncodedFile[] = [];
  const policy = mergePolicy(metadata);
  if (policy && mergesManifests && manifests.length >= 2) {
    const merged = await mergeManifests(transaction, manifests, snapshotId, policy);
    manifests = merged.manifests;
    toWrite.push(...merged.files);
  }
  // Manifests that are merged right away need not be written.
  toWrite.push(...own.filter(({ manifest }) => manifests.includes(manifest)).map(({ file }) => file));
  return await stageSnapshot(transaction, {
    operation: "append",
    snapshotId,
    manifests,
    files: toWrite,
    added: files,
    removed: [],
    summary,
    branch,
    apart,
  });
}

/**
 * A manifest that names only deletions is useless after the snapshot that made them. Version 1 may
 * leave the counts out.
 */
export function hasLiveFiles(manifest: ManifestFile): boolean {
  return (manifest.addedFilesCount ?? 1) + (manifest.existingFilesCount ?? 1) > 0;
}
