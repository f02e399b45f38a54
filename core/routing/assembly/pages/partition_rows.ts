import { Column, TextMode } from "../column.ts";
import { Kind } from "../kind.ts";
import { alloc, allocZeroed, dealloc, Pointer } from "../memory.ts";
import { Table } from "../table.ts";

/** Bytes of texts that a dictionary keeps for the next rows. */
const DICTIONARY_KEPT_MAX: u32 = 8 << 20;

@inline
function countAt(counts: Pointer, index: i32): u32 {
  return load<u32>(counts + (<u32> index << 2));
}

/** Puts the rows in order by partition, in each as they came. There are `count` partitions. */
export function flushBegin(table: Table, count: i32): void {
  const rows = table.rows, partitions = max(count, 1);
  if (table.orderCapacity < rows) {
    dealloc(table.order, table.orderCapacity << 2);
    table.orderCapacity = table.rowCapacity;
    table.order = alloc(table.orderCapacity << 2);
  }
  dealloc(table.partitionStarts, (table.partitions + 1) << 2);
  table.partitions = partitions;
  const starts = allocZeroed((partitions + 1) << 2);
  table.partitionStarts = starts;
  for (let row: u32 = 0; row < rows; row++) {
    const next = starts + ((load<u32>(table.rowPartitions + (row << 2)) + 1) << 2);
    store<u32>(next, load<u32>(next) + 1);
  }
  for (let i = 0; i < partitions; i++) store<u32>(starts + ((i + 1) << 2), countAt(starts, i + 1) + countAt(starts, i));
  const places = alloc((partitions + 1) << 2);
  memory.copy(places, starts, (partitions + 1) << 2);
  for (let row: u32 = 0; row < rows; row++) {
    const place = places + (load<u32>(table.rowPartitions + (row << 2)) << 2);
    const at = load<u32>(place);
    store<u32>(table.order + (at << 2), row);
    store<u32>(place, at + 1);
  }
  dealloc(places, (partitions + 1) << 2);
}

export function partitionRows(table: Table, partition: i32): u32 {
  return countAt(table.partitionStarts, partition + 1) - countAt(table.partitionStarts, partition);
}

/** The first of a partition's rows in `order`. */
export function partitionOrder(table: Table, partition: i32): Pointer {
  return table.order + (countAt(table.partitionStarts, partition) << 2);
}

/** Forgets the rows; dictionaries stay while they are small. */
export function flushEnd(table: Table): void {
  table.rows = 0;
  table.slots = 0;
  table.fileRows = 0;
  table.fileSlots = 0;
  for (let i = 0; i < table.columnCount; i++) {
    const column = table.column(i);
    column.count = 0;
    // The file that is being read has its number there.
    if (column.kind == Kind.STRING && column != table.sourceColumn) clearTexts(column);
  }
}

function clearTexts(column: Column): void {
  const texts = column.dictionary;
  if (column.mode == TextMode.PLAIN || texts.arenaTop > DICTIONARY_KEPT_MAX) texts.clear();
  column.beginTexts();
}
