import { TextLineStream } from "@std/streams/text-line-stream";
import { messageOf, StreamlabError } from "../base/errors.ts";
import { readAtSync, writeAll, writeAllSync } from "./file_bytes.ts";
import { removeTree } from "./removal.ts";

/** A local folder for one attempt; its content is worthless once the attempt has ended. */
export class Scratch {
  readonly folder: string;
  #named = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Creates the folder, which must not exist. */
  static create(folder: string): Scratch {
    makeFolder(folder);
    return new Scratch(folder);
  }

  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** A path that was not given before, whoever asks: `newPath("copy", ".parquet")`. */
  newPath(begin: string, end: string): string {
    return this.path(`${begin}-${this.#named++}${end}`);
  }

  /** A folder below it, created if missing. */
  subfolder(name: string): string {
    const path = this.path(name);
    makeFolder(path);
    return path;
  }

  /** Links a file from elsewhere into it; returns the path. */
  link(name: string, file: string): string {
    const link = this.path(name);
    try {
      Deno.symlinkSync(file, link);
    } catch (cause) {
      throw scratchError(`Cannot make the link ${link}`, cause);
    }
    return link;
  }

  /** Removes a file that is no longer needed; a missing one is no error. */
  removeFile(path: string): void {
    removeTree(path);
  }

  remove(): void {
    removeTree(this.folder);
  }
}

function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw scratchError(`Cannot make the scratch folder ${folder}`, cause);
  }
}

/** Makes a local file, to be written. Fails with `unavailable` (disk full, say). */
export function createFileSync(path: string, mode?: number): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, createNew: true, mode });
  } catch (cause) {
    throw scratchError(`Cannot make ${path}`, cause);
  }
}

function openToReplaceSync(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, create: true, truncate: true });
  } catch (cause) {
    throw scratchError(`Cannot make ${path}`, cause);
  }
}

/** Opens a local file to write more at its end. Fails with `unavailable`. */
export function openToAppendSync(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { append: true });
  } catch (cause) {
    throw scratchError(`Cannot open ${path}`, cause);
  }
}

/**
 * Writes all of the bytes to an open file; `path` is for the message. Fails with `unavailable`
 * (disk full, say).
 */
export function writeFileSync(file: Deno.FsFile, path: string, bytes: Uint8Array): void {
  try {
    writeAllSync(file, bytes);
  } catch (cause) {
    throw scratchError(`Cannot write ${path}`, cause);
  }
}

/** Appends text to a local file, through a buffer. */
export class TextFileWriter {
  readonly #file: Deno.FsFile;
  #parts: string[] = [];
  #length = 0;
  readonly #encoder = new TextEncoder();
  readonly path: string;

  constructor(path: string) {
    this.path = path;

    this.#file = openToReplaceSync(path);
  }

  write(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
    if (this.#length >= 1 << 20) this.flush();
  }

  writeBytes(bytes: Uint8Array): void {
    this.flush();
    writeFileSync(this.#file, this.path, bytes);
  }

  /** Writes what is buffered; the file stays open. Fails with `unavailable` (disk full, say). */
  flush(): void {
    const bytes = this.#encoder.encode(this.#parts.join(""));
    this.#parts = [];
    this.#length = 0;
    writeFileSync(this.#file, this.path, bytes);
  }

  close(): void {
    try {
      this.flush();
    } finally {
      this.#file.close();
    }
  }
}

const BLOCK_BYTES = 1 << 20;
/** Small enough to stay in the processor's cache between reading and looking. */
const VISITED_BYTES = 1 << 18;

/** Bytes of a local file. */
export function fileSize(path: string): number {
  return Deno.statSync(path).size;
}

/** Up to `length` bytes of a local file from `offset` on, fewer where it ends. */
export function readFilePart(path: string, length: number, offset = 0): Uint8Array {
  const reader = new FilePartReader();
  try {
    return reader.read(path, offset, length);
  } finally {
    reader.close();
  }
}

/** A local file in pieces, or its bytes from `start` up to `end`. */
export async function* readFileBlocks(path: string, start = 0, end = Infinity): AsyncGenerator<Uint8Array> {
  const file = await Deno.open(path, { read: true });
  try {
    if (start > 0) await file.seek(start, Deno.SeekMode.Start);
    for (let left = end - start; left > 0;) {
      const block = new Uint8Array(Math.min(BLOCK_BYTES, left));
      const count = await file.read(block);
      if (count === null) return;
      left -= count;
      yield block.subarray(0, count);
    }
  } finally {
    file.close();
  }
}

/**
 * Reads parts of local files one after another. The file that was read last stays open: many parts
 * may lie in one.
 */
export class FilePartReader {
  #buffer: Uint8Array | undefined;
  #path: string | undefined;
  #file: Deno.FsFile | undefined;
  /** Where the open file is read on; undefined where that is not known. */
  #position: number | undefined;

  /** A copy of `size` bytes from `offset` on, fewer where the file ends. */
  read(path: string, offset: number, size: number): Uint8Array {
    const file = this.#open(path);
    this.#position = undefined;
    return readAtSync(file, offset, size);
  }

  /** Fills a buffer from `offset` on; how many bytes there were: fewer where the file ends. */
  readInto(path: string, offset: number, target: Uint8Array): number {
    const file = this.#open(path);
    // Of many small files each is read once, from its start.
    if (this.#position !== offset) file.seekSync(offset, Deno.SeekMode.Start);
    this.#position = undefined;
    let filled = 0;
    while (filled < target.length) {
      const count = file.readSync(target.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    this.#position = offset + filled;
    return filled;
  }

  /**
   * Looks at `size` bytes from `offset` on piece by piece, until `visit` returns false. A piece is
   * only valid during the call.
   */
  visit(path: string, offset: number, size: number, visit: (block: Uint8Array) => boolean): void {
    const file = this.#open(path);
    this.#position = undefined;
    file.seekSync(offset, Deno.SeekMode.Start);
    const buffer = this.#buffer ??= new Uint8Array(VISITED_BYTES);
    for (let left = size; left > 0;) {
      const count = file.readSync(buffer.subarray(0, Math.min(left, VISITED_BYTES)));
      if (count === null || !visit(buffer.subarray(0, count))) return;
      left -= count;
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#path = undefined;
  }

  #open(path: string): Deno.FsFile {
    if (this.#file !== undefined && this.#path === path) return this.#file;
    this.close();
    this.#file = Deno.openSync(path, { read: true });
    this.#path = path;
    this.#position = 0;
    return this.#file;
  }
}

/** The lines of a local text file, without their ends. */
export function readFileLines(path: string): ReadableStream<string> {
  const lines: TransformStream<string, string> = new TextLineStream();
  return ReadableStream.from(readFileBlocks(path)).pipeThrough(new TextDecoderStream()).pipeThrough(lines);
}

/** Writes pieces to a local file; the number of bytes. */
export async function writeFileBlocks(path: string, blocks: AsyncIterable<Uint8Array>): Promise<number> {
  let total = 0;
  const file = openToReplaceSync(path);
  try {
    for await (const block of blocks) {
      await writeAll(file, block);
      total += block.length;
    }
    return total;
  } catch (cause) {
    if (cause instanceof StreamlabError) throw cause;
    throw isDiskError(cause) ? scratchError(`Cannot write ${path}`, cause) : cause;
  } finally {
    file.close();
  }
}

/** `not-found` is about the source of the pieces. */
function isDiskError(error: unknown): boolean {
  return error instanceof Error && !(error instanceof Deno.errors.NotFound) &&
    /os error|ENOSPC|EIO/.test(error.message);
}

function scratchError(action: string, cause: unknown): StreamlabError {
  const full = /ENOSPC|No space left|os error 28/.test(messageOf(cause));
  return new StreamlabError("unavailable", `${action}: ${full ? "no space left on the disk" : messageOf(cause)}`, {
    hint: full
      ? "Free space there, or, if that is not in a lake, name another folder with TMPDIR; nothing was lost"
      : undefined,
    cause,
  });
}
