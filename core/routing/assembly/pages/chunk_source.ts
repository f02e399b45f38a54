import { Pointer } from "../memory.ts";
import { PhysicalType } from "./physical_type.ts";

/**
 * The values of one leaf for one row group, and how they are to be written. The other side fills it
 * by the order of its fields: each has four bytes, the last has eight.
 */
@unmanaged
export class ChunkSource {
  physicalType: i32;
  /** Bytes of a fixed-length value, 16 at most. */
  width: u32;
  /** A fixed-length value is a signed number: a decimal. */
  isSigned: i32;
  maxDefinition: u32;
  maxRepetition: u32;
  /** Values, and nulls of any level. */
  levelCount: u32;
  /** A byte for each, where `maxDefinition` is not 0. */
  definitions: Pointer;
  /** A byte for each, where `maxRepetition` is not 0. */
  repetitions: Pointer;
  /** Values, without nulls. */
  valueCount: u32;
  /**
   * Slots: a boolean, an INT32 and a FLOAT have 4 bytes, INT64 and DOUBLE 8. A fixed-length value
   * has the last bytes of 16, big-endian, and the sign or zeros in front. A text has 4: its number,
   * or where it stands in the arena as length (u32) and bytes.
   */
  values: Pointer;
  arena: Pointer;
  /** Texts are numbers. */
  isNumbered: i32;
  /** Of texts by number: where they stand in the arena. */
  offsets: Pointer;
  /** Numbers are below it. */
  numberCount: u32;
  pageRowsMax: u32;
  pageBytesMax: u32;
  /** 0: no dictionary. */
  dictionaryBytesMax: u32;
  /** Whether DELTA_BINARY_PACKED may be taken. */
  isDeltaAllowed: i32;
  /** 0: no Bloom filter. */
  bloomBytesMax: u32;
  /** Different values to expect; 0: as many as are found. */
  bloomValues: u32;
  bloomBitsPerValue: f64;

  /** Bytes of a slot. */
  slotBytes(): u32 {
    switch (this.physicalType) {
      case PhysicalType.INT64:
      case PhysicalType.DOUBLE:
        return 8;
      case PhysicalType.FIXED:
        return 16;
      default:
        return 4;
    }
  }

  /** Bytes of a value in PLAIN, but for texts and booleans. */
  plainBytes(): u32 {
    return this.physicalType == PhysicalType.FIXED ? this.width : this.slotBytes();
  }

  isText(): bool {
    return this.physicalType == PhysicalType.BYTE_ARRAY;
  }
}

const SOURCE = changetype<ChunkSource>(<u32> memory.data(offsetof<ChunkSource>(), 8));

/** The one that the other side fills. */
export function chunkSource(): ChunkSource {
  return SOURCE;
}
