import { JsonArrayScan } from "../json/array_scan.ts";
import { NdjsonLines } from "../json/lines.ts";
import { createFileSync, FilePartReader, readFilePart, writeFileSync } from "../disk/scratch.ts";
import type { CountedFile, LocalRawFile } from "./record_sql.ts";

/** Written at once. */
const PACK_BLOCK_BYTES = 1 << 20;
const OPENING = 0x5b, CLOSING = 0x5d, COMMA = 0x2c;

/**
 * Writes the records of JSON arrays, or of lines that `countJsonLines` has counted, as one array,
 * byte for byte, in the order of the files; no file may be empty. SQL cannot read files in a spool,
 * and it reads one file faster than thousands.
 */
export function packRecords(files: readonly CountedFile[], path: string): void {
  const pack = createFileSync(path);
  const reader = new FilePartReader();
  const block = new Uint8Array(PACK_BLOCK_BYTES);
  let filled = 0;
  const flush = () => {
    writeFileSync(pack, path, block.subarray(0, filled));
    filled = 0;
  };
  const put = (bytes: Uint8Array) => {
    if (filled + bytes.length > block.length) flush();
    if (bytes.length > block.length) return writeFileSync(pack, path, bytes);
    block.set(bytes, filled);
    filled += bytes.length;
  };
  try {
    const comma = new Uint8Array([COMMA]);
    put(new Uint8Array([OPENING]));
    files.forEach((file, index) => {
      const bytes = reader.read(file.path, file.offset ?? 0, file.size);
      if (index > 0) put(comma);
      if (file.format === "json") return put(bytes.subarray(bytes.indexOf(OPENING) + 1, bytes.lastIndexOf(CLOSING)));
      eachLine(bytes, (line, position) => {
        if (position > 0) put(comma);
        put(line);
      });
    });
    put(new Uint8Array([CLOSING]));
    flush();
  } finally {
    reader.close();
    pack.close();
  }
}

/**
 * How many lines a text has, where each of them is JSON, strictly, so that all may stand in an
 * array; else undefined.
 */
export function countJsonLines(text: Uint8Array): number | undefined {
  const [opening, closing] = [new Uint8Array([OPENING]), new Uint8Array([CLOSING])];
  let isJson = true;
  const count = eachLine(text, (line) => {
    if (!isJson) return;
    const scan = new JsonArrayScan();
    for (const part of [opening, line, closing]) scan.push(part);
    const verdict = scan.end();
    isJson = verdict.kind === "ok" && verdict.records === 1;
  });
  return isJson ? count : undefined;
}

function eachLine(text: Uint8Array, onLine: (line: Uint8Array, position: number) => void): number {
  const lines = new NdjsonLines(onLine);
  lines.push(text);
  return lines.end();
}

/** Takes a file out of its spool, into one of its own. */
export function unspool<F extends LocalRawFile>(file: F, path: string): F {
  if (file.offset === undefined) return file;
  const own = createFileSync(path);
  try {
    writeFileSync(own, path, readFilePart(file.path, file.size, file.offset));
  } finally {
    own.close();
  }
  const { offset: _spooled, ...rest } = file;
  return { ...rest, path } as F;
}
