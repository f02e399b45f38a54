/**
 * Memory by size classes: a block has a power of two of bytes, from 64 on, and what is given back
 * is kept in a list for its class. So a buffer that doubles leaves blocks that the next one takes,
 * and nothing is ever searched for.
 */

/** An address in this module's memory; 0 is none. */
export type Pointer = u32;

const SMALLEST_CLASS: u32 = 6;

/** What reading or writing in steps of 16 bytes may touch behind the end of a buffer. */
export const OVERRUN: u32 = 64;

/** Below it an address has a bit to spare, and no sum of one and a size overflows. */
const MEMORY_MAX: u32 = 0x80000000;

const PAGE_BITS: u32 = 16;

/** Grown by this many pages (4 MB) at least. */
const GROWTH_PAGES: i32 = 64;

/** The first free block of each class; its first word is the address of the next. */
const FREE_BLOCKS: Pointer = <u32> memory.data(32 << 2, 8);

let top: Pointer = 0;

/** Fails on the other side: what is read takes more than there is. */
@external("memory", "ended")
declare function memoryEnded(): void;

@inline
function classOf(size: u32): u32 {
  return size <= 1 << SMALLEST_CLASS ? SMALLEST_CLASS : 32 - clz(size - 1);
}

/** At least `size` bytes with any content. Where memory ends, the other side fails. */
export function alloc(size: u32): Pointer {
  const sizeClass = classOf(size);
  const list = FREE_BLOCKS + (sizeClass << 2);
  const free = load<u32>(list);
  if (free) {
    store<u32>(list, load<u32>(free));
    return free;
  }
  if (!top) top = (<u32> __heap_base + 63) & ~63;
  const block = top;
  if (size > MEMORY_MAX / 2 || block + ((<u32> 1) << sizeClass) > MEMORY_MAX - OVERRUN) memoryEnded();
  top += (<u32> 1) << sizeClass;
  const wanted = <i32> ((top + OVERRUN + ((1 << PAGE_BITS) - 1)) >>> PAGE_BITS);
  const pages = memory.size();
  if (wanted > pages && memory.grow(max(wanted - pages, GROWTH_PAGES)) < 0) memoryEnded();
  return block;
}

/** Gives back what `alloc` gave for this size. */
export function dealloc(block: Pointer, size: u32): void {
  if (!block) return;
  const list = FREE_BLOCKS + (classOf(size) << 2);
  store<u32>(block, load<u32>(list));
  store<u32>(list, block);
}

export function allocZeroed(size: u32): Pointer {
  const block = alloc(size);
  memory.fill(block, 0, size);
  return block;
}

/** Moves a block to a larger one. */
export function realloc(block: Pointer, size: u32, newSize: u32): Pointer {
  const larger = alloc(newSize);
  memory.copy(larger, block, size);
  dealloc(block, size);
  return larger;
}
