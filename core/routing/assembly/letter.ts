import { clearExtras, takeExtra } from "./extras.ts";
import { Kind } from "./kind.ts";
import { Pointer } from "./memory.ts";
import { findField, keyEnd, nextObject, Node } from "./node.ts";
import { entryKey, entryValue, forgetEntry, isEntryTwice, parseField, RECORD_BYTES_MAX } from "./parse.ts";
import { skipValue } from "./skip.ts";
import { slotsBefore, Table } from "./table.ts";
import { CLOSE_OBJECT, OPEN_OBJECT, skipSpace, skipString } from "./text.ts";

/**
 * Records that are JSON but no plain rows, into the table of dead letters: the values of the fields
 * that are right, and a list of what is wrong for the other side to put in words.
 */

const enum Fault {
  /** The key comes a second time, whatever its value: that is not noted. */
  TWICE = 1,
  /** The value, at the addresses that stand with it, is not one of the field's. */
  VALUE = 2,
  MISSING = 3,
  /** The field's value is a map, and has an entry with such a value; its key is noted, too. */
  ENTRY = 4,
  /** It has a key, which is noted, a second time. */
  ENTRY_TWICE = 5,
}

const FAULTS_MAX: i32 = 16;

/** What is said of a fault, a word each. */
@unmanaged
class FaultEntry {
  fault: i32;
  field: i32;
  /** The value; 0 where none is to blame. */
  from: Pointer;
  to: Pointer;
  /** The key of an entry with its quotes; else 0. */
  keyFrom: Pointer;
  keyTo: Pointer;
}

const FAULTS: Pointer = <u32> memory.data(16 * 24, 8);
let faults: i32 = 0;

@inline
export function faultAt(index: i32): FaultEntry {
  return changetype<FaultEntry>(FAULTS + <u32> index * offsetof<FaultEntry>());
}

export function failsPtr(): Pointer {
  return FAULTS;
}

export function failCount(): i32 {
  return faults;
}

export const enum LetterVerdict {
  READ = 0,
  NO_OBJECT = 1,
  /** Only the judge knows; nothing is kept. */
  TOO_ODD = 2,
}

/** Reads a record, which is JSON, into a table where each value may be null; not yet a row. */
export function letterParse(table: Table, p: Pointer): i32 {
  faults = 0;
  clearExtras();
  if (load<u8>(p) != OPEN_OBJECT) {
    letterNulls(table);
    return LetterVerdict.NO_OBJECT;
  }
  const root = table.root, object = nextObject();
  if (root.judgeAlone) return LetterVerdict.TOO_ODD;
  const past = readFields(table, skipSpace(p + 1), object);
  if (past && past - p <= RECORD_BYTES_MAX && nullMissing(root, object)) return LetterVerdict.READ;
  table.rollback();
  return LetterVerdict.TOO_ODD;
}

/** Past the last member; 0 where only the judge knows. */
function readFields(table: Table, p: Pointer, object: u64): Pointer {
  const root = table.root;
  let previous = root.fieldCount;
  if (load<u8>(p) == CLOSE_OBJECT) return p;
  while (true) {
    const index = findField(root, p, previous);
    if (index < 0) {
      p = takeExtra(p, true);
    } else {
      previous = index;
      p = readField(table, index, skipSpace(skipSpace(keyEnd) + 1), object);
    }
    if (!p) return 0;
    p = skipSpace(p);
    if (load<u8>(p) == CLOSE_OBJECT) return p;
    p = skipSpace(p + 1);
  }
}

/** Past the value of a field; 0 for one fault too many. */
function readField(table: Table, index: i32, p: Pointer, object: u64): Pointer {
  const field = table.root.field(index);
  if (field.seenIn == object) {
    const past = skipValue(p);
    clearField(table, field.node);
    return addFault(Fault.TWICE, index, 0, 0) ? past : 0;
  }
  field.seenIn = object;
  forgetEntry();
  const past = parseField(field.node, p);
  if (past) return past;
  const end = skipValue(p);
  clearField(table, field.node);
  return addValueFault(field.node, index, p, end) ? end : 0;
}

/** Blames the first entry that is not right, where the value is a map of plain values. */
function addValueFault(node: Node, index: i32, p: Pointer, end: Pointer): bool {
  const isEntry = node.kind == Kind.MAP && entryKey && node.inner.kind < Kind.STRUCT;
  if (!isEntry || (!entryValue && !isEntryTwice)) return addFault(Fault.VALUE, index, p, end);
  const added = isEntryTwice
    ? addFault(Fault.ENTRY_TWICE, index, 0, 0)
    : addFault(Fault.ENTRY, index, entryValue, skipValue(entryValue));
  if (!added) return false;
  const entry = faultAt(faults - 1);
  entry.keyFrom = entryKey;
  entry.keyTo = skipString(entryKey + 1);
  return true;
}

function addFault(fault: i32, field: i32, from: Pointer, to: Pointer): bool {
  if (faults == FAULTS_MAX) return false;
  const entry = faultAt(faults++);
  entry.fault = fault;
  entry.field = field;
  entry.from = from;
  entry.to = to;
  entry.keyFrom = 0;
  entry.keyTo = 0;
  return true;
}

/** Null for a field that may have values in this row already. */
function clearField(table: Table, node: Node): void {
  for (let i = node.leafFrom; i < node.leafTo; i++) {
    const column = table.column(i);
    column.cut(slotsBefore(column, table.rows));
  }
  node.fillNull(node.definition - 1, 0);
}

function nullMissing(root: Node, object: u64): bool {
  for (let i = 0; i < root.fieldCount; i++) {
    const field = root.field(i);
    if (field.seenIn == object) continue;
    if (field.required && !addFault(Fault.MISSING, i, 0, 0)) return false;
    field.node.fillNull(field.node.definition - 1, 0);
  }
  return true;
}

/** Null for every field of the contract. */
export function letterNulls(table: Table): void {
  const root = table.root;
  for (let i = 0; i < root.fieldCount; i++) {
    const node = root.field(i).node;
    node.fillNull(node.definition - 1, 0);
  }
}

/** Makes what was read a row, with its reason, its detail and its text. */
export function commitLetter(
  table: Table,
  position: i32,
  reason: Pointer,
  reasonLength: u32,
  detail: Pointer,
  detailLength: u32,
  raw: Pointer,
  rawLength: u32,
): void {
  table.reasonColumn.appendText(reason, reasonLength, 0);
  table.detailColumn.appendText(detail, detailLength, 1);
  table.rawColumn.appendText(raw, rawLength, 1);
  table.commit(position);
}
