import { readFileBlocks, readFilePart, type Scratch, writeFileBlocks } from "../disk/scratch.ts";
import { type ParquetFooter, readParquetFooter } from "./parquet_footer.ts";

/** A copy of a Parquet file from which DuckDB reads what the file holds. */
export interface PlainParquet {
  path: string;
  /** What its columns are called in the file itself, where that is something else. */
  names: ReadonlyMap<string, string>;
}

/** The length of the footer, in four bytes, and the magic number. */
const TAIL_BYTES = 8;
/** A longer footer is left to DuckDB; that of ten thousand columns is shorter. */
const FOOTER_BYTES_MAX = 64 << 20;

interface ParquetFile {
  number: number;
  path: string;
  size: number;
}

/**
 * A plain copy, in `scratch`, of a Parquet file that needs one. Or a fault of the file that DuckDB
 * would not report.
 */
export async function plainParquet(
  file: ParquetFile,
  scratch: Scratch,
): Promise<{ plain?: PlainParquet; detail?: string }> {
  const pagesEnd = footerStart(file);
  if (pagesEnd === undefined) return {};
  const footer = readParquetFooter(readFilePart(file.path, file.size - TAIL_BYTES - pagesEnd, pagesEnd));
  if (footer?.unreadable !== undefined) return { detail: `not a Parquet file that can be read: ${footer.unreadable}` };
  if (footer?.plain === undefined) return {};
  const path = scratch.path(`plain-${file.number}.parquet`);
  await writeFileBlocks(path, plainBlocks(file, pagesEnd, footer.plain));
  return { plain: { path, names: footer.names } };
}

function footerStart({ path, size }: ParquetFile): number | undefined {
  if (size < TAIL_BYTES) return undefined;
  const tail = readFilePart(path, TAIL_BYTES, size - TAIL_BYTES);
  if (tail.length < TAIL_BYTES || new TextDecoder().decode(tail.subarray(4)) !== "PAR1") return undefined;
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  return length > Math.min(FOOTER_BYTES_MAX, size - TAIL_BYTES) ? undefined : size - TAIL_BYTES - length;
}

async function* plainBlocks(
  { path }: ParquetFile,
  pagesEnd: number,
  footer: NonNullable<ParquetFooter["plain"]>,
): AsyncGenerator<Uint8Array> {
  yield* readFileBlocks(path, 0, pagesEnd);
  yield footer;
  const tail = new Uint8Array(TAIL_BYTES);
  new DataView(tail.buffer).setUint32(0, footer.length, true);
  tail.set(new TextEncoder().encode("PAR1"), 4);
  yield tail;
}
