import { decimalFromBytes, uuidFromBytes } from "../../../iceberg/format/single_value.ts";
import { compareBytes } from "../../../iceberg/format/value_order.ts";
import { valueText } from "../../value_text.ts";
import { BOUND_HEAD_BYTES } from "./encoded_chunk.ts";
import { type ParquetLeaf, PHYSICAL } from "./parquet_schema.ts";

/** In the order of the type (parquet.thrift, TYPE_ORDER), of values as PLAIN has them. */
export function comparePlain(leaf: ParquetLeaf, a: Uint8Array, b: Uint8Array): number {
  if (leaf.physical === PHYSICAL.byteArray || leaf.type.type === "uuid" || leaf.type.type === "fixed") {
    return compareBytes(a, b);
  }
  const x = plainNumber(leaf, a), y = plainNumber(leaf, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** As `valueFromSqlText` reads it. */
export function plainText(leaf: ParquetLeaf, bytes: Uint8Array): string {
  const { type } = leaf;
  switch (type.type) {
    case "boolean":
      return bytes[0] === 1 ? "true" : "false";
    case "string":
      // A cut bound may end in the middle of a character; as of a stream, that one is left out.
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: bytes.length >= BOUND_HEAD_BYTES });
    case "binary":
    case "fixed":
      return bytes.toHex();
    case "uuid":
      return uuidFromBytes(bytes);
    case "decimal":
      return valueText(type, BigInt(plainNumber(leaf, bytes)));
    default:
      return valueText(type, plainNumber(leaf, bytes));
  }
}

/** Booleans are 0 and 1; decimals are unscaled. */
function plainNumber({ physical }: ParquetLeaf, bytes: Uint8Array): number | bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (physical) {
    case PHYSICAL.boolean:
      return view.getUint8(0);
    case PHYSICAL.int32:
      return view.getInt32(0, true);
    case PHYSICAL.int64:
      return view.getBigInt64(0, true);
    case PHYSICAL.float:
      return view.getFloat32(0, true);
    case PHYSICAL.double:
      return view.getFloat64(0, true);
    default:
      return decimalFromBytes(bytes);
  }
}
