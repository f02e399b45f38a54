import { StreamlabError } from "../../base/errors.ts";
import type { TableChange } from "../catalog/catalog.ts";
import { DeleteIndex } from "../scan/delete_index.ts";
import type { DataFile } from "../format/data_file.ts";
import type { ResolvedEntry } from "../format/manifest_entry.ts";
import type { ManifestFile } from "../format/manifest_file.ts";
import type { Operation } from "../format/snapshot.ts";
import type { Transaction } from "../transaction.ts";
import { encodeAdded } from "./added_manifests.ts";
import { hasLiveFiles } from "./append_files.ts";
import { removeFromManifests } from "./filter_manifests.ts";
import { mergeManifests, mergePolicy } from "./merge_manifests.ts";
import { newSnapshotId, parentSnapshot, stageSnapshot } from "./snapshot_change.ts";

/**
 * A snapshot that adds and removes files at once: what rewrites, row deltas, overwrites and deletes
 * have in common.
 */
export interface FileChange {
  operation: Operation;
  /** Data files and delete files. */
  added: DataFile[];
  /** Data files and delete files, by path; all must be live. */
  removed: string[];
  /** Data files that added deletes speak of, by path; all must be live. */
  required?: string[];
  /** The data sequence number of added data files, where it is not the new snapshot's. */
  dataSequenceNumber?: bigint;
  /**
   * No delete file above this sequence number may apply to a removed data file: its deletes would
   * be lost.
   */
  noNewDeletesAfter?: bigint;
  summary?: Record<string, string>;
  branch?: string;
  /** Default: they are left as they are. */
  mergesManifests?: boolean;
}

/**
 * Throws `conflict` when a file is no longer live, or new deletes touch it: then the change must be
 * planned again or dropped.
 */
export async function stageFileChange(transaction: Transaction, change: FileChange): Promise<TableChange> {
  const { metadata, io, random } = transaction;
  const snapshotId = newSnapshotId(random, metadata);
  const parent = parentSnapshot(metadata, change.branch);
  const existing = (await io.readManifestList(parent)).filter(hasLiveFiles);
  const filtered = await removeFromManifests(transaction, existing, new Set(change.removed), snapshotId);
  requireAll(change.removed, filtered.removed.map((entry) => entry.dataFile.path));
  if (change.required) await requireLive(transaction, existing, change.required);
  if (change.noNewDeletesAfter !== undefined) {
    await requireNoNewDeletes(transaction, existing, filtered.removed, change.noNewDeletesAfter);
  }
  const data = change.added.filter((file) => file.content === "data");
  const deletes = change.added.filter((file) => file.content !== "data");
  const added = [
    ...encodeAdded(transaction, data, "data", snapshotId, change.dataSequenceNumber),
    ...encodeAdded(transaction, deletes, "deletes", snapshotId, undefined),
  ];
  const own = [...added, ...filtered.files.map((file) => ({ file, manifest: undefined }))];
  const standing = [...added.map(({ manifest }) => manifest), ...filtered.manifests];
  const policy = change.mergesManifests ? mergePolicy(metadata) : undefined;
  const merged = policy ? await mergeManifests(transaction, standing, snapshotId, policy) : undefined;
  const manifests = merged?.manifests ?? standing;
  // Manifests that are merged right away need not be written.
  const unmerged = own.filter(({ manifest }) => manifest === undefined || manifests.includes(manifest));
  return await stageSnapshot(transaction, {
    operation: change.operation,
    snapshotId,
    manifests,
    files: [...merged?.files ?? [], ...unmerged.map(({ file }) => file)],
    added: change.added,
    removed: filtered.removed.map((entry) => entry.dataFile),
    summary: change.summary,
    branch: change.branch,
  });
}

function requireAll(wanted: string[], found: string[]): void {
  const present = new Set(found);
  const missing = wanted.find((path) => !present.has(path));
  if (missing !== undefined) throw conflict(`${missing} is not part of the table any more`);
}

async function requireLive(transaction: Transaction, manifests: ManifestFile[], paths: string[]): Promise<void> {
  const entries = await transaction.io.readManifests(manifests, transaction.metadata);
  requireAll(
    paths,
    entries.flat().filter((entry) => entry.status !== "deleted").map((entry) => entry.dataFile.path),
  );
}

/**
 * Position deletes name rows by file and place, so those of a file that is rewritten meanwhile
 * would be lost. Equality deletes go on applying to the rewritten file as long as it keeps the
 * older sequence number.
 */
async function requireNoNewDeletes(
  transaction: Transaction,
  manifests: ManifestFile[],
  removed: ResolvedEntry[],
  after: bigint,
): Promise<void> {
  const { io, metadata } = transaction;
  const deleteManifests = manifests.filter((item) => item.content === "deletes" && item.sequenceNumber > after);
  const entries = (await io.readManifests(deleteManifests, metadata)).flat();
  const index = new DeleteIndex(
    entries.filter((entry) =>
      entry.status !== "deleted" && entry.sequenceNumber > after && entry.dataFile.content === "position-deletes"
    ),
  );
  const touched = removed.find((entry) => entry.dataFile.content === "data" && index.deletesFor(entry).length > 0);
  if (touched) throw conflict(`rows of ${touched.dataFile.path} were deleted meanwhile`);
}

function conflict(reason: string): StreamlabError {
  return new StreamlabError("conflict", `Cannot change the table's files: ${reason}`);
}
