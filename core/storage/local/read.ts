import { StreamlabError } from "../../base/errors.ts";
import { isMissing, localError } from "../../disk/disk_error.ts";
import { readAt, readAtSync, readOnSync } from "../../disk/file_bytes.ts";
import type { FileInfo, ReadOptions } from "../store.ts";

/** Undefined where there is no file; a folder is none. */
export async function statFile(path: string, file: string): Promise<FileInfo | undefined> {
  try {
    return fileInfo(path, await Deno.stat(file));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw localError("look at", file, error);
  }
}

/** `statFile` in place; a missing file is an error of the system. */
export function statFileSync(path: string, file: string): FileInfo | undefined {
  return fileInfo(path, Deno.statSync(file));
}

function fileInfo(path: string, { isFile, size, mtime }: Deno.FileInfo): FileInfo | undefined {
  return isFile ? { path, size, etag: etagOf(size, mtime), modifiedMs: mtime?.getTime() ?? 0 } : undefined;
}

/** Up to `length` bytes from `offset` on, in place and of any version; errors are the system's. */
export function readRangeSync(place: string, offset: number, length: number): Uint8Array {
  using file = Deno.openSync(place);
  const { isFile, size } = file.statSync();
  if (!isFile) throw new StreamlabError("not-found", `Cannot read "${place}": it is a folder, not a file`);
  const start = startOf(offset, size);
  const wanted = Math.max(0, Math.min(length, size - start));
  return start === 0 ? readOnSync(file, wanted) : readAtSync(file, start, wanted);
}

/** A negative offset counts from the end. */
export function startOf(offset: number, size: number): number {
  return offset < 0 ? Math.max(0, size + offset) : offset;
}

/**
 * Size and modification time, which survive copying and moving the lake as inode numbers do not. In
 * milliseconds, for Deno (2.9) tells no finer; so a file replaced by one of equal size within the
 * same millisecond looks unchanged.
 */
function etagOf(size: number, modified: Date | null): string {
  return `${size}-${modified?.getTime() ?? 0}`;
}

/** A file open for reading, checked against the version that the caller knows. */
export class LocalReader {
  readonly #file: Deno.FsFile;
  readonly #place: string;
  readonly #etag: string | undefined;
  readonly size: number;

  private constructor(file: Deno.FsFile, place: string, size: number, etag: string | undefined) {
    this.#file = file;
    this.#place = place;
    this.size = size;
    this.#etag = etag;
  }

  static async open(place: string, options: ReadOptions): Promise<LocalReader> {
    const file = await Deno.open(place);
    try {
      const info = await file.stat();
      if (!info.isFile) throw new StreamlabError("not-found", `Cannot read "${place}": it is a folder, not a file`);
      const reader = new LocalReader(file, place, info.size, options.etag);
      await reader.checkUnchanged();
      return reader;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Fails with `conflict` when the caller named a version and the file is not that one (any more).
   */
  async checkUnchanged(): Promise<void> {
    if (this.#etag === undefined) return;
    const { size, mtime } = await this.#file.stat();
    if (etagOf(size, mtime) === this.#etag) return;
    throw new StreamlabError("conflict", `Cannot read "${this.#place}": it has changed since it was listed`);
  }

  /** Up to `length` bytes from `offset` on, fewer where the file ends. */
  async bytes(offset: number, length: number): Promise<Uint8Array> {
    const left = Math.max(0, Math.min(length, this.size - offset));
    if (left === 0) return new Uint8Array();
    const bytes = await readAt(this.#file, offset, left);
    await this.checkUnchanged();
    return bytes;
  }

  close(): void {
    this.#file.close();
  }
}
