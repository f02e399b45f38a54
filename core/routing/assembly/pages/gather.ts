import { Column, TextMode } from "../column.ts";
import { Kind } from "../kind.ts";
import { alloc, dealloc, Pointer } from "../memory.ts";
import { slotsBefore, Table } from "../table.ts";
import { chunkSource } from "./chunk_source.ts";
import { partitionOrder, partitionRows } from "./partition_rows.ts";

/**
 * A column's values and levels in the order of a partition's rows, which need not be the order in
 * which they came.
 */

const SLOTS_FIRST: u32 = 1024;

/** As wide as the column's slots. */
let values: Pointer = 0;
/** A byte each. */
let definitions: Pointer = 0;
let repetitions: Pointer = 0;
let capacity: u32 = 0;
let levelCount: u32 = 0;
let valueCount: u32 = 0;

/** Puts the values of a column in one partition into the chunk's source. */
export function gather(table: Table, column: Column, partition: i32): void {
  const rows = partitionOrder(table, partition), rowCount = partitionRows(table, partition);
  levelCount = 0;
  valueCount = 0;
  if (column.maxRepetition) gatherRepeated(column, rows, rowCount);
  else if (column.maxDefinition) gatherOptional(column, rows, rowCount);
  else gatherRequired(column, rows, rowCount, rowCount == table.rows);
  if (column.kind == Kind.DECIMAL && column.shift == 4) toBigEndian();
  const source = chunkSource();
  source.levelCount = levelCount;
  source.definitions = definitions;
  source.repetitions = repetitions;
  source.valueCount = valueCount;
  source.values = values;
  source.isNumbered = 0;
  if (column.kind != Kind.STRING) return;
  source.arena = column.dictionary.arena;
  source.isNumbered = column.mode == TextMode.NUMBERED ? 1 : 0;
  source.offsets = column.dictionary.offsets;
  source.numberCount = column.dictionary.count;
}

function reserveLevels(wanted: u32): void {
  if (wanted <= capacity) return;
  let wider = max<u32>(capacity, SLOTS_FIRST);
  while (wider < wanted) wider <<= 1;
  dealloc(values, capacity << 4);
  dealloc(definitions, capacity);
  dealloc(repetitions, capacity);
  values = alloc(wider << 4);
  definitions = alloc(wider);
  repetitions = alloc(wider);
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

function gatherRequired(column: Column, rows: Pointer, rowCount: u32, isWhole: bool): void {
  reserveLevels(rowCount);
  levelCount = rowCount;
  if (isWhole) {
    memory.copy(values, column.values, rowCount << column.shift);
    valueCount = rowCount;
  } else for (let i: u32 = 0; i < rowCount; i++) takeValue(column, load<u32>(rows + (i << 2)));
}

function gatherOptional(column: Column, rows: Pointer, rowCount: u32): void {
  reserveLevels(rowCount);
  levelCount = rowCount;
  for (let i: u32 = 0; i < rowCount; i++) {
    const row = load<u32>(rows + (i << 2)), definition = column.levelAt(row) & 0xff;
    store<u8>(definitions + i, definition);
    if (definition == column.maxDefinition) takeValue(column, row);
  }
}

function gatherRepeated(column: Column, rows: Pointer, rowCount: u32): void {
  let total: u32 = 0;
  for (let i: u32 = 0; i < rowCount; i++) {
    const row = load<u32>(rows + (i << 2));
    total += slotsBefore(column, row + 1) - slotsBefore(column, row);
  }
  reserveLevels(total);
  for (let i: u32 = 0; i < rowCount; i++) {
    const row = load<u32>(rows + (i << 2)), end = slotsBefore(column, row + 1);
    for (let slot = slotsBefore(column, row); slot < end; slot++) {
      const level = column.levelAt(slot), definition = level & 0xff;
      store<u8>(definitions + levelCount, definition);
      store<u8>(repetitions + levelCount, level >> 8);
      levelCount++;
      if (definition == column.maxDefinition) takeValue(column, slot);
    }
  }
}

/** Numbers of 16 bytes have their low half first, and pages want the high one first. */
function toBigEndian(): void {
  for (let at = values; at < values + (valueCount << 4); at += 16) {
    const low = bswap(load<u64>(at));
    store<u64>(at, bswap(load<u64>(at, 8)));
    store<u64>(at, low, 8);
  }
}
