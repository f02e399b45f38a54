import { CompactReader, type ThriftField } from "./compact_reader.ts";

/** A column of a row group that has no column around it. */
export interface ParquetChunk {
  name: string;
  /** `Type` and `CompressionCodec` of parquet.thrift. */
  physical: number;
  codec: number;
  isOptional: boolean;
  /** Nulls included. */
  values: number;
  /** Of its pages in the file, the dictionary's included. */
  start: number;
  end: number;
}

const MAGIC = "PAR1", MAGIC_LENGTH = 4, FOOTER_END = 8;
/** Fields of FileMetaData, SchemaElement, RowGroup, ColumnChunk and ColumnMetaData. */
const FILE = { schema: 2, groups: 4 } as const;
const ELEMENT = { repetition: 3, name: 4, children: 5 } as const;
const GROUP = { columns: 1, rows: 3 } as const;
const CHUNK = { filePath: 1, metadata: 3 } as const;
const METADATA = { physical: 1, codec: 4, values: 5, bytes: 7, dataStart: 9, dictionaryStart: 11 } as const;
const REPETITION = { required: 0, optional: 1 } as const;

/**
 * The row groups of a file whose columns are all flat. `RangeError` where it has others, or cannot
 * be understood.
 */
export function parquetChunks(file: Uint8Array): ParquetChunk[][] {
  const footer = footerOf(file);
  const thrift = new CompactReader(footer);
  const root = thrift.fields();
  const [, ...columns] = new Struct(thrift, root).structs(FILE.schema);
  const flat = columns.map((column) => {
    const repetition = column.number(ELEMENT.repetition) ?? REPETITION.required;
    if (column.number(ELEMENT.children) !== undefined || repetition > REPETITION.optional) {
      throw new RangeError("a column of columns");
    }
    return { name: column.text(ELEMENT.name), isOptional: repetition === REPETITION.optional };
  });
  return new Struct(thrift, root).structs(FILE.groups).map((group) => {
    const chunks = group.structs(GROUP.columns);
    if (chunks.length !== flat.length) throw new RangeError("a row group without some of the columns");
    const rows = group.number(GROUP.rows);
    return chunks.map((chunk, index) => {
      if (chunk.has(CHUNK.filePath)) throw new RangeError("a column in another file");
      const metadata = chunk.struct(CHUNK.metadata);
      const first = metadata.has(METADATA.dictionaryStart) ? METADATA.dictionaryStart : METADATA.dataStart;
      const start = metadata.size(first), end = start + metadata.size(METADATA.bytes);
      if (end > file.length - footer.length || metadata.number(METADATA.values) !== rows) {
        throw new RangeError("a column that does not fit");
      }
      return {
        ...flat[index]!,
        physical: metadata.needed(METADATA.physical),
        codec: metadata.needed(METADATA.codec),
        values: metadata.size(METADATA.values),
        start,
        end,
      };
    });
  });
}

/** Of a whole file, or of its end from the magic number before the footer on. */
export function footerOf(file: Uint8Array): Uint8Array {
  const end = file.length - FOOTER_END;
  const magic = new TextDecoder().decode(file.subarray(file.length - MAGIC_LENGTH));
  if (end < MAGIC_LENGTH || magic !== MAGIC) throw new RangeError("no Parquet file");
  const length = new DataView(file.buffer, file.byteOffset).getUint32(end, true);
  if (length > end - MAGIC_LENGTH) throw new RangeError("a footer longer than the file");
  return file.subarray(end - length, end);
}

/** The fields of a Thrift struct, by their numbers. */
export class Struct {
  readonly #thrift: CompactReader;
  readonly #fields: readonly ThriftField[];

  constructor(thrift: CompactReader, fields: readonly ThriftField[]) {
    this.#thrift = thrift;
    this.#fields = fields;
  }

  has(id: number): boolean {
    return this.#fields.some((field) => field.id === id);
  }

  number(id: number): number | undefined {
    return this.has(id) ? this.#at(id).zigzag() : undefined;
  }

  needed(id: number): number {
    return this.#at(id).zigzag();
  }

  /** A count, a length or a place: never below zero, though its type says that it may be. */
  size(id: number): number {
    const value = this.needed(id);
    if (value < 0) throw new RangeError("a size below zero");
    return value;
  }

  text(id: number): string {
    return this.#at(id).text();
  }

  struct(id: number): Struct {
    return new Struct(this.#thrift, this.#at(id).fields());
  }

  structs(id: number): Struct[] {
    return this.#at(id).structs().map((fields) => new Struct(this.#thrift, fields));
  }

  #at(id: number): CompactReader {
    const field = this.#fields.find((each) => each.id === id);
    if (field === undefined) throw new RangeError(`no field ${id}`);
    this.#thrift.pos = field.start;
    return this.#thrift;
  }
}
