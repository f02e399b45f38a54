import { isDeepStrictEqual } from "node:util";
import { counted } from "../base/counted.ts";
import { StreamlabError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { mapParallel } from "../base/parallel.ts";
import { encodeManifest } from "./manifest/manifest_avro.ts";
import { type DecodedManifest, decodeManifest } from "./manifest/manifest_reader.ts";
import { decodeManifestList, encodeManifestList } from "./manifest/manifest_list_avro.ts";
import { manifestListPath, manifestPath } from "./manifest/manifest_name.ts";
import { countEntries, type ManifestToWrite, summarizeManifest } from "./manifest/manifest_summary.ts";
import { resolveEntries } from "./manifest/sequence_inheritance.ts";
import { partitionColumns, type WrittenTypes, writtenTypes } from "./format/partition_spec.ts";
import { isPromotion, type PrimitiveType } from "./format/type.ts";
import type { DataFile } from "./format/data_file.ts";
import type { ManifestEntry, ResolvedEntry } from "./format/manifest_entry.ts";
import type { ManifestFile } from "./format/manifest_file.ts";
import { METADATA_BYTES_MAX } from "./format/metadata_limit.ts";
import type { Snapshot } from "./format/snapshot.ts";
import { type TableMetadata } from "./format/table_metadata.ts";
import type { TableLocation } from "./table_location.ts";

/** Manifests read at once. */
const READS_PARALLEL = 16;
/**
 * Entries kept in memory, over all manifests of a table: with statistics of 20 columns one takes
 * about 10 KB. A writer needs those of the manifests that wait to be merged, again and again.
 */
const CACHED_ENTRIES_MAX = 500;

/**
 * Manifest lists kept in memory: those of as many snapshots as a table that looks after itself has.
 * They share what they hold.
 */
const LISTS_KEPT = 128;

/** A file of the table, by its path in the table's folder, that is not written yet. */
export interface EncodedFile {
  /** Below the table's folder. */
  name: string;
  /** Its content. */
  bytes: Uint8Array;
}

/**
 * Reads and writes the manifests and manifest lists of one table. They never change, so what was
 * read is kept by path.
 */
export class TableIo {
  /** Where the table's files are. */
  readonly location: TableLocation;
  readonly #random: Random;
  /** Those used longest ago first. */
  readonly #manifests = new Map<string, { entries: Promise<ManifestEntry[]>; count: number }>();
  /** Of manifests that no list names yet: they may not be written, and must not be lost. */
  readonly #encoded = new WeakMap<ManifestFile, ManifestEntry[]>();
  readonly #lists = new Map<string, Promise<ManifestFile[]>>();
  /** Of the list that was read last, by path. */
  #described: ReadonlyMap<string, ManifestFile> = new Map();
  /**
   * What partition values are written as, by the spec's number: whoever writes a manifest anew has
   * read it before, and the table's schemas may not have the source column any more.
   */
  readonly #written = new Map<number, Map<number, PrimitiveType>>();
  #cachedEntries = 0;

  /** Reads and writes nothing yet. */
  constructor(location: TableLocation, random: Random) {
    this.location = location;
    this.#random = random;
  }

  /** The manifests of a snapshot, data before deletes is not promised; none without a snapshot. */
  readManifestList(snapshot: Snapshot | undefined): Promise<ManifestFile[]> {
    if (!snapshot) return Promise.resolve([]);
    if (snapshot.manifestList === undefined) return this.#readInlineManifests(snapshot);
    const uri = snapshot.manifestList;
    const known = this.#lists.get(uri);
    if (known) return known;
    const reading = this.#read(uri).then(async (bytes) => {
      const manifests = decodeManifestList(bytes, uri);
      checkNotCut(snapshot, manifests.length, uri);
      return this.#shared(await mapParallel(manifests, READS_PARALLEL, (manifest) => this.#withCounts(manifest)));
    });
    keep(this.#lists, uri, LISTS_KEPT, reading);
    return reading;
  }

  /** The entries of a manifest, with snapshot ids and sequence numbers inherited. */
  async readManifest(manifest: ManifestFile, metadata: TableMetadata): Promise<ResolvedEntry[]> {
    const entries = await this.#readEntries(manifest, metadata);
    return resolveEntries(entries, manifest);
  }

  /** Their entries, in the order of the manifests. */
  readManifests(manifests: ManifestFile[], metadata: TableMetadata): Promise<ResolvedEntry[][]> {
    return mapParallel(manifests, READS_PARALLEL, (manifest) => this.readManifest(manifest, metadata));
  }

  /**
   * The entries whose files `keep` wants, given without column statistics. Of a large manifest that
   * was not read before, most time is saved.
   */
  async readManifestWhere(
    manifest: ManifestFile,
    metadata: TableMetadata,
    keep: (file: DataFile) => boolean,
  ): Promise<ResolvedEntry[]> {
    if (this.#manifests.has(manifest.path)) {
      return (await this.readManifest(manifest, metadata)).filter((entry) => keep(entry.dataFile));
    }
    const bytes = await this.#read(manifest.path);
    const { schemas } = metadata;
    const decoded = decodeManifest(bytes, manifest.path, { schemas, specId: manifest.specId, keep });
    checkManifest(manifest, bytes.length, decoded);
    return resolveEntries(decoded.entries, manifest);
  }

  /**
   * A manifest ready to be written, under a name of its own, with its line for the manifest list.
   */
  encodeManifest(manifest: ManifestToWrite): { manifest: ManifestFile; file: EncodedFile } {
    const name = manifestPath(this.#random);
    const { spec, schema, schemas } = manifest;
    const columns = partitionColumns(spec, [...schemas, schema], this.#written.get(spec.specId));
    const toWrite = { ...manifest, written: writtenTypes(columns) };
    this.#noteTypes(spec.specId, toWrite.written);
    const bytes = encodeManifest(toWrite, this.#random.bytes(16));
    const path = this.location.uriOf(name);
    const summary = summarizeManifest(toWrite, path, bytes.length);
    this.#encoded.set(summary, manifest.entries);
    this.#keepEntries(path, Promise.resolve(manifest.entries), manifest.entries.length);
    return { manifest: summary, file: { name, bytes } };
  }

  /** The manifest list of a snapshot, ready to be written, and its URI. */
  encodeManifestList(
    manifests: ManifestFile[],
    snapshot: Pick<Snapshot, "snapshotId" | "parentSnapshotId" | "sequenceNumber">,
  ): { uri: string; file: EncodedFile } {
    const name = manifestListPath(snapshot.snapshotId, this.#random);
    const bytes = encodeManifestList(manifests, snapshot, this.#random.bytes(16));
    const uri = this.location.uriOf(name);
    for (const manifest of manifests) this.#encoded.delete(manifest);
    keep(this.#lists, uri, LISTS_KEPT, Promise.resolve(manifests));
    return { uri, file: { name, bytes } };
  }

  /** Writes them all at once: none is needed before the commit that names them. */
  async writeFiles(files: EncodedFile[]): Promise<void> {
    const { store } = this.location;
    await mapParallel(files, 16, ({ name, bytes }) => store.write(this.location.pathInStore(name), bytes));
  }

  /**
   * Version 1 snapshots may name their manifests themselves (specification: Appendix E); all of
   * them hold data files.
   */
  async #readInlineManifests(snapshot: Snapshot): Promise<ManifestFile[]> {
    return await mapParallel(snapshot.manifests ?? [], READS_PARALLEL, async (path) => {
      const bytes = await this.#read(path);
      return await this.#withCounts({
        path,
        length: bytes.length,
        specId: decodeManifest(bytes, path, { schemas: [] }).spec.specId,
        content: "data",
        sequenceNumber: 0n,
        minSequenceNumber: 0n,
        addedSnapshotId: snapshot.snapshotId,
      });
    });
  }

  /**
   * Version 1 may leave counts out; a list of version 2 that passed them on as 0 would lose the
   * manifest's files.
   */
  async #withCounts(manifest: ManifestFile): Promise<ManifestFile> {
    const { addedFilesCount, existingFilesCount, deletedFilesCount } = manifest;
    const isCounted = addedFilesCount !== undefined && existingFilesCount !== undefined;
    if (isCounted && deletedFilesCount !== undefined && manifest.addedRowsCount !== undefined) return manifest;
    const { entries } = decodeManifest(await this.#read(manifest.path), manifest.path, { schemas: [] });
    return { ...manifest, ...countEntries(entries) };
  }

  /** The lists of successive snapshots name mostly the same manifests, and say the same of them. */
  #shared(manifests: readonly ManifestFile[]): ManifestFile[] {
    const shared = manifests.map((manifest) => {
      const known = this.#described.get(manifest.path);
      return known !== undefined && isDeepStrictEqual(known, manifest) ? known : manifest;
    });
    this.#described = new Map(shared.map((manifest) => [manifest.path, manifest]));
    return shared;
  }

  #readEntries(manifest: ManifestFile, metadata: TableMetadata): Promise<ManifestEntry[]> {
    const encoded = this.#encoded.get(manifest);
    if (encoded) return Promise.resolve(encoded);
    const cached = this.#manifests.get(manifest.path);
    if (cached) {
      this.#manifests.delete(manifest.path);
      this.#manifests.set(manifest.path, cached);
      return cached.entries;
    }
    const reading = this.#read(manifest.path).then((bytes) => {
      const { schemas } = metadata;
      const decoded = decodeManifest(bytes, manifest.path, { schemas, specId: manifest.specId });
      checkManifest(manifest, bytes.length, decoded);
      this.#noteTypes(manifest.specId, decoded.written);
      return decoded.entries;
    });
    // Their number is known when they are there: until then it counts for none.
    this.#keepEntries(manifest.path, reading, 0);
    reading.then(
      (entries) => this.#keepEntries(manifest.path, reading, entries.length),
      () => this.#forget(manifest.path),
    );
    return reading;
  }

  /** Of a column that was widened meanwhile, the widest; string is also what nobody knows. */
  #noteTypes(specId: number, written: WrittenTypes): void {
    const known = this.#written.get(specId) ?? new Map<number, PrimitiveType>();
    for (const [fieldId, type] of written) {
      const before = known.get(fieldId);
      if (before === undefined || before.type === "string" || isPromotion(before, type)) known.set(fieldId, type);
    }
    this.#written.set(specId, known);
  }

  #keepEntries(path: string, entries: Promise<ManifestEntry[]>, count: number): void {
    this.#forget(path);
    this.#manifests.set(path, { entries, count });
    this.#cachedEntries += count;
    for (const oldest of this.#manifests.keys()) {
      if (this.#cachedEntries <= CACHED_ENTRIES_MAX) return;
      this.#forget(oldest);
    }
  }

  #forget(path: string): void {
    this.#cachedEntries -= this.#manifests.get(path)?.count ?? 0;
    this.#manifests.delete(path);
  }

  #read(uri: string): Promise<Uint8Array> {
    return this.location.store.read(this.location.pathOf(uri), { bytesMax: METADATA_BYTES_MAX });
  }
}

/**
 * A manifest that is cut where a block ends, or exchanged for another one, reads well; what the
 * manifest list says of it tells.
 */
function checkManifest(manifest: ManifestFile, length: number, { content, filesCounts }: DecodedManifest): void {
  const wanted = [
    ["bytes", manifest.length, length],
    ["added files", manifest.addedFilesCount, filesCounts.added],
    ["existing files", manifest.existingFilesCount, filesCounts.existing],
    ["deleted files", manifest.deletedFilesCount, filesCounts.deleted],
  ] as const;
  const state = content !== manifest.content
    ? `its files are ${content}, and ${manifest.content} in the manifest list`
    : wanted.flatMap(([what, listed, found]) =>
      listed === undefined || listed === found ? [] : [`it has ${found} ${what}, and ${listed} in the manifest list`]
    )[0];
  if (state !== undefined) throw new StreamlabError("corrupt", `Cannot read the manifest ${manifest.path}: ${state}`);
}

/** A list without a manifest is an empty table's: not where the snapshot counts files. */
function checkNotCut({ snapshotId, summary }: Snapshot, manifests: number, uri: string): void {
  const files = Number(summary["total-data-files"] ?? 0);
  if (manifests > 0 || !(files > 0)) return;
  throw new StreamlabError(
    "corrupt",
    `Cannot read the manifest list ${uri}: it is empty, and snapshot ${snapshotId} has ${counted(files, "data file")}`,
  );
}

function keep<Value>(cache: Map<string, Promise<Value>>, key: string, max: number, value: Promise<Value>): void {
  cache.set(key, value);
  // A failure is not kept: the next reader tries again.
  value.catch(() => cache.delete(key));
  if (cache.size > max) cache.delete(cache.keys().next().value!);
}
