import { Column } from "./column.ts";
import { Dictionary, newDictionary } from "./dictionary.ts";
import { Pointer } from "./memory.ts";
import { Table } from "./table.ts";

/**
 * Numbers for the days or hours of a column of instants. Rows have few different ones, and what the
 * number of each is, the other side tells once for all of them.
 */

let units: Dictionary = changetype<Dictionary>(0);

/** The unit that is looked for, with room behind it to be hashed. */
const UNIT: Pointer = <u32> memory.data(32, 8);

/** Forgets the numbers of all units: those of another column are others. */
export function forgetUnits(): void {
  if (changetype<u32>(units)) units.clear();
  else units = newDictionary();
}

/**
 * Writes the number of each row's unit of so many microseconds to `numbers`, from `row` on, and
 * `none` for a null. Returns the first row whose unit has no number yet, or how many rows there
 * are.
 */
export function numberUnits(table: Table, column: Column, numbers: Pointer, row: u32, micros: i64, none: u32): u32 {
  let from: i64 = 0, length: u64 = 0, number: u32 = 0;
  for (const rows = table.rows; row < rows; row++) {
    let found = none;
    if (!column.levels || <i32> column.levelAt(row) >= column.maxDefinition) {
      const value = load<i64>(column.values + (row << 3));
      if (<u64> (value - from) >= length) {
        let unit = value / micros;
        if (unit * micros > value) unit--;
        store<i64>(UNIT, unit);
        const id = units.find(UNIT, 8);
        if (id < 0) return row;
        number = load<u32>(units.note(id));
        from = unit * micros;
        length = <u64> micros;
      }
      found = number;
    }
    store<u32>(numbers + (row << 2), found);
  }
  return row;
}

/** Tells the number of the unit that was missing. */
export function keepUnitNumber(number: u32): void {
  store<u32>(units.note(units.intern(UNIT, 8)), number);
}

/** The unit that was missing. */
export function missingUnit(): i64 {
  return load<i64>(UNIT);
}
