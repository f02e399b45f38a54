import { equalBytes } from "./bytes.ts";
import { Check } from "./check.ts";
import { Column } from "./column.ts";
import { alloc, allocZeroed, Pointer } from "./memory.ts";
import { decoded, decodedLength, decodeString, QUOTE, skipPlain } from "./text.ts";

/**
 * The contract as the parser walks it. A leaf has one column; the leaves below a node are
 * neighbours in its table, so that a null at any level fills a range of columns.
 */
@unmanaged
export class Node {
  kind: i32;
  nullable: i32;
  /** Set where only the judge reads the value, or the whole record if this is the root. */
  judgeAlone: i32;
  acceptsNumbers: i32;
  acceptsBooleans: i32;
  acceptsNested: i32;
  /** Of a decimal. */
  precision: i32;
  scale: i32;
  /** Definition level of a value that is there. */
  definition: i32;
  /** Repetition level of a second element of this list, or entry of this map. */
  repetition: i32;
  column: Column;
  /** Of a map. */
  keyColumn: Column;
  /** 0 where nothing is asked of the value, or of a map's keys. */
  check: Check;
  keyCheck: Check;
  /** Of a map's values or a list's elements. */
  inner: Node;
  fields: Pointer;
  fieldCount: i32;
  /** The field that came after this one last time: a guess, learned from the records. */
  followers: Pointer;
  /** The table's columns, and the range of those below this node. */
  columns: Pointer;
  leafFrom: i32;
  leafTo: i32;
  /** Of the root, where extra fields are kept; else 0. */
  rescued: Column;

  @inline
  field(index: i32): StructField {
    return changetype<StructField>(this.fields + <u32> index * offsetof<StructField>());
  }

  @inline
  leaf(index: i32): Column {
    return changetype<Column>(load<u32>(this.columns + (<u32> index << 2)));
  }

  @inline
  followerOf(previous: i32): Pointer {
    return this.followers + (<u32> previous << 2);
  }

  /** One null, or one empty list or map, in all columns below. */
  fillNull(definition: i32, repetition: i32): void {
    const level = levelOf(definition, repetition);
    for (let i = this.leafFrom; i < this.leafTo; i++) this.leaf(i).appendNull(level);
  }
}

@unmanaged
class StructField {
  /** The name as a JSON string in its plainest spelling. */
  quoted: Pointer;
  quotedLength: u32;
  /** The name itself. */
  name: Pointer;
  nameLength: u32;
  node: Node;
  required: i32;
  /** The object in which the field was seen last. */
  seenIn: u64;
}

@inline
export function levelOf(definition: i32, repetition: i32): i32 {
  return definition | (repetition << 8);
}

/** Objects and maps read so far: what was seen in this one carries its number. */
let objects: u64 = 0;

@inline
export function nextObject(): u64 {
  return ++objects;
}

export function newNode(kind: i32, columns: Pointer, leafFrom: i32, leafTo: i32): Node {
  const made = changetype<Node>(allocZeroed(offsetof<Node>()));
  made.kind = kind;
  made.columns = columns;
  made.leafFrom = leafFrom;
  made.leafTo = leafTo;
  return made;
}

export function setNullable(node: Node): void {
  node.nullable = 1;
}

export function setJudgeAlone(node: Node): void {
  node.judgeAlone = 1;
}

export function setAccepted(node: Node, numbers: i32, booleans: i32, nested: i32): void {
  node.acceptsNumbers = numbers;
  node.acceptsBooleans = booleans;
  node.acceptsNested = nested;
}

export function setDecimal(node: Node, precision: i32, scale: i32): void {
  node.precision = precision;
  node.scale = scale;
}

export function setCheck(node: Node, check: Check): void {
  node.check = check;
}

export function setKeyCheck(node: Node, check: Check): void {
  node.keyCheck = check;
}

export function setLevels(node: Node, definition: i32, repetition: i32): void {
  node.definition = definition;
  node.repetition = repetition;
}

export function setInner(node: Node, column: Column, keyColumn: Column, inner: Node): void {
  node.column = column;
  node.keyColumn = keyColumn;
  node.inner = inner;
}

export function setFieldCount(node: Node, count: i32): void {
  node.fieldCount = count;
  node.fields = allocZeroed(count * offsetof<StructField>());
  node.followers = alloc((count + 1) << 2);
  // At first in the order of the contract.
  for (let i = 0; i <= count; i++) store<i32>(node.followerOf(i), i == count ? 0 : (i + 1) % count);
}

export function setField(node: Node, index: i32, value: Node, required: i32): void {
  const field = node.field(index);
  field.node = value;
  field.required = required;
}

export function setFieldName(
  node: Node,
  index: i32,
  name: Pointer,
  length: u32,
  quoted: Pointer,
  quotedLength: u32,
): void {
  const field = node.field(index);
  field.name = name;
  field.nameLength = length;
  field.quoted = quoted;
  field.quotedLength = quotedLength;
}

/** Past the key that `searchField` found. */
export let keyEnd: Pointer = 0;

/** The same, the guess first: what `parseStruct` does in line. */
export function findField(node: Node, p: Pointer, previous: i32): i32 {
  const guess = load<i32>(node.followerOf(previous)), field = node.field(guess);
  if (!startsWith(p, field.quoted, field.quotedLength)) return searchField(node, p, previous);
  keyEnd = p + field.quotedLength;
  return guess;
}

/** The field of a struct whose key is at `p`; -1 where there is none, or the key is no text. */
export function searchField(node: Node, p: Pointer, previous: i32): i32 {
  for (let i = 0; i < node.fieldCount; i++) {
    const field = node.field(i);
    if (!startsWith(p, field.quoted, field.quotedLength)) continue;
    store<i32>(node.followerOf(previous), i);
    keyEnd = p + field.quotedLength;
    return i;
  }
  return hasEscape(p) ? searchEscaped(node, p) : -1;
}

/** Whether there is a backslash in the string at `p`. */
function hasEscape(p: Pointer): bool {
  if (load<u8>(p) != QUOTE) return false;
  return load<u8>(skipPlain(p + 1)) != QUOTE;
}

/** A name may be spelled with any escapes. */
function searchEscaped(node: Node, p: Pointer): i32 {
  const past = decodeString(p + 1);
  if (!past) return -1;
  for (let i = 0; i < node.fieldCount; i++) {
    const field = node.field(i);
    if (field.nameLength != decodedLength || !equalBytes(field.name, decoded, decodedLength)) continue;
    keyEnd = past;
    return i;
  }
  return -1;
}

/** Whether the text at `p` starts with a quoted name. */
@inline
export function startsWith(p: Pointer, quoted: Pointer, length: u32): bool {
  while (length > 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(quoted))) != 0xffff) return false;
    p += 16;
    quoted += 16;
    length -= 16;
  }
  const mask = (1 << length) - 1;
  return (i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(quoted))) & mask) == mask;
}
