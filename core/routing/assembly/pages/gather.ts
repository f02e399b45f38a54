import { Column } from "../column.ts";
import { alloc, dealloc, Pointer } from "../memory.ts";
import { slotsBefore } from "../table.ts";

/**
 * A column's values and levels in the order of the rows, which need not be the order in which they
 * came: what the pages are made of.
 */

const SLOTS_FIRST: u32 = 1024;

/** Values that are there, as wide as the column's slots; levels in words. */
export let values: Pointer = 0;
export let definitions: Pointer = 0;
export let repetitions: Pointer = 0;
let capacity: u32 = 0;
/** Slots, and those of them with a value. */
export let slotCount: u32 = 0;
export let valueCount: u32 = 0;

function reserveSlots(wanted: u32): void {
  if (wanted <= capacity) return;
  let wider = max<u32>(capacity, SLOTS_FIRST);
  while (wider < wanted) wider <<= 1;
  dealloc(values, capacity << 4);
  dealloc(definitions, capacity << 2);
  dealloc(repetitions, capacity << 2);
  values = alloc(wider << 4);
  definitions = alloc(wider << 2);
  repetitions = alloc(wider << 2);
  capacity = wider;
}

@inline
function takeValue(column: Column, slot: u32): void {
  switch (column.shift) {
    case 2:
      store<u32>(values + (valueCount << 2), load<u32>(column.values + (slot << 2)));
      break;
    case 3:
      store<u64>(values + (valueCount << 3), load<u64>(column.values + (slot << 3)));
      break;
    default:
      v128.store(values + (valueCount << 4), v128.load(column.values + (slot << 4)));
  }
  valueCount++;
}

/** Gathers a column at these rows. */
export function gather(column: Column, rows: Pointer, rowCount: u32): void {
  slotCount = 0;
  valueCount = 0;
  if (column.maxRepetition) {
    gatherRepeated(column, rows, rowCount);
    return;
  }
  reserveSlots(rowCount);
  for (let i: u32 = 0; i < rowCount; i++) {
    const row = load<u32>(rows + (i << 2));
    if (column.maxDefinition) {
      const definition = column.levelAt(row) & 0xff;
      store<u32>(definitions + (i << 2), definition);
      if (definition != column.maxDefinition) continue;
    }
    takeValue(column, row);
  }
  slotCount = rowCount;
}

function gatherRepeated(column: Column, rows: Pointer, rowCount: u32): void {
  let total: u32 = 0;
  for (let i: u32 = 0; i < rowCount; i++) {
    const row = load<u32>(rows + (i << 2));
    total += slotsBefore(column, row + 1) - slotsBefore(column, row);
  }
  reserveSlots(total);
  for (let i: u32 = 0; i < rowCount; i++) {
    const row = load<u32>(rows + (i << 2));
    const end = slotsBefore(column, row + 1);
    for (let slot = slotsBefore(column, row); slot < end; slot++) {
      const level = column.levelAt(slot), definition = level & 0xff;
      store<u32>(definitions + (slotCount << 2), definition);
      store<u32>(repetitions + (slotCount << 2), level >> 8);
      slotCount++;
      if (definition == column.maxDefinition) takeValue(column, slot);
    }
  }
}
