import { createFileSync, openToAppendSync, writeFileSync } from "./scratch.ts";

/** Written at once when so many bytes are waiting. */
const WAITING_BYTES_MAX = 1 << 20;
/** Written by a call of their own: to copy them would take longer. */
const ALONE_BYTES = 1 << 16;

/**
 * Makes a local file, adding to its end. It is made when the first bytes are written, so a small
 * file is written by one call, and its handle may be given back for a while.
 */
export class FileAppender {
  readonly path: string;
  #file: Deno.FsFile | undefined;
  #isMade = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #size = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Bytes that were appended. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that are not written yet. */
  get waiting(): number {
    return this.#waitingBytes;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** The bytes must not change until the next `flush`. */
  append(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#size += bytes.length;
    if (this.#waitingBytes >= WAITING_BYTES_MAX) this.flush();
  }

  /** Makes one piece of what is waiting: many small ones take several times their bytes. */
  gather(): void {
    if (this.#waiting.length > 1) this.#waiting = [joined(this.#waiting, this.#waitingBytes)];
  }

  /** Writes what is waiting. Fails with `unavailable` (disk full, say). */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const pieces = inPieces(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#file ??= this.#isMade ? openToAppendSync(this.path) : createFileSync(this.path);
    this.#isMade = true;
    for (const piece of pieces) writeFileSync(this.#file, this.path, piece);
  }

  /** Writes what is waiting and gives the handle back; more may be appended. */
  close(): void {
    try {
      this.flush();
    } finally {
      this.#file?.close();
      this.#file = undefined;
    }
  }

  /** Closes it as it is, where it is of no use any more: what is waiting is not written. */
  abandon(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#file?.close();
    this.#file = undefined;
  }
}

/** The same bytes in their order: large parts as they are, and between them small ones joined. */
function inPieces(parts: readonly Uint8Array[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let small: Uint8Array[] = [], smallBytes = 0;
  const joinSmall = () => {
    if (small.length > 0) pieces.push(joined(small, smallBytes));
    small = [];
    smallBytes = 0;
  };
  for (const part of parts) {
    if (part.length >= ALONE_BYTES) {
      joinSmall();
      pieces.push(part);
    } else {
      small.push(part);
      smallBytes += part.length;
    }
  }
  joinSmall();
  return pieces;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
