import { alloc, dealloc, Pointer } from "../memory.ts";
import { addNumbers, Bounds } from "./bounds.ts";
import { ChunkSource } from "./chunk_source.ts";
import { PhysicalType } from "./physical_type.ts";

/** Of each index of a dictionary: the stamp of the page that has looked at its text. */
let seen: Pointer = 0;
let seenCapacity: u32 = 0;
let stamp: u32 = 0;

/** The bounds of `count` values from `first` on, which are no texts. */
export function addToBounds(bounds: Bounds, source: ChunkSource, first: u32, count: u32): void {
  const values = source.values + first * source.slotBytes();
  switch (source.physicalType) {
    case PhysicalType.INT64:
      return addNumbers<i64>(bounds, values, count);
    case PhysicalType.FLOAT:
      return addNumbers<f32>(bounds, values, count);
    case PhysicalType.DOUBLE:
      return addNumbers<f64>(bounds, values, count);
    case PhysicalType.FIXED: {
      const inside = 16 - source.width;
      for (let i: u32 = 0; i < count; i++) {
        bounds.addFixed(values + (i << 4) + inside, source.width, source.isSigned != 0);
      }
      return;
    }
    default:
      return addNumbers<i32>(bounds, values, count);
  }
}

/** Makes ready for a chunk whose dictionary has so many texts. */
export function prepareSeen(count: u32): void {
  if (count <= seenCapacity) return;
  if (seenCapacity) dealloc(seen, seenCapacity << 2);
  seenCapacity = count << 1;
  seen = alloc(seenCapacity << 2);
  memory.fill(seen, 0, seenCapacity << 2);
}

/** Texts of a dictionary are compared once for each page, however often they come. */
export function addTextsToBounds(
  bounds: Bounds,
  source: ChunkSource,
  indices: Pointer,
  first: u32,
  count: u32,
): void {
  stamp++;
  for (let i = first; i < first + count; i++) {
    const mark = seen + (load<u32>(indices + (i << 2)) << 2);
    if (load<u32>(mark) == stamp) continue;
    store<u32>(mark, stamp);
    const number = load<u32>(source.values + (i << 2));
    bounds.addText(source.arena + load<u32>(source.offsets + (number << 2)));
  }
}
