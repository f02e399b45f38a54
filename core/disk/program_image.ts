/**
 * A part of a compiled program between the image of its runtime and what this reads at each start.
 * There it takes neither time nor memory until it is needed. Only of ELF files (System V ABI,
 * "Object Files"): their sections' table is their end.
 */
import { readAtSync } from "./file_bytes.ts";

export const IMAGE_HEADER_BYTES = 64;
const ELF_64_LITTLE_ENDIAN = "\x7fELF\x02\x01";
/** Little-endian, as all that an image says. */
const LENGTH_BYTES = 8;

/** Where an image ends, by its first bytes; undefined where it is of another kind. */
export function imageEnd(header: Uint8Array): number | undefined {
  if (header.length < IMAGE_HEADER_BYTES) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (String.fromCharCode(...header.subarray(0, 6)) !== ELF_64_LITTLE_ENDIAN) return undefined;
  const tableAt = Number(view.getBigUint64(0x28, true));
  return tableAt + view.getUint16(0x3A, true) * view.getUint16(0x3C, true);
}

/** The part of the program at that path, which the build has put there behind its length. */
export function readInsertedPart(program: string): Uint8Array {
  using file = Deno.openSync(program);
  const read = (offset: number, length: number) => {
    const bytes = readAtSync(file, offset, length);
    if (bytes.length < length) throw new Error(`${program} is not laid out as it was built`);
    return bytes;
  };
  const end = imageEnd(read(0, IMAGE_HEADER_BYTES)) ?? Infinity;
  const { size } = file.statSync();
  const length = end < size ? Number(new DataView(read(end, LENGTH_BYTES).buffer).getBigUint64(0, true)) : Infinity;
  // What is there is a length only where the build has put one there.
  if (length > size) throw new Error(`${program} is not laid out as it was built`);
  return read(end + LENGTH_BYTES, length);
}
