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

/**
 * Adds data files as a new snapshot; without files, a snapshot that only says so. One object serves all tries of a commit: its manifests
 * are encoded and written once, for what they inherit is filled in by the manifest list of each try.
 */
export class AppendFiles {
  readonly #options: AppendOptions;
  #snapshotId: bigint | undefined;
  #isWritten = false;
  #own: { manifests: ManifestFile[]; files: EncodedFile[]; schemaId: number } | undefined;

  constructor(options: AppendOptions) {
    this.#options = options;
  }

  async stage(transaction: Transaction): Promise<TableChange> {
    const { metadata, io, random } = transaction;
    const { files, summary, branch } = this.#options;
    const snapshotId = this.#snapshotId ??= newSnapshotId(random, metadata);
    const parent = parentSnapshot(metadata, branch);
    const existing = (await io.readManifestList(parent)).filter(hasLiveFiles);
    const own = this.#encodeOnce(transaction, snapshotId);
    let manifests = [...own.manifests, ...existing];
    const toWrite: EncodedFile[] = [];
    const policy = mergePolicy(metadata);
    if (policy && this.#options.mergesManifests !== false && manifests.length >= 2) {
      const merged = await mergeManifests(transaction, manifests, snapshotId, policy);
      manifests = merged.manifests;
      toWrite.push(...merged.files);
    }
    // Those that were merged at once need not be written at all.
    const isUsed = own.manifests.some((manifest) => manifests.includes(manifest));
    if (isUsed && !this.#isWritten) toWrite.push(...own.files);
    const change = await stageSnapshot(transaction, {
      operation: "append",
      snapshotId,
      manifests,
      files: toWrite,
      added: files,
      removed: [],
      ...(summary ? { summary } : {}),
      ...(branch ? { branch } : {}),
    });
    this.#isWritten ||= isUsed;
    return change;
  }

  /** The manifests of the new files, one for each spec, with the sequence number of this try. */
  #encodeOnce(transaction: Transaction, snapshotId: bigint): { manifests: ManifestFile[]; files: EncodedFile[] } {
    const { metadata, io } = transaction;
    const sequenceNumber = nextSequenceNumber(metadata);
    if (this.#own?.schemaId !== metadata.currentSchemaId) {
      const specIds = new Set(this.#options.files.map((file) => file.specId));
      const encoded = [...specIds].map((specId) =>
        io.encodeManifest({
          schema: currentSchema(metadata),
          spec: specById(metadata, specId),
          content: "data",
          entries: this.#options.files.filter((file) => file.specId === specId)
            .map((dataFile) => ({ status: "added", snapshotId, dataFile })),
          snapshotId,
          sequenceNumber,
        })
      );
      this.#isWritten = false;
      this.#own = {
        manifests: encoded.map(({ manifest }) => manifest),
        files: encoded.map(({ file }) => file),
        schemaId: metadata.currentSchemaId,
      };
    }
    const { manifests, files } = this.#own!;
    return {
      manifests: manifests.map((manifest) => ({ ...manifest, sequenceNumber, minSequenceNumber: sequenceNumber })),
      files,
    };
  }
}

/** A manifest that names only deletions tells nothing after the snapshot that made them. Version 1 may leave the counts out. */
export function hasLiveFiles(manifest: ManifestFile): boolean {
  return (manifest.addedFilesCount ?? 1) + (manifest.existingFilesCount ?? 1) > 0;
}
