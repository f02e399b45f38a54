import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
  Map_,
  Struct,
  TimeMicrosecond,
  TimestampMicrosecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from "apache-arrow";
import type { SqlType } from "../../engine/duckdb_stream.ts";

const integers: Record<string, () => DataType> = {
  TINYINT: () => new Int8(),
  SMALLINT: () => new Int16(),
  INTEGER: () => new Int32(),
  UTINYINT: () => new Uint8(),
  USMALLINT: () => new Uint16(),
  UINTEGER: () => new Uint32(),
  BIGINT: () => new Int64(),
  UBIGINT: () => new Uint64(),
};

/** The Arrow type of a column; integers of 128 bits and types that Arrow lacks are text. */
export function arrowType(type: SqlType): DataType {
  const [first, second] = type.children;
  switch (type.kind) {
    case "boolean":
      return new Bool();
    case "integer":
    case "bigint":
      return integers[type.sql]?.() ?? new Utf8();
    case "float":
      return new Float32();
    case "double":
      return new Float64();
    case "decimal":
      return new Decimal(type.scale, type.width, 128);
    case "blob":
      return new Binary();
    case "date":
      return new DateDay();
    case "time":
      return new TimeMicrosecond();
    case "timestamp":
      return new TimestampMicrosecond();
    case "timestamptz":
      return new TimestampMicrosecond("UTC");
    case "list":
      return new List(new Field("element", arrowType(first!.type), true));
    case "struct":
      return new Struct(type.children.map((child) => new Field(child.name, arrowType(child.type), true)));
    case "map":
      return new Map_(
        new Field(
          "entries",
          new Struct([
            new Field("key", arrowType(first!.type), false),
            new Field("value", arrowType(second!.type), true),
          ]),
          false,
        ) as never,
      );
    default:
      return new Utf8();
  }
}
