import { lessBytes } from "../bytes.ts";
import { Pointer } from "../memory.ts";
import { PhysicalType } from "./physical_type.ts";

const NEGATIVE_ZERO_32: u32 = 0x80000000;
const NEGATIVE_ZERO_64: u64 = 0x8000000000000000;

/** The smallest and the largest of some values, neither NaN nor null. */
@unmanaged
export class Bounds {
  found: i32;
  nans: u32;
  /** Of texts and fixed-length values: where they stand. */
  low: Pointer;
  lowLength: u32;
  high: Pointer;
  highLength: u32;
  /** Of the others: their bits. */
  lowBits: u64;
  highBits: u64;

  clear(): void {
    memory.fill(changetype<Pointer>(this), 0, offsetof<Bounds>());
  }

  addText(text: Pointer): void {
    const bytes = text + 4, length = load<u32>(text);
    if (!this.found || lessBytes(bytes, length, this.low, this.lowLength)) {
      this.low = bytes;
      this.lowLength = length;
    }
    if (!this.found || lessBytes(this.high, this.highLength, bytes, length)) {
      this.high = bytes;
      this.highLength = length;
    }
    this.found = 1;
  }

  /** `value` are the last `width` bytes of a slot of 16. */
  addFixed(value: Pointer, width: u32, isSigned: bool): void {
    if (!this.found || isLessFixed(value, this.low, width, isSigned)) {
      this.low = value;
      this.lowLength = width;
    }
    if (!this.found || isLessFixed(this.high, value, width, isSigned)) {
      this.high = value;
      this.highLength = width;
    }
    this.found = 1;
  }
}

/** Takes in numbers of type T, one after another. */
export function addNumbers<T>(bounds: Bounds, values: Pointer, count: u32): void {
  let i: u32 = 0, nans: u32 = 0;
  if (isFloat<T>()) { while (i < count && isNaN(load<T>(values + i * sizeof<T>()))) i++; }
  nans = i;
  if (i < count) {
    let low = load<T>(values + i * sizeof<T>()), high = low;
    for (; i < count; i++) {
      const value = load<T>(values + i * sizeof<T>());
      if (isFloat<T>() && isNaN(value)) {
        nans++;
        continue;
      }
      if (value < low) low = value;
      if (value > high) high = value;
    }
    setNumbers<T>(bounds, low, high);
  }
  bounds.nans += nans;
}

/** Whatever sign a zero has, -0.0 is the bound below it and 0.0 the one above (parquet.thrift). */
@inline
function setNumbers<T>(bounds: Bounds, low: T, high: T): void {
  bounds.found = 1;
  if (isFloat<T>() && sizeof<T>() == 8) {
    bounds.lowBits = low == 0 ? NEGATIVE_ZERO_64 : reinterpret<u64>(<f64> low);
    bounds.highBits = high == 0 ? 0 : reinterpret<u64>(<f64> high);
  } else if (isFloat<T>()) {
    bounds.lowBits = low == 0 ? NEGATIVE_ZERO_32 : reinterpret<u32>(<f32> low);
    bounds.highBits = high == 0 ? 0 : reinterpret<u32>(<f32> high);
  } else {
    bounds.lowBits = <u64> low;
    bounds.highBits = <u64> high;
  }
}

/** Takes a page's bounds into its chunk's. */
export function mergeBounds(into: Bounds, page: Bounds, physicalType: i32, isSigned: bool): void {
  into.nans += page.nans;
  if (!page.found) return;
  if (physicalType == PhysicalType.BYTE_ARRAY) {
    into.addText(page.low - 4);
    into.addText(page.high - 4);
    return;
  }
  if (physicalType == PhysicalType.FIXED) {
    into.addFixed(page.low, page.lowLength, isSigned);
    into.addFixed(page.high, page.highLength, isSigned);
    return;
  }
  if (!into.found || isLess(page.lowBits, into.lowBits, physicalType)) into.lowBits = page.lowBits;
  if (!into.found || isLess(into.highBits, page.highBits, physicalType)) into.highBits = page.highBits;
  into.found = 1;
}

function isLess(a: u64, b: u64, physicalType: i32): bool {
  if (physicalType == PhysicalType.DOUBLE) return reinterpret<f64>(a) < reinterpret<f64>(b);
  if (physicalType == PhysicalType.FLOAT) return reinterpret<f32>(<u32> a) < reinterpret<f32>(<u32> b);
  return <i64> a < <i64> b;
}

/** Slots of 16 bytes hold the sign or zeros in front, so they are compared whole. */
@inline
function isLessFixed(a: Pointer, b: Pointer, width: u32, isSigned: bool): bool {
  const first = a + width - 16, second = b + width - 16;
  const sign: u64 = isSigned ? NEGATIVE_ZERO_64 : 0;
  const x = bswap(load<u64>(first)) ^ sign, y = bswap(load<u64>(second)) ^ sign;
  if (x != y) return x < y;
  return bswap(load<u64>(first, 8)) < bswap(load<u64>(second, 8));
}
