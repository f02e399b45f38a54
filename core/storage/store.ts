/** What a listing skips, and what it reports. */
export interface ListOptions {
  /** Paths up to this one are left out. */
  after?: string;
  /** Called with entries that no path leads to. */
  onPassedOver?: (entry: PassedOver) => void;
}

/** An entry that no path leads to, or a local folder that may not be listed. */
export interface PassedOver {
  /** As far as it can be shown. */
  path: string;
  /** Why no path can lead to it. */
  why: "its name is not UTF-8" | "its key is no path" | "it may not be read" | "links lead to each other";
  /** Whether files may be below it. */
  isFolder: boolean;
}

/**
 * Bytes under names. A store is a root (a folder, a bucket with a prefix) and the files below it.
 *
 * Paths are relative to the root, parts joined by `/`, never percent-encoded, never empty, without
 * empty, `.` or `..` parts (anything else is refused with `usage`). Folders are not things: they
 * come with the files in them, and an empty one may stay.
 *
 * Contract, the same for every implementation (`tests/storage/conformance.ts` runs it):
 * - A write that returned is durable, and visible to every later read and list (strong
 *   consistency).
 * - A file is seen whole or not at all, never half-written.
 * - `create` is the only operation with a condition, and the only one a commit may rest on.
 * - Errors are `StreamlabError`: `not-found` for a missing file, `conflict` for a failed condition,
 *   `unavailable` for what the outside refused. `unavailable` after a write means unknown: it may
 *   or may not have happened, or may still happen.
 */
export interface Store {
  /**
   * Where the root is, for people and for metadata: an absolute path on disk (`/data/lake`), or
   * `s3://bucket/prefix`. No trailing slash.
   */
  readonly root: string;
  /** What is behind it. */
  readonly kind: "local" | "s3";

  /**
   * Whether the root is there: the folder, or the bucket (a prefix always is). Listing a missing
   * root yields nothing, provided it could be created.
   */
  rootExists(): Promise<boolean>;

  /** The whole file. `bytesMax`: fails with `corrupt`, and reads nothing, where it is larger. */
  read(path: string, options?: ReadOptions & { bytesMax?: number }): Promise<Uint8Array>;
  /**
   * Bytes [offset, offset + length); a negative offset counts from the end. Shorter where the file
   * ends.
   */
  readRange(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array>;
  /**
   * Copies the file to local scratch, for a program that reads only there. On failure nothing is
   * left at `localPath`. Not made durable.
   */
  getFile(path: string, localPath: string, options?: GetFileOptions): Promise<void>;
  /** Undefined when there is no such file. */
  stat(path: string): Promise<FileInfo | undefined>;
  /**
   * Every file whose path starts with `prefix` (any string, not just whole parts), in ascending
   * order of the UTF-8 bytes of the path. Files whose writing has not finished are not listed.
   * `after` skips all paths up to and including it. Every store has the path cheaply; `info` has
   * size, etag and time if the listing knows them (S3), else `stat` does. `onPassedOver` gets
   * entries that cannot be named or reached; without it one that cannot be named fails the listing
   * with `corrupt`, and one that may not be read with `unavailable`.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedFile>;

  /** Writes the file, replacing it if it exists. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * Writes the file only if there is none, never overwrites, whatever races. True: it is ours.
   * False: there was one already, and that one is durable. `unavailable`: unknown (a time-out, a
   * cut connection, S3's 409). It is never retried below this interface, because a retry after
   * one's own success looks like another writer's. But a network may deliver a request twice, so
   * callers that must know read the file back after anything but true.
   */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
  /**
   * Moves a finished file from local scratch to `path` (rename or upload) and makes it durable.
   * Replaces.
   */
  putFile(path: string, localPath: string): Promise<void>;
  /**
   * Copies the version `etag` of a file to `to`, if nothing is there, and makes it durable; fails
   * with `conflict` where the file is another by now. False: there was something already. On a disk
   * the copy has the same etag. For names that are given to one content only: on S3 two at once may
   * both be true.
   */
  copy(path: string, to: string, etag: string): Promise<boolean>;
  /**
   * Removes files; a missing one is no error. Only `deletion.ts` calls it, which decides what is
   * ours to delete.
   */
  deletePaths(paths: string[]): Promise<void>;

  /**
   * Leftovers of dead writers below `prefix` that no listing shows: temporary files, unfinished
   * uploads. Writes in flight look the same, so only old ones are garbage.
   */
  listUnfinished(prefix: string): AsyncIterable<UnfinishedWrite>;
  /** Removes them; one that is gone is no error. */
  discardUnfinished(writes: UnfinishedWrite[]): Promise<void>;

  /**
   * The path in the local file system, if any: other programs may read and write there directly.
   */
  localPath(path: string): string | undefined;
  /**
   * What another program of this machine needs to read the objects itself, if there is no
   * `localPath`.
   */
  objectAccess?(): Promise<ObjectAccess>;
  /**
   * Proves that `create` is really conditional: creates a file below `folder` twice; throws
   * `unavailable` with a hint when the second one did not fail. Removes what it made.
   */
  probe(folder: string): Promise<void>;
}

/**
 * How to reach a store's objects, whose URIs are its root, a slash and the path. Contains secrets:
 * never print it.
 */
export interface ObjectAccess {
  /** URL of the service; undefined is AWS itself. */
  endpoint?: string;
  /** Of the service. */
  region: string;
  /** The bucket stands in the path, not in the host's name. */
  forcePathStyle: boolean;
  /** The key's name. */
  accessKeyId: string;
  /** The key. */
  secretAccessKey: string;
  /** Of keys that expire. */
  sessionToken?: string;
  /** When they do, in milliseconds since 1970, where that is known. */
  expiresAtMs?: number;
  /** Certificates to trust, PEM. */
  ca?: string;
}

/** How a file is read. */
export interface ReadOptions {
  /** Fail with `conflict` if the file no longer has this version. */
  etag?: string;
}

/** How a file is copied to scratch. */
export interface GetFileOptions extends ReadOptions {
  /** Ends it with `interrupted`: one that comes over a network in the middle. */
  stop?: AbortSignal | undefined;
}

/** A file of a listing. */
export interface ListedFile {
  /** Below the store's root. */
  path: string;
  /** From the listing itself; undefined if only `stat` knows it (local disk). */
  info?: FileInfo;
}

/** A file as the store knows it. */
export interface FileInfo {
  /** Below the store's root. */
  path: string;
  /** Bytes. */
  size: number;
  /**
   * Changes whenever the content does. On disk: size and modification time; on S3 the ETag, without
   * quotes.
   */
  etag: string;
  /** By the store's own clock, milliseconds since 1970. */
  modifiedMs: number;
}

/** An upload that was begun and neither completed nor aborted. */
export interface UnfinishedWrite {
  /** Of the temporary file, or the one that the upload was to become. */
  path: string;
  /** By the store's own clock, milliseconds since 1970. */
  startedMs: number;
  /** Tells two uploads of one path apart; empty on disk. */
  uploadId: string;
}
