import { lowerBound, upperBound } from "../../../iceberg/format/bound.ts";
import { type Value, valueFromBytes, valueToBytes } from "../../../iceberg/format/single_value.ts";
import { compareBytes } from "../../../iceberg/format/value_order.ts";
import type { CompactWriter } from "./compact_writer.ts";
import { BOUND_HEAD_BYTES, type ByteBounds } from "./encoded_chunk.ts";
import { type ParquetLeaf, PHYSICAL } from "./parquet_schema.ts";

/** Code points of a text, or bytes, that a bound keeps: four times what Iceberg's keep. */
const BOUND_LENGTH_MAX = 64;

/** Bounds that may be shorter than the values that they are of. */
export interface CutBounds {
  min: Uint8Array;
  isMinExact: boolean;
  /** Undefined where no short text is above the largest one. */
  max: Uint8Array | undefined;
  isMaxExact: boolean;
}

/** Cut where the values are long texts, the largest rounded up; both are still texts. */
export function cutBounds(leaf: ParquetLeaf, bounds: ByteBounds): CutBounds {
  const min = isShort(leaf, bounds.min) ? bounds.min : cut(leaf, bounds.min, lowerBound)!;
  const max = isShort(leaf, bounds.max) ? bounds.max : cut(leaf, bounds.max, upperBound);
  return {
    min,
    isMinExact: compareBytes(min, bounds.min) === 0,
    max,
    isMaxExact: max !== undefined && compareBytes(max, bounds.max) === 0,
  };
}

function isShort({ physical }: ParquetLeaf, { length }: Uint8Array): boolean {
  return length <= BOUND_LENGTH_MAX || physical !== PHYSICAL.byteArray;
}

function cut({ type }: ParquetLeaf, bytes: Uint8Array, bound: typeof upperBound): Uint8Array | undefined {
  // Where this cuts a character, that one is cut off next.
  const value: Value = valueFromBytes(type, bytes.slice(0, BOUND_HEAD_BYTES));
  const result = bound(type, value, BOUND_LENGTH_MAX);
  return result === undefined ? undefined : valueToBytes(type, result);
}

export function isFloating({ physical }: ParquetLeaf): boolean {
  return physical === PHYSICAL.float || physical === PHYSICAL.double;
}

/** The struct Statistics as a field of another. */
export function writeStatistics(
  thrift: CompactWriter,
  id: number,
  leaf: ParquetLeaf,
  { nulls, nans, bounds }: { nulls: number; nans: number; bounds: ByteBounds | undefined },
): void {
  const cutTo = bounds && cutBounds(leaf, bounds);
  thrift.struct(id, () => {
    thrift.i64(3, nulls);
    if (cutTo?.max !== undefined) thrift.binary(5, cutTo.max);
    if (cutTo !== undefined) thrift.binary(6, cutTo.min);
    if (cutTo?.max !== undefined) thrift.bool(7, cutTo.isMaxExact);
    if (cutTo !== undefined) thrift.bool(8, cutTo.isMinExact);
    if (isFloating(leaf)) thrift.i64(9, nans);
  });
}
