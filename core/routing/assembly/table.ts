import { Column, slotsFirst, TextMode } from "./column.ts";
import { Kind } from "./kind.ts";
import { alloc, allocZeroed, Pointer, realloc } from "./memory.ts";
import { Node } from "./node.ts";

/** About 100 MB: a record of a few bytes may have hundreds of columns, all of them null. */
const SLOTS_MAX: u32 = 1 << 24;

/** Bytes of file names that are kept: a reader sees more and more of them. */
const NAMES_KEPT_MAX: u32 = 1 << 20;

/** Rows in columns that wait to be written. */
@unmanaged
export class Table {
  columns: Pointer;
  columnCount: i32;
  /** Those of them that hold texts, and those that are repeated: a row's end concerns no others. */
  textColumns: Pointer;
  textCount: i32;
  repeatedColumns: Pointer;
  repeatedCount: i32;
  root: Node;
  rows: u32;
  /** Slots that the rows have taken, of all columns. */
  slots: u32;
  rowCapacity: u32;
  /** The number of each row's partition, from the other side. */
  rowPartitions: Pointer;
  sourceColumn: Column;
  positionColumn: Column;
  rawColumn: Column;
  reasonColumn: Column;
  detailColumn: Column;
  /** For extra fields; 0 where they are not kept. */
  rescuedColumn: Column;
  /** The current file in the source column, and the rows before it. */
  sourceNumber: u32;
  fileRows: u32;
  fileSlots: u32;
  /** Rows by partition, while they are written: `order` from where each partition starts. */
  order: Pointer;
  orderCapacity: u32;
  partitionStarts: Pointer;
  partitions: i32;

  @inline
  column(index: i32): Column {
    return listed(this.columns, index);
  }

  /** Makes what the columns got since the last row a row. */
  commit(position: i64): void {
    const row = this.rows;
    if (row == this.rowCapacity) {
      this.rowPartitions = realloc(this.rowPartitions, row << 2, row << 3);
      this.rowCapacity = row << 1;
    }
    this.sourceColumn.append32(this.sourceNumber, 0);
    if (position < 0) this.positionColumn.appendNull(0);
    else this.positionColumn.append64(position, this.positionColumn.maxDefinition);
    const rescued = this.rescuedColumn;
    if (changetype<u32>(rescued) && rescued.count == row) rescued.appendNull(0);
    this.rows = row + 1;
    let slots: u32 = this.columnCount;
    for (let i = 0; i < this.repeatedCount; i++) slots += endRow(listed(this.repeatedColumns, i), row);
    for (let i = 0; i < this.textCount; i++) {
      const column = listed(this.textColumns, i);
      column.rowArena = column.dictionary.arenaTop;
      column.rowMode = column.mode;
    }
    this.slots += slots;
  }

  /** Forgets what the columns got since the last row. */
  rollback(): void {
    const count = this.columnCount;
    for (let i = 0; i < count; i++) {
      const column = this.column(i);
      column.cut(slotsBefore(column, this.rows));
    }
  }
}

@inline
function listed(columns: Pointer, index: i32): Column {
  return changetype<Column>(load<u32>(columns + (<u32> index << 2)));
}

/** Slots of a column before a row. */
@inline
export function slotsBefore(column: Column, row: u32): u32 {
  return column.maxRepetition ? load<u32>(column.rowStarts + (row << 2)) : row;
}

/** Slots that a row has taken of a repeated column. */
@inline
function endRow(column: Column, row: u32): u32 {
  if (row + 1 == column.rowCapacity) {
    const capacity = column.rowCapacity;
    column.rowStarts = realloc(column.rowStarts, capacity << 2, capacity << 3);
    column.rowCapacity = capacity << 1;
  }
  store<u32>(column.rowStarts + ((row + 1) << 2), column.count);
  return column.count - load<u32>(column.rowStarts + (row << 2));
}

export function newTable(columnsMax: i32): Table {
  const made = changetype<Table>(allocZeroed(offsetof<Table>()));
  made.columns = allocZeroed(columnsMax << 2);
  made.textColumns = allocZeroed(columnsMax << 2);
  made.repeatedColumns = allocZeroed(columnsMax << 2);
  made.rowCapacity = slotsFirst;
  made.rowPartitions = alloc(slotsFirst << 2);
  return made;
}

export function columnsOf(table: Table): Pointer {
  return table.columns;
}

export function addColumn(table: Table, column: Column): void {
  store<u32>(table.columns + (table.columnCount << 2), changetype<u32>(column));
  table.columnCount++;
  if (column.kind == Kind.STRING) {
    store<u32>(table.textColumns + (table.textCount++ << 2), changetype<u32>(column));
  }
  if (column.maxRepetition) {
    store<u32>(table.repeatedColumns + (table.repeatedCount++ << 2), changetype<u32>(column));
  }
}

export function setRoot(table: Table, root: Node): void {
  table.root = root;
}

export function setRescuedColumn(table: Table, column: Column): void {
  table.rescuedColumn = column;
}

/** Lets the scan keep extra fields by itself; else the judge sees every record with any. */
export function rescueExtras(table: Table): void {
  table.root.rescued = table.rescuedColumn;
}

/** The extra fields of the row that is being made. */
export function appendRescued(table: Table, text: Pointer, length: u32): void {
  table.rescuedColumn.appendText(text, length, 1);
}

export function rowPartitionsOf(table: Table): Pointer {
  return table.rowPartitions;
}

export function setPlaceColumns(table: Table, source: Column, position: Column): void {
  table.sourceColumn = source;
  table.positionColumn = position;
}

export function setLetterColumns(table: Table, reason: Column, detail: Column, raw: Column): void {
  table.reasonColumn = reason;
  table.detailColumn = detail;
  table.rawColumn = raw;
}

/** Whether the rows take so much memory that they are to be written. */
export function isFull(table: Table): bool {
  return table.slots > SLOTS_MAX;
}

export function rowsOf(table: Table): u32 {
  return table.rows;
}

/** Bytes of text that wait in the columns. */
export function arenaBytes(table: Table): u32 {
  let bytes: u32 = 0;
  for (let i = 0; i < table.columnCount; i++) {
    const column = table.column(i);
    if (column.kind == Kind.STRING) bytes += column.dictionary.arenaTop;
  }
  return bytes;
}

/** The rows that follow are of this file; `undoFile` forgets them. */
export function beginFile(table: Table, name: Pointer, length: u32): void {
  const names = table.sourceColumn.dictionary;
  if (!table.rows && names.arenaTop > NAMES_KEPT_MAX) names.clear();
  table.sourceNumber = names.intern(name, length);
  keepRows(table);
}

/** `undoFile` forgets the rows that follow, and no others. */
export function keepRows(table: Table): void {
  table.fileRows = table.rows;
  table.fileSlots = table.slots;
  for (let i = 0; i < table.columnCount; i++) {
    const column = table.column(i);
    if (column.kind != Kind.STRING) continue;
    column.fileArena = column.dictionary.arenaTop;
    column.fileMode = column.mode;
  }
}

export function undoFile(table: Table): void {
  table.rows = table.fileRows;
  table.slots = table.fileSlots;
  for (let i = 0; i < table.columnCount; i++) {
    const column = table.column(i);
    if (column.kind == Kind.STRING && column.mode == TextMode.PLAIN && column.fileMode == TextMode.PLAIN) {
      column.rowArena = column.fileArena;
    }
  }
  table.rollback();
}

export function undoRow(table: Table): void {
  table.rollback();
}

export function commitEvent(table: Table, position: u32): void {
  table.commit(position);
}
