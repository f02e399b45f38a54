import { StreamlabError } from "../../base/errors.ts";
import { isMissing, localError } from "../../disk/disk_error.ts";
import type { FileInfo, ReadOptions } from "../store.ts";

const PIECE_BYTES = 256 * 1024;

/** Undefined where there is no file; a folder is none. */
export async function statFile(path: string, file: string): Promise<FileInfo | undefined> {
  try {
    const { isFile, size, mtime } = await Deno.stat(file);
    return isFile ? { path, size, etag: etagOf(size, mtime), modifiedMs: mtime?.getTime() ?? 0 } : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw localError("look at", file, error);
  }
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
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    if (bytes.length === 0) return bytes;
    await this.#file.seek(offset, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < bytes.length) {
      const count = await this.#file.read(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    await this.checkUnchanged();
    return bytes.subarray(0, filled);
  }

  /** The next piece, or undefined at the end; checks there that the whole was of one version. */
  async nextPiece(): Promise<Uint8Array | undefined> {
    const piece = new Uint8Array(PIECE_BYTES);
    const count = await this.#file.read(piece);
    if (count !== null) return piece.subarray(0, count);
    await this.checkUnchanged();
    return undefined;
  }

  close(): void {
    this.#file.close();
  }
}

/** The file in pieces; closes it at the end, on an error and when the caller cancels. */
export function streamOf(reader: LocalReader, place: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      try {
        const piece = await reader.nextPiece();
        if (piece !== undefined) return controller.enqueue(piece);
        reader.close();
        controller.close();
      } catch (error) {
        reader.close();
        throw localError("read", place, error);
      }
    },
    cancel: () => reader.close(),
  }, { highWaterMark: 0 });
}
