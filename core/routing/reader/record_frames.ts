import type { ValuePlace } from "../../json/element_places.ts";
import type { RandomBytes } from "../../json/value_split.ts";
import { prependMembers } from "../path_columns.ts";
import { OVERRUN, type ReaderInstance } from "./reader_instance.ts";
import { TextRoom } from "./text_room.ts";

const ROOM_BYTES = 1 << 20;
/** Length and position, as `scanFrames` reads them. */
const HEAD_BYTES = 8;

/** Records that lie apart in a file, gathered in the reader's memory to be scanned at once. */
export class RecordFrames {
  readonly #room: TextRoom;
  readonly #reader: ReaderInstance;
  #length = 0;

  constructor(reader: ReaderInstance) {
    this.#reader = reader;
    this.#room = new TextRoom(reader);
  }

  /** Whether an empty room takes a record of so many bytes. */
  static takes(size: number): boolean {
    return HEAD_BYTES + size <= ROOM_BYTES - OVERRUN;
  }

  hasRoomFor(size: number): boolean {
    return RecordFrames.takes(this.#length + size);
  }

  /** `members` come before its own, if it is an object. */
  add(bytes: RandomBytes, { from, to }: ValuePlace, position: number, members: Uint8Array): void {
    const start = this.#room.reserve(ROOM_BYTES - OVERRUN) + this.#length;
    const memory = this.#reader.bytes;
    const read = start + HEAD_BYTES + (members.length === 0 ? 0 : members.length + 1);
    bytes.readInto(from, memory.subarray(read, read + to - from));
    const at = prependMembers(memory, read, members), end = read + to - from;
    if (at > start + HEAD_BYTES) memory.copyWithin(start + HEAD_BYTES, at, end);
    const length = end - at;
    const head = new DataView(memory.buffer, memory.byteOffset + start, HEAD_BYTES);
    head.setUint32(0, length, true);
    head.setUint32(4, position, true);
    this.#length += HEAD_BYTES + length;
  }

  /** What has been added since the last time; undefined if that is nothing. */
  take(): { at: number; length: number } | undefined {
    const length = this.#length;
    if (length === 0) return undefined;
    this.#length = 0;
    return { at: this.#room.reserve(ROOM_BYTES - OVERRUN), length };
  }

  close(): void {
    this.#room.release();
  }
}
