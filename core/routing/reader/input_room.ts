import { decompressBytes } from "../../disk/decompress.ts";
import { FilePartReader } from "../../disk/scratch.ts";
import type { PlacedText, ReaderInstance } from "./reader_instance.ts";
import type { ReadUnit } from "./reading.ts";
import { TextRoom } from "./text_room.ts";

/** The bytes of a file in the reader's memory, and where what stands before them starts. */
export interface Input extends PlacedText {
  start: number;
}

/** Puts parts of local files into the reader's memory. */
export class InputRoom {
  readonly #reader: ReaderInstance;
  readonly #room: TextRoom;
  readonly #files = new FilePartReader();

  constructor(reader: ReaderInstance) {
    this.#reader = reader;
    this.#room = new TextRoom(reader);
  }

  /** Fewer bytes where the file ends. `before` and `after` are ASCII to stand around them. */
  read(path: string, offset: number, size: number, before = "", after = ""): Input {
    const start = this.#room.reserve(before.length + size + after.length);
    const { bytes } = this.#reader;
    const at = start + before.length;
    const length = this.#files.readInto(path, offset, bytes.subarray(at, at + size));
    for (let i = 0; i < before.length; i++) bytes[start + i] = before.charCodeAt(i);
    for (let i = 0; i < after.length; i++) bytes[at + length + i] = after.charCodeAt(i);
    return { start, at, length };
  }

  /**
   * What a packed file holds; undefined where that is more than `sizeMax` bytes, or takes another
   * way to unpack.
   */
  unpack({ path, offset, size, packed }: ReadUnit, sizeMax: number): Input | undefined {
    const text = decompressBytes(this.#files.read(path, offset, size), packed!, sizeMax);
    if (text === undefined) return undefined;
    const start = this.#room.reserve(text.length);
    this.#reader.bytes.set(text, start);
    return { start, at: start, length: text.length };
  }

  /** What was read last is of no use any more. */
  settle(): void {
    this.#room.settle();
  }

  close(): void {
    this.#room.release();
    this.#files.close();
  }
}
