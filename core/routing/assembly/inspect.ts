import { Column, TextMode } from "./column.ts";
import { Pointer } from "./memory.ts";
import { slotsBefore } from "./table.ts";

/** What lies in a column, for those who check the reader. */

export function columnSlots(column: Column, rows: u32): u32 {
  return slotsBefore(column, rows);
}

export function columnValues(column: Column): Pointer {
  return column.values;
}

/** The level of a slot; 0 of a column without levels. */
export function columnLevel(column: Column, slot: u32): u32 {
  return column.levels ? column.levelAt(slot) : 0;
}

/** Where the text of a slot stands: its length in a word, and its bytes. */
export function columnText(column: Column, slot: u32): Pointer {
  const value = load<u32>(column.values + (slot << 2)), texts = column.dictionary;
  return texts.arena + (column.mode == TextMode.NUMBERED ? texts.offsetOf(value) : value);
}
