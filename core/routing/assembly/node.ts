import { Column } from "./column.ts";
import { alloc, allocZeroed, Pointer } from "./memory.ts";

/**
 * The contract as the parser walks it. A leaf has one column; the leaves below a node are
 * neighbours in its table, so that a null at any level fills a range of columns.
 */
@unmanaged
export class Node {
  kind: i32;
  nullable: i32;
  acceptsNumbers: i32;
  acceptsBooleans: i32;
  /** Definition level of a value that is there. */
  definition: i32;
  /** Repetition level of a second element of this list, or entry of this map. */
  repetition: i32;
  column: Column;
  /** Of a map. */
  keyColumn: Column;
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
  isRoot: i32;

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
  node: Node;
  required: i32;
  /** The object in which the field was seen last. */
  seenIn: u32;
}

@inline
export function levelOf(definition: i32, repetition: i32): i32 {
  return definition | (repetition << 8);
}

/** Objects and maps read so far: what was seen in this one carries its number. */
let objects: u32 = 0;

@inline
export function nextObject(): u32 {
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

export function setAccepted(node: Node, nullable: i32, numbers: i32, booleans: i32): void {
  node.nullable = nullable;
  node.acceptsNumbers = numbers;
  node.acceptsBooleans = booleans;
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

export function setField(node: Node, index: i32, quoted: Pointer, quotedLength: u32, value: Node, required: i32): void {
  const field = node.field(index);
  field.quoted = quoted;
  field.quotedLength = quotedLength;
  field.node = value;
  field.required = required;
}
