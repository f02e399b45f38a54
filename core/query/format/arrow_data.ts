/**
 * Columns in Arrow's memory format. Made by hand: the builders of apache-arrow take instants as
 * milliseconds and lose the rest.
 */
import { type Data, type DataType, makeData, Struct, Utf8 } from "apache-arrow";
import type { SqlValue } from "../../engine/duckdb.ts";
import type { SqlType } from "../../engine/duckdb_stream.ts";
import { arrowType } from "./arrow_type.ts";

type Parts = { data?: ArrayBufferView; valueOffsets?: Int32Array; children?: Data[]; child?: Data };

export function arrowData(type: SqlType, values: readonly SqlValue[]): Data {
  const arrow = arrowType(type);
  const nullBitmap = bits(values.map((value) => value !== null));
  const nullCount = values.reduce<number>((count, value) => count + (value === null ? 1 : 0), 0);
  const parts = arrow instanceof Utf8 ? bytesParts(values, textBytes) : partsOf(type, values);
  return makeData({ type: arrow, length: values.length, nullCount, nullBitmap, ...parts } as never) as Data<DataType>;
}

function partsOf(type: SqlType, values: readonly SqlValue[]): Parts {
  const [first, second] = type.children;
  switch (type.kind) {
    case "boolean":
      return { data: bits(values.map((value) => value === true)) };
    case "integer":
      return { data: integerArray(type.sql, values.map((value) => Number(value ?? 0))) };
    case "bigint":
      return { data: longs(type.sql, values.map((value) => (value as bigint | null) ?? 0n)) };
    case "float":
      return { data: Float32Array.from(values, (value) => Number(value ?? 0)) };
    case "double":
      return { data: Float64Array.from(values, (value) => Number(value ?? 0)) };
    case "decimal":
      return { data: decimals(values) };
    case "blob":
      return bytesParts(values, (value) => (value as unknown as { bytes: Uint8Array }).bytes);
    case "date":
      return { data: Int32Array.from(values, (value) => (value as unknown as { days: number } | null)?.days ?? 0) };
    case "time":
    case "timestamp":
    case "timestamptz":
      return {
        data: BigInt64Array.from(values, (value) => (value as unknown as { micros: bigint } | null)?.micros ?? 0n),
      };
    case "list": {
      const lists = values.map((value) => (value as unknown as { items: SqlValue[] } | null)?.items ?? []);
      return { valueOffsets: offsets(lists), child: arrowData(first!.type, lists.flat()) };
    }
    case "struct":
      return { children: structChildren(type, values) };
    case "map": {
      const maps = values.map((value) => (value as unknown as MapValue | null)?.entries ?? []);
      const entries = maps.flat();
      const keys = arrowData(first!.type, entries.map(({ key }) => key));
      const items = arrowData(second!.type, entries.map(({ value }) => value));
      const fields = (arrowType(type) as unknown as { children: { type: Struct }[] }).children[0]!.type;
      const child = makeData({ type: fields, length: entries.length, nullCount: 0, children: [keys, items] });
      return { valueOffsets: offsets(maps), child };
    }
    default:
      return bytesParts(values, textBytes);
  }
}

interface MapValue {
  entries: { key: SqlValue; value: SqlValue }[];
}

function structChildren(type: SqlType, values: readonly SqlValue[]): Data[] {
  return type.children.map(({ name, type: child }) =>
    arrowData(
      child,
      values.map((value) => (value as unknown as { entries: Record<string, SqlValue> } | null)?.entries[name] ?? null),
    )
  );
}

const encoder = new TextEncoder();

function textBytes(value: SqlValue): Uint8Array {
  return encoder.encode(String(value));
}

function bytesParts(values: readonly SqlValue[], bytesOf: (value: SqlValue) => Uint8Array): Parts {
  const pieces = values.map((value) => value === null ? new Uint8Array() : bytesOf(value));
  const valueOffsets = offsets(pieces);
  const data = new Uint8Array(valueOffsets[pieces.length]!);
  pieces.forEach((piece, index) => data.set(piece, valueOffsets[index]!));
  return { valueOffsets, data };
}

function offsets(parts: readonly { length: number }[]): Int32Array {
  const result = new Int32Array(parts.length + 1);
  parts.forEach(({ length }, index) => result[index + 1] = result[index]! + length);
  return result;
}

function bits(flags: boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(flags.length / 64) * 8);
  flags.forEach((flag, index) => {
    if (flag) bytes[index >> 3]! |= 1 << (index & 7);
  });
  return bytes;
}

function integerArray(sql: string, values: number[]): ArrayBufferView {
  switch (sql) {
    case "TINYINT":
      return Int8Array.from(values);
    case "SMALLINT":
      return Int16Array.from(values);
    case "UTINYINT":
      return Uint8Array.from(values);
    case "USMALLINT":
      return Uint16Array.from(values);
    case "UINTEGER":
      return Uint32Array.from(values);
    default:
      return Int32Array.from(values);
  }
}

function longs(sql: string, values: bigint[]): ArrayBufferView {
  return sql === "UBIGINT" ? BigUint64Array.from(values) : BigInt64Array.from(values);
}

/** 128 bits each, two's complement, little-endian. */
function decimals(values: readonly SqlValue[]): Uint32Array {
  const words = new BigUint64Array(values.length * 2);
  values.forEach((value, index) => {
    const unscaled = (value as unknown as { value: bigint } | null)?.value ?? 0n;
    words[index * 2] = BigInt.asUintN(64, unscaled);
    words[index * 2 + 1] = BigInt.asUintN(64, unscaled >> 64n);
  });
  return new Uint32Array(words.buffer);
}
