/** Writes all of the bytes: a single write may take some of them only. */
export async function writeAll(file: { write(bytes: Uint8Array): Promise<number> }, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) offset += await file.write(bytes.subarray(offset));
}

/** Writes all of the bytes: a single write may take some of them only. */
export function writeAllSync(file: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) offset += file.writeSync(bytes.subarray(offset));
}

/** Undefined for a file that cannot be opened. */
export async function openToRead(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path);
  } catch {
    return undefined;
  }
}

/** `length` bytes of an open file from `offset` on, fewer where it ends. */
export async function readAt(file: Deno.FsFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await file.seek(offset, Deno.SeekMode.Start);
  let filled = 0;
  for (let count: number | null; filled < length && (count = await file.read(bytes.subarray(filled))) !== null;) {
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** `length` bytes of an open file from `offset` on, fewer where it ends. */
export function readAtSync(file: Deno.FsFile, offset: number, length: number): Uint8Array {
  file.seekSync(offset, Deno.SeekMode.Start);
  return readOnSync(file, length);
}

/** `length` bytes from where an open file is, fewer where it ends. */
export function readOnSync(file: Deno.FsFile, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let filled = 0;
  for (let count: number | null; filled < length && (count = file.readSync(bytes.subarray(filled))) !== null;) {
    filled += count;
  }
  return bytes.subarray(0, filled);
}
