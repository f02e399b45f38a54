import { isKind, StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import { DeleteIndex } from "./delete_index.ts";
import { FilePruner, type SkipReason } from "./file_pruner.ts";
import type { DataFile } from "../format/data_file.ts";
import type { ResolvedEntry } from "../format/manifest_entry.ts";
import type { ManifestContent, ManifestFile } from "../format/manifest_file.ts";
import { bindPredicate, type Predicate } from "../format/predicate.ts";
import type { Schema } from "../format/schema.ts";
import type { Snapshot } from "../format/snapshot.ts";
import { currentSchema, snapshotOfRef, type TableMetadata } from "../format/table_metadata.ts";
import { hasLiveFiles } from "../action/append_files.ts";
import type { TableIo } from "../table_io.ts";

/** Manifests read at once. */
const MANIFESTS_PARALLEL = 16;

/** What to read from a table. By default: everything in its current snapshot. */
export interface ScanOptions {
  /** Default: the head of `main`. */
  snapshot?: Snapshot | undefined;
  /** The schema of the predicate's columns. Default: the current schema. */
  schema?: Schema;
  /**
   * The rows wanted. Files without such rows may be skipped; rows are not filtered. Default: all.
   */
  predicate?: Predicate;
  /** Also reports the skipped files and the reasons. This reads all manifests. */
  explainScan?: boolean;
  /**
   * Called for a manifest or manifest list that is missing or damaged, which is then skipped.
   * Without it, that is an error.
   */
  onUnreadable?: (error: StreamlabError) => void;
}

/** A data file to read, with the deletes that apply to it. */
export interface ScanFile {
  /** The file. */
  dataFile: DataFile;
  /** The data sequence number. */
  sequenceNumber: bigint;
  /** Delete files that apply to it. */
  deletes: DataFile[];
}

/** A data file that holds none of the wanted rows. */
export interface SkippedFile {
  /** The file. */
  dataFile: DataFile;
  /** Why it is skipped. */
  reason: SkipReason;
}

/** The files to read, and the skipped ones. */
export interface ScanPlan {
  /** Files that may hold wanted rows. */
  files: ScanFile[];
  /** Only with `explainScan`. */
  skipped: SkippedFile[];
  /** Manifests that were opened. */
  manifestsRead: number;
  /** Manifests whose partitions hold none of the wanted rows. */
  manifestsSkipped: number;
}

/**
 * The data files that a query has to open, with their delete files (specification: "Scan
 * Planning").
 */
export async function planScan(io: TableIo, metadata: TableMetadata, options: ScanOptions = {}): Promise<ScanPlan> {
  const snapshot = options.snapshot ?? snapshotOfRef(metadata);
  const schema = options.schema ?? currentSchema(metadata);
  const predicate = bindPredicate(options.predicate ?? { op: "always" }, schema);
  const pruner = new FilePruner(predicate, metadata.partitionSpecs, [...metadata.schemas, schema]);
  const tolerant = tolerance(options);
  const all = (await tolerant(() => io.readManifestList(snapshot))).filter(hasLiveFiles);
  const needed = all.filter((manifest) => pruner.manifestMayMatch(manifest));
  const read = options.explainScan ? all : needed;
  const [data, deletes] = await Promise.all([
    readLive(io, metadata, read.filter(isOf("data")), options.explainScan ? undefined : pruner, tolerant),
    readLive(io, metadata, needed.filter(isOf("deletes")), undefined, tolerant),
  ]);
  const index = new DeleteIndex(deletes);
  const plan: ScanPlan = {
    files: [],
    skipped: [],
    manifestsRead: needed.length,
    manifestsSkipped: all.length - needed.length,
  };
  for (const entry of data) {
    const { dataFile, sequenceNumber } = entry;
    const reason = pruner.skipReason(dataFile);
    if (reason === undefined) {
      plan.files.push({ dataFile, sequenceNumber, deletes: index.deletesFor(entry).map((item) => item.dataFile) });
    } else if (options.explainScan) {
      plan.skipped.push({ dataFile, reason });
    }
  }
  return plan;
}

type Tolerance = <T>(read: () => Promise<T[]>) => Promise<T[]>;

function tolerance({ onUnreadable }: ScanOptions): Tolerance {
  return async (read) => {
    try {
      return await read();
    } catch (error) {
      if (onUnreadable === undefined) throw error;
      return passOver(error, onUnreadable);
    }
  };
}

/** An empty list in place of a file that is missing or damaged. Other errors are thrown again. */
export function passOver(error: unknown, onUnreadable: (error: StreamlabError) => void): [] {
  const isDamage = isKind(error, "not-found", "corrupt");
  if (!isDamage) throw error;
  onUnreadable(error);
  return [];
}

function isOf(content: ManifestContent): (manifest: ManifestFile) => boolean {
  return (manifest) => manifest.content === content;
}

/** With a pruner, files of other partitions may be missing. */
async function readLive(
  io: TableIo,
  metadata: TableMetadata,
  manifests: ManifestFile[],
  pruner: FilePruner | undefined,
  tolerant: Tolerance,
): Promise<ResolvedEntry[]> {
  const entries = await mapParallel(
    manifests,
    MANIFESTS_PARALLEL,
    (manifest) =>
      tolerant(() =>
        pruner?.usesPartition(manifest.specId)
          ? io.readManifestWhere(manifest, metadata, (file) => pruner.partitionMayMatch(file))
          : io.readManifest(manifest, metadata)
      ),
  );
  return entries.flat().filter((entry) => entry.status !== "deleted");
}
