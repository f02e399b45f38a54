import { mapParallel } from "../../../base/parallel.ts";
import { openToRead, readAt } from "../../../disk/file_bytes.ts";
import { CompactReader } from "./compact_reader.ts";
import { footerOf } from "./parquet_chunks.ts";

/** Of a file's end: most footers are smaller. */
const END_BYTES = 16_384;
/** What stands around a footer: a magic number before it, its length and another one behind it. */
const AROUND_BYTES = 12, LENGTH_FROM_END = 8;
/** A field of FileMetaData. */
const SCHEMA = 2;
const PARALLEL = 8;

/**
 * The local files of each schema, as their footers write it down, byte by byte: files of one writer
 * and one table mostly have the same, so that one tells of all. A file whose footer is not
 * understood, or is not there, has one of its own.
 */
export async function pathsBySchema(paths: readonly string[]): Promise<string[][]> {
  const prints = await mapParallel(paths, PARALLEL, schemaPrint);
  return [...Map.groupBy(paths, (path, index) => prints[index] ?? `no print: ${path}`).values()];
}

async function schemaPrint(path: string): Promise<string | undefined> {
  const file = await openToRead(path);
  if (file === undefined) return undefined;
  try {
    const footer = await readFooter(file);
    const schema = new CompactReader(footer).fields().find(({ id }) => id === SCHEMA);
    return schema && new TextDecoder("latin1").decode(footer.subarray(schema.start, schema.end));
  } catch {
    // Whoever reads the file itself tells what is wrong with it.
    return undefined;
  } finally {
    file.close();
  }
}

async function readFooter(file: Deno.FsFile): Promise<Uint8Array> {
  const { size } = await file.stat();
  const end = await readAt(file, Math.max(0, size - END_BYTES), END_BYTES);
  const length = new DataView(end.buffer).getUint32(end.length - LENGTH_FROM_END, true) + AROUND_BYTES;
  return footerOf(length <= end.length ? end : await readAt(file, Math.max(0, size - length), length));
}
