/**
 * What a Parquet file says of its columns (format: "FileMetaData" in parquet.thrift, Thrift's
 * compact protocol), as far as DuckDB reads something else than the file holds.
 */

import { joinBytes } from "../base/join_bytes.ts";
import { CompactReader, type ThriftField } from "../tables/read/parquet/compact_reader.ts";
import { THRIFT } from "../tables/thrift_type.ts";

/** Of a column or group; those of a list's and a map's own levels, too. */
interface SchemaElement {
  name: string;
  /** Of a group; 0 for a column. */
  children: number;
  /** Whether values are instants or times of day in nanoseconds: DuckDB cuts digits of them. */
  isNanos: boolean;
  /** Of a decimal; 0 for all others. */
  precision: number;
  fields: ThriftField[];
}

export interface ParquetFooter {
  /**
   * A footer for the same pages from which DuckDB reads what the file holds: nanoseconds as plain
   * integers, and each column by a name that no other has. Undefined where the file's own does.
   */
  plain: Uint8Array | undefined;
  /** What the columns of that footer are called in the file, where that is something else. */
  names: Map<string, string>;
  /** A column that DuckDB cannot read rightly, with the reason. */
  unreadable: string | undefined;
}

/** DuckDB reads wider ones as if they were doubles. */
const PRECISION_MAX = 38;
/** A schema is not nested deeper. */
const DEPTH_MAX = 200;
const FILE_SCHEMA = 2;
/** Fields of `SchemaElement`. */
const NAME = 4, CHILDREN = 5, CONVERTED_TYPE = 6, SCALE = 7, PRECISION = 8, LOGICAL_TYPE = 10;
/** Members of the unions `LogicalType` and `TimeUnit`. */
const DECIMAL = 5, TIME = 7, TIMESTAMP = 8, NANOS = 3;
const CONVERTED_DECIMAL = 5;

/** Undefined where the footer is none that can be understood: whoever reads the file says why. */
export function readParquetFooter(footer: Uint8Array): ParquetFooter | undefined {
  try {
    return new FooterReader(footer).read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

class FooterReader {
  readonly #bytes: Uint8Array;
  readonly #thrift: CompactReader;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#thrift = new CompactReader(bytes);
  }

  read(): ParquetFooter | undefined {
    const schema = this.#thrift.fields().find(({ id, type }) => id === FILE_SCHEMA && type === THRIFT.list);
    if (schema === undefined) return undefined;
    this.#thrift.pos = schema.start;
    const { count, type } = this.#thrift.listHeader();
    if (type !== THRIFT.struct) return undefined;
    const begin = this.#thrift.pos;
    const elements = Array.from({ length: count }, () => this.#element());
    const renamed = namesTwice(elements);
    const names = new Map([...renamed].map(([element, name]) => [name, element.name]));
    const wide = elements.find(({ precision }) => precision > PRECISION_MAX);
    const isPlain = renamed.size === 0 && !elements.some(({ isNanos }) => isNanos);
    const plain = isPlain ? undefined : joinBytes([
      this.#bytes.subarray(0, begin),
      ...elements.flatMap((element) => this.#plainElement(element, renamed.get(element))),
      this.#bytes.subarray(this.#thrift.pos),
    ]);
    const unreadable = wide && `the column ${JSON.stringify(wide.name)} is a decimal of ${wide.precision} digits, ` +
        `and ${PRECISION_MAX} is the most that can be read`;
    return { plain, names, unreadable };
  }

  #element(): SchemaElement {
    const thrift = this.#thrift;
    const fields = thrift.fields();
    const end = thrift.pos;
    const at = <T>(id: number, read: () => T): T | undefined => {
      const field = fields.find((each) => each.id === id);
      if (field === undefined) return undefined;
      thrift.pos = field.start;
      return read();
    };
    const logical = at(LOGICAL_TYPE, () => thrift.fields())?.[0];
    const inner = logical === undefined ? [] : (thrift.pos = logical.start, thrift.fields());
    const number = (field: ThriftField | undefined) =>
      field === undefined ? 0 : (thrift.pos = field.start, thrift.zigzag());
    let isNanos = false;
    if (logical?.id === TIME || logical?.id === TIMESTAMP) {
      const unit = inner.find(({ id }) => id === 2);
      isNanos = unit !== undefined && (thrift.pos = unit.start, thrift.fields()[0]?.id === NANOS);
    }
    const isDecimal = at(CONVERTED_TYPE, () => thrift.zigzag()) === CONVERTED_DECIMAL;
    const element = {
      name: at(NAME, () => thrift.text()) ?? "",
      children: at(CHILDREN, () => thrift.zigzag()) ?? 0,
      isNanos,
      precision: logical?.id === DECIMAL
        ? number(inner.find(({ id }) => id === 2))
        : isDecimal
        ? at(PRECISION, () => thrift.zigzag()) ?? 0
        : 0,
      fields,
    };
    thrift.pos = end;
    return element;
  }

  /** The element without what makes DuckDB cut digits, and by another name where one is given. */
  #plainElement({ fields, isNanos }: SchemaElement, name: string | undefined): Uint8Array[] {
    const dropped = isNanos ? [CONVERTED_TYPE, SCALE, PRECISION, LOGICAL_TYPE] : [];
    let previous = 0;
    const parts = fields.filter(({ id }) => !dropped.includes(id)).flatMap(({ id, type, start, end }) => {
      const header = Uint8Array.of(((id - previous) << 4) | type);
      previous = id;
      const value = name !== undefined && id === NAME ? text(name) : this.#bytes.subarray(start, end);
      return [header, value];
    });
    return [...parts, Uint8Array.of(0)];
  }
}

/**
 * Other names for columns whose names another in the same group has, but for case: DuckDB gives
 * them names of its own, which may be those of yet other columns.
 */
function namesTwice(elements: readonly SchemaElement[]): Map<SchemaElement, string> {
  const renamed = new Map<SchemaElement, string>();
  const taken = new Set(elements.map(({ name }) => name.toLowerCase()));
  let next = 0, number = 0;
  const walk = (depth: number): SchemaElement => {
    const element = elements[next++];
    if (element === undefined || depth > DEPTH_MAX) throw new RangeError("not a tree");
    const seen = new Set<string>();
    for (let i = 0; i < element.children; i++) {
      const child = walk(depth + 1);
      const key = child.name.toLowerCase();
      if (seen.has(key)) {
        let name: string;
        do name = `column_${number++}`; while (taken.has(name));
        renamed.set(child, name);
      }
      seen.add(key);
    }
    return element;
  };
  if (elements.length > 0) walk(0);
  return renamed;
}

function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return joinBytes([Uint8Array.of(bytes.length), bytes]);
}
