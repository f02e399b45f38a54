/**
 * Whether the pages of a Parquet file are those that were written: by the checksum that each may
 * carry (parquet.thrift, PageHeader) and by what the footer says of them. DuckDB reads past
 * checksums, so what is to be copied is looked at here.
 */
import { crc32 } from "node:zlib";
import { isAllocationFailure } from "../../../base/allocation.ts";
import { localError } from "../../../disk/disk_error.ts";
import { openToRead, readAt } from "../../../disk/file_bytes.ts";
import { THRIFT } from "../../thrift_type.ts";
import { CompactReader, type ThriftField } from "./compact_reader.ts";
import { Struct } from "./parquet_chunks.ts";

/** A file, whole in memory or not. */
export interface PageSource {
  size: number;
  /** So many bytes from there on, fewer where the file ends. */
  read(at: number, length: number): Promise<Uint8Array> | Uint8Array;
}

/**
 * `unchecked`: pages without a checksum, or a file that is not understood, and nothing speaks
 * against it. `damaged`: `where` says what is.
 */
export type PageCheck = { state: "sound" | "unchecked" } | { state: "damaged"; where: string };

const MAGIC = "PAR1", MAGIC_LENGTH = 4;
/** The footer's length and the magic number. */
const TAIL_BYTES = 8;
/** Fields of FileMetaData, RowGroup, ColumnChunk, ColumnMetaData. */
const FILE = { rows: 3, groups: 4, createdBy: 6 } as const;
const GROUP = { columns: 1, rows: 3 } as const;
const CHUNK = { path: 1, metadata: 3 } as const;
const COLUMN = { values: 5, rawBytes: 6, storedBytes: 7, dataStart: 9, dictionaryStart: 11, pageKinds: 13 } as const;
/** Of PageEncodingStats. */
const KIND = { type: 1, encoding: 2 } as const;
/** Fields of PageHeader, and of the headers in it. */
const HEADER = { type: 1, rawBytes: 2, storedBytes: 3, crc: 4 } as const;
const VALUES = 1, ENCODING = 2, LEVEL_ENCODINGS = [3, 4] as const, RLE = 3;
/** Where the header of each kind of page is, by PageType. */
const PAGE_HEADERS: Record<number, number> = { 0: 5, 2: 7, 3: 8 };
const PAGE_TYPE = { data: 0, dictionary: 2 } as const;
/** Files of that writer have a checksum in every page, and add up. */
const OUR_WRITER = "streamlab version ";
/** What is read at once. */
const WINDOW_BYTES = 1 << 20;

/** Of a file on this disk. Undefined where it cannot be opened, which its reader will tell. */
export async function checkPagesAt(path: string): Promise<PageCheck | undefined> {
  const file = await openToRead(path);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    if (size <= WINDOW_BYTES) return await checkPages(pagesIn(await readAt(file, 0, size)));
    return await checkPages({ size, read: (at, length) => readAt(file, at, length) });
  } catch (error) {
    throw localError("read", path, error);
  } finally {
    file.close();
  }
}

export function pagesIn(bytes: Uint8Array): PageSource {
  return { size: bytes.length, read: (at, length) => bytes.subarray(at, at + length) };
}

export async function checkPages(source: PageSource): Promise<PageCheck> {
  let footer: Footer;
  try {
    footer = await readFooter(source);
  } catch (error) {
    return passed(error, { state: "unchecked" });
  }
  const window = new Window(source);
  let oddity: string | undefined;
  for (const chunk of footer.chunks) {
    try {
      const damaged = await damagedPage(window, chunk, footer.end);
      if (damaged !== undefined) {
        return { state: "damaged", where: `the checksum of the page at byte ${damaged} does not match` };
      }
    } catch (error) {
      oddity ??= passed(error, `the pages at byte ${chunk.start} are not as the footer says`);
    }
  }
  if (oddity === undefined && footer.addsUp) return { state: "sound" };
  if (!footer.isOurs) return { state: "unchecked" };
  return { state: "damaged", where: oddity ?? "its row groups have another number of rows than the file" };
}

interface Footer {
  chunks: Chunk[];
  /** Where the pages must have ended. */
  end: number;
  isOurs: boolean;
  /** Whether the row groups have the file's rows. */
  addsUp: boolean;
}

interface Chunk {
  start: number;
  end: number;
  values: number;
  rawBytes: number;
  /** As `kindOf` names them. */
  kinds: ReadonlySet<string>;
}

async function readFooter({ size, read }: PageSource): Promise<Footer> {
  const tail = await read(Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const isParquet = tail.length === TAIL_BYTES && new TextDecoder().decode(tail.subarray(MAGIC_LENGTH)) === MAGIC;
  if (!isParquet) throw new RangeError("no Parquet file");
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  const end = size - TAIL_BYTES - length;
  if (end < MAGIC_LENGTH) throw new RangeError("a footer longer than the file");
  const thrift = new CompactReader(await read(end, length));
  const file = new Struct(thrift, thrift.fields());
  const groups = file.structs(FILE.groups);
  const rows = groups.reduce((sum, group) => sum + group.needed(GROUP.rows), 0);
  return {
    chunks: groups.flatMap((group) => group.structs(GROUP.columns).map(chunkOf)),
    end,
    isOurs: file.has(FILE.createdBy) && file.text(FILE.createdBy).startsWith(OUR_WRITER),
    addsUp: rows === file.needed(FILE.rows),
  };
}

function chunkOf(chunk: Struct): Chunk {
  if (chunk.has(CHUNK.path)) throw new RangeError("a column in another file");
  const metadata = chunk.struct(CHUNK.metadata);
  const dataStart = metadata.needed(COLUMN.dataStart);
  const kinds = metadata.has(COLUMN.pageKinds) ? metadata.structs(COLUMN.pageKinds) : [];
  // 0 is what some writers say where there is none.
  const start = Math.min(metadata.number(COLUMN.dictionaryStart) || dataStart, dataStart);
  return {
    start,
    end: start + metadata.needed(COLUMN.storedBytes),
    values: metadata.needed(COLUMN.values),
    rawBytes: metadata.needed(COLUMN.rawBytes),
    kinds: new Set(kinds.map((kind) => kindOf(kind.needed(KIND.type), kind.needed(KIND.encoding)))),
  };
}

/**
 * Where a page of the chunk begins that is damaged, if one is. `RangeError` where a page has no
 * checksum, or the pages are not what the footer says.
 */
async function damagedPage(window: Window, chunk: Chunk, endMax: number): Promise<number | undefined> {
  if (chunk.start < MAGIC_LENGTH || chunk.end > endMax) throw new RangeError("a column that is not in the file");
  let values = 0, rawBytes = 0, oddity: RangeError | undefined;
  for (let at = chunk.start; at < chunk.end;) {
    const page = pageOf(await window.bytes(at, Math.min(WINDOW_BYTES, chunk.end - at)), chunk);
    const start = at + page.headerBytes, end = start + page.storedBytes;
    if (page.storedBytes < 0 || end > chunk.end) throw new RangeError("a page that does not fit");
    if (page.crc === undefined) oddity ??= new RangeError("a page without a checksum");
    else if ((crc32(await window.bytes(start, page.storedBytes)) | 0) !== page.crc) return at;
    if (page.values < 0) throw new RangeError("fewer values than none");
    if (page.isOdd) oddity ??= new RangeError("a page of another encoding");
    values += page.values;
    rawBytes += page.headerBytes + page.rawBytes;
    at = end;
  }
  if (oddity !== undefined) throw oddity;
  if (values !== chunk.values || rawBytes !== chunk.rawBytes) throw new RangeError("pages that do not add up");
  return undefined;
}

interface PageFacts {
  headerBytes: number;
  storedBytes: number;
  rawBytes: number;
  crc: number | undefined;
  /** Of a data page; a dictionary has none of the column's. */
  values: number;
  /** Whether it is not encoded as the footer says. */
  isOdd: boolean;
}

function pageOf(bytes: Uint8Array, { kinds }: Chunk): PageFacts {
  const thrift = new CompactReader(bytes);
  const fields = thrift.fields();
  const headerBytes = thrift.pos;
  const type = wholeNumber(thrift, fields, HEADER.type);
  const inner = fields.find(({ id }) => id === PAGE_HEADERS[type]);
  if (inner?.type !== THRIFT.struct) throw new RangeError("another kind of page");
  const crc = fields.some(({ id }) => id === HEADER.crc) ? wholeNumber(thrift, fields, HEADER.crc) : undefined;
  const storedBytes = wholeNumber(thrift, fields, HEADER.storedBytes);
  const rawBytes = wholeNumber(thrift, fields, HEADER.rawBytes);
  thrift.pos = inner.start;
  const page = thrift.fields();
  const levels = type === PAGE_TYPE.data ? LEVEL_ENCODINGS.map((id) => wholeNumber(thrift, page, id)) : [];
  const values = wholeNumber(thrift, page, VALUES);
  const isOdd = !kinds.has(kindOf(type, wholeNumber(thrift, page, ENCODING))) || levels.some((level) => level !== RLE);
  return {
    headerBytes,
    storedBytes,
    rawBytes,
    crc,
    values: type === PAGE_TYPE.dictionary ? Math.min(values, 0) : values,
    isOdd,
  };
}

/** A page's type and its values' encoding. */
function kindOf(type: number, encoding: number): string {
  return `${type} ${encoding}`;
}

function wholeNumber(thrift: CompactReader, fields: readonly ThriftField[], id: number): number {
  const field = fields.find((each) => each.id === id);
  if (field?.type !== THRIFT.i32) throw new RangeError(`no whole number ${id}`);
  thrift.pos = field.start;
  return thrift.zigzag();
}

/** A stretch of the file, read ahead: headers are small, and pages stand one behind another. */
class Window {
  readonly #source: PageSource;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array();

  constructor(source: PageSource) {
    this.#source = source;
  }

  async bytes(at: number, length: number): Promise<Uint8Array> {
    const from = at - this.#start;
    if (from >= 0 && from + length <= this.#bytes.length) return this.#bytes.subarray(from, from + length);
    this.#bytes = await this.#source.read(at, Math.max(length, WINDOW_BYTES));
    this.#start = at;
    return this.#bytes.subarray(0, length);
  }
}

/** What is not understood is no error; anything else is. */
function passed<T>(error: unknown, value: T): T {
  if (error instanceof RangeError && !isAllocationFailure(error)) return value;
  throw error;
}
