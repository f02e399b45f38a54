/**
 * Avro's variable-length zig-zag integers and maps of bytes (Avro specification 1.11, "Binary
 * Encoding"), as file headers need them.
 */
import { joinBytes } from "../base/join_bytes.ts";

const textEncoder = new TextEncoder(), textDecoder = new TextDecoder();

export function writeLong(value: number): Uint8Array {
  const bytes: number[] = [];
  // Shifts would cut at 32 bits. Exact within 2^52.
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  while (rest > 0x7f) {
    bytes.push(rest % 0x80 | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

export function readLongAt(bytes: Uint8Array, start: number): { value: number; end: number } {
  let raw = 0n, shift = 0n, at = start;
  for (;;) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 63n) throw new Error("an integer does not end");
    raw |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
    shift += 7n;
  }
  return { value: Number((raw >> 1n) ^ -(raw & 1n)), end: at };
}

export function writeBytesMap(entries: Record<string, Uint8Array>): Uint8Array {
  const keys = Object.keys(entries);
  const parts = keys.length > 0 ? [writeLong(keys.length)] : [];
  for (const key of keys) {
    for (const bytes of [textEncoder.encode(key), entries[key]!]) parts.push(writeLong(bytes.length), bytes);
  }
  return joinBytes([...parts, writeLong(0)]);
}

export function readBytesMap(bytes: Uint8Array, start: number): { entries: Map<string, Uint8Array>; end: number } {
  const entries = new Map<string, Uint8Array>();
  let at = start;
  const take = () => {
    const length = readLongAt(bytes, at);
    at = length.end + length.value;
    if (length.value < 0 || at > bytes.length) throw new Error("its header does not end");
    return bytes.subarray(length.end, at);
  };
  for (;;) {
    const block = readLongAt(bytes, at);
    at = block.end;
    if (block.value === 0) return { entries, end: at };
    // A negative count is followed by the block's size in bytes.
    if (block.value < 0) at = readLongAt(bytes, at).end;
    for (let i = 0; i < Math.abs(block.value); i++) entries.set(textDecoder.decode(take()), take());
  }
}
