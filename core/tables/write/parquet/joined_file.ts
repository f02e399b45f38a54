import { type FileParts, isEqual, putTogether, takeApart } from "./file_parts.ts";
import { MAGIC } from "./footer.ts";
import { listOfStructs, type StructField, structsOf, type ThriftStruct, writeThriftStruct } from "./thrift_struct.ts";

export interface JoinedFile {
  bytes: Uint8Array;
  rows: number;
  /** Where its row groups begin. */
  splitOffsets: number[];
}

/** Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData (parquet.thrift). */
const FILE = { rows: 3, groups: 4, encryption: 8, footerKey: 9 } as const;
const GROUP = { columns: 1, rows: 3, offset: 5, ordinal: 7 } as const;
const CHUNK = {
  path: 1,
  offset: 2,
  metadata: 3,
  offsetIndex: 4,
  columnIndex: 6,
  crypto: 8,
  cryptoMetadata: 9,
} as const;
const COLUMN = { dataPage: 9, indexPage: 10, dictionaryPage: 11, bloomFilter: 14 } as const;

const ORDINAL_MAX = 2 ** 15 - 1;

/**
 * Parquet files as one with all their row groups, in that order: pages, page indexes and filters
 * are copied as they are, only the places that footers name move. Undefined where that cannot be:
 * their columns or writers differ, they are encrypted, keep pages elsewhere, or have more row
 * groups than `groupsMax`; or a footer is not understood, or contradicts itself. Whether pages are
 * damaged is for others to find out.
 */
export function joinFiles(files: readonly Uint8Array[], groupsMax: number): JoinedFile | undefined {
  try {
    const parts = files.map(partOf);
    const [first] = parts;
    if (first === undefined || parts.some(({ rest }) => !isEqual(rest, first.rest))) return undefined;
    const groups = parts.reduce((sum, part) => sum + part.groups.length, 0);
    return groups > groupsMax ? undefined : joined(parts);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Part extends FileParts {
  rows: number;
  groups: ThriftStruct[];
  /** The footer without what is of this file only: columns, writer, properties. */
  rest: Uint8Array;
}

function partOf(file: Uint8Array): Part {
  const { body, footer } = takeApart(file);
  if (has(footer, FILE.encryption) || has(footer, FILE.footerKey)) throw new RangeError("it is encrypted");
  const groups = structsOf(footer, FILE.groups);
  const rows = numberOf(footer, FILE.rows);
  if (groups.reduce((sum, group) => sum + numberOf(group, GROUP.rows), 0) !== rows) {
    throw new RangeError("the row groups have another number of rows than the file");
  }
  return {
    body,
    rows,
    groups,
    footer,
    rest: writeThriftStruct(footer.filter(({ id }) => id !== FILE.rows && id !== FILE.groups)),
  };
}

function joined(parts: readonly Part[]): JoinedFile {
  const groups: ThriftStruct[] = [];
  let at = MAGIC.length;
  for (const { body, groups: own } of parts) {
    const end = MAGIC.length + body.length;
    for (const group of own) groups.push(movedGroup(group, at - MAGIC.length, groups.length, end));
    at += body.length;
  }
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const footer = parts[0]!.footer.map((field) => {
    if (field.id === FILE.rows) return { ...field, value: rows };
    return field.id === FILE.groups ? { ...field, value: listOfStructs(groups) } : field;
  });
  const bytes = putTogether(parts.map(({ body }) => body), footer);
  return { bytes, rows, splitOffsets: groups.map(startOf) };
}

function movedGroup(group: ThriftStruct, by: number, ordinal: number, end: number): ThriftStruct {
  const columns = structsOf(group, GROUP.columns).map((chunk) => {
    if (has(chunk, CHUNK.path) || has(chunk, CHUNK.crypto) || has(chunk, CHUNK.cryptoMetadata)) {
      throw new RangeError("its pages are elsewhere, or encrypted");
    }
    const metadata = moved(structOf(chunk, CHUNK.metadata), Object.values(COLUMN), by, end);
    const places = [CHUNK.offset, CHUNK.offsetIndex, CHUNK.columnIndex];
    return moved(chunk, places, by, end).map((field) => {
      return field.id === CHUNK.metadata ? { ...field, value: metadata } : field;
    });
  });
  return moved(group, [GROUP.offset], by, end).flatMap((field): StructField[] => {
    if (field.id === GROUP.columns) return [{ ...field, value: listOfStructs(columns) }];
    if (field.id !== GROUP.ordinal) return [field];
    return ordinal > ORDINAL_MAX ? [] : [{ ...field, value: ordinal }];
  });
}

/** With these places moved on; 0 is what some writers say where there is none. */
function moved(struct: ThriftStruct, ids: readonly number[], by: number, end: number): ThriftStruct {
  return struct.map((field) => {
    if (!ids.includes(field.id) || field.value === 0) return field;
    if (typeof field.value !== "number" || field.value < MAGIC.length || field.value > end) {
      throw new RangeError("a place is not in the file");
    }
    return { ...field, value: field.value + by };
  });
}

/** The first page of the first column: dictionaries stand before data. */
function startOf(group: ThriftStruct): number {
  const metadata = structOf(structsOf(group, GROUP.columns)[0] ?? [], CHUNK.metadata);
  const dictionary = metadata.find(({ id }) => id === COLUMN.dictionaryPage)?.value;
  const data = numberOf(metadata, COLUMN.dataPage);
  return typeof dictionary === "number" && dictionary > 0 ? Math.min(dictionary, data) : data;
}

function has(struct: ThriftStruct, id: number): boolean {
  return struct.some((field) => field.id === id);
}

function numberOf(struct: ThriftStruct, id: number): number {
  const value = struct.find((field) => field.id === id)?.value;
  if (typeof value === "number") return value;
  throw new RangeError(`there is no number ${id}`);
}

function structOf(struct: ThriftStruct, id: number): ThriftStruct {
  const value = struct.find((field) => field.id === id)?.value;
  if (Array.isArray(value)) return value;
  throw new RangeError(`there is no struct ${id}`);
}
