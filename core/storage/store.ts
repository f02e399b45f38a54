/**
 * Bytes under names. A store is a root (a folder, a bucket with a prefix) and the files below it.
 *
 * Paths are relative to the root, parts joined by `/`, never percent-encoded, never empty, without `.` or `..` parts.
 * Contract, the same for every implementation (`tests/storage/conformance.ts` runs it):
 * - A write that returned is durable, and visible to every later read and list (strong consistency).
 * - A file is seen whole or not at all, never half-written.
 * - `create` is the only operation with a condition, and the only one a commit may rest on.
 * - Errors are `StreamlabError`: `not-found` for a missing file, `conflict` for a failed condition, `unavailable` for what
 *   the outside refused. `unavailable` after a write means unknown: it may or may not have happened.
 */
export interface Store {
  /** Where the root is, for people and for metadata: an absolute path on disk (`/data/lake`), or `s3://bucket/prefix`. No trailing slash. */
  readonly root: string;
  readonly kind: "local" | "s3" | "simulated";

  /** The whole file. */
  read(path: string): Promise<Uint8Array>;
  /** Bytes [offset, offset + length); a negative offset counts from the end. Shorter where the file ends. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** The file in pieces, for what does not fit in memory. With `etag`, fails with `conflict` when the file is not that version. */
  readStream(path: string, options?: { etag?: string }): Promise<ReadableStream<Uint8Array>>;
  /** Undefined when there is no such file. */
  stat(path: string): Promise<FileInfo | undefined>;
  /**
   * Every file whose path starts with `prefix` (any string, not just whole parts), in ascending order of the UTF-8 bytes of the path.
   * Files whose writing has not finished are not listed. `after` skips all paths up to and including it.
   * `names` alone is what every store has cheaply; `info` holds size, etag and time where the listing knows them (S3), else `stat` asks.
   */
  list(prefix: string, options?: { after?: string }): AsyncIterable<ListedFile>;

  /** Writes the file, replacing it if it exists. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Writes the file only if there is none; false when there was one already. Never overwrites, whatever races. */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Moves a finished file from local scratch to `path` (rename or upload) and makes it durable. Replaces. */
  putFile(path: string, localPath: string): Promise<void>;
  /** Makes files durable that another program (DuckDB) wrote at `localPath(path)`. No-op where there is no `localPath`. */
  sync(paths: string[]): Promise<void>;
  /** Removes files; one that is not there is no error. */
  delete(paths: string[]): Promise<void>;

  /** The path in the local file system, where there is one: other programs may read and write there directly. */
  localPath(path: string): string | undefined;
  /**
   * Proves that `create` is really conditional: creates a file below `folder` twice; throws `unavailable` with a hint when the
   * second one did not fail. Removes what it made.
   */
  probe(folder: string): Promise<void>;
}

export interface ListedFile {
  path: string;
  /** What the listing itself told; undefined where only `stat` can (local disk). */
  info?: FileInfo;
}

export interface FileInfo {
  path: string;
  /** Bytes. */
  size: number;
  /** Changes whenever the content does. On disk: size and modification time in ns; on S3 the ETag, without quotes. */
  etag: string;
  /** By the store's own clock, milliseconds since 1970. */
  modifiedMs: number;
}
