import { decimalBytesRequired } from "../../../iceberg/format/single_value.ts";
import { type Field, isPrimitive, type PrimitiveType, type Type } from "../../../iceberg/format/type.ts";
import { CompactWriter } from "./compact_writer.ts";

/** Parquet's physical types, by their numbers in parquet.thrift. */
export const PHYSICAL = { boolean: 0, int32: 1, int64: 2, float: 4, double: 5, byteArray: 6, fixed: 7 } as const;

const encoder = new TextEncoder();
const thrift = new CompactWriter();

const REQUIRED = 0;
const OPTIONAL = 1;
const REPEATED = 2;

/** The older names of logical types (ConvertedType), which readers before Parquet 2.4 go by. */
const CONVERTED = { utf8: 0, map: 1, list: 3, decimal: 5, date: 6, timeMicros: 8, timestampMicros: 10 } as const;

/** A column with values: the schema's leaves, in its order. */
export interface ParquetLeaf {
  /** Names from the top down in UTF-8, those of Parquet's own levels included. */
  path: Uint8Array[];
  /** As `WrittenColumn` has it. */
  names: string[];
  fieldId: number;
  type: PrimitiveType;
  physical: number;
  /** Bytes of a fixed-length value; else 0. */
  width: number;
  maxDefinition: number;
  maxRepetition: number;
}

/** A node of the schema as the footer lists it, parents first. */
interface SchemaNode {
  name: string;
  repetition: number | undefined;
  fieldId: number | undefined;
  children: number;
  leaf: ParquetLeaf | undefined;
  group: "list" | "map" | undefined;
}

/** The columns of a table as Parquet has them (Iceberg specification, Appendix A: Parquet). */
export class ParquetSchema {
  readonly leaves: ParquetLeaf[] = [];
  readonly #nodes: SchemaNode[] = [];
  /** The nodes as every footer has them. */
  #written: Uint8Array[] | undefined;

  constructor(fields: readonly Field[]) {
    this.#addNode({ name: "table", children: fields.length });
    for (const field of fields) this.#addField(field, TOP);
  }

  /** The footer's list of schema elements: field 2 of FileMetaData. */
  write(thrift: CompactWriter): void {
    this.#written ??= this.#nodes.map(writtenElement);
    thrift.finishedStructs(2, this.#written);
  }

  #addField(field: Field, parent: Level): void {
    const { name, type } = field;
    const level: Level = {
      path: [...parent.path, name],
      names: [...parent.names, name],
      definition: parent.definition + (field.required ? 0 : 1),
      repetition: parent.repetition,
    };
    const node = { name, repetition: field.required ? REQUIRED : OPTIONAL, fieldId: field.id };
    if (isPrimitive(type)) this.#addNode({ ...node, leaf: this.#addLeaf(type, field.id, level) });
    else if (type.type === "struct") {
      this.#addNode({ ...node, children: type.fields.length });
      for (const child of type.fields) this.#addField(child, level);
    } else this.#addRepeated(type, node, level);
  }

  /** Lists and maps in three levels: the column, what repeats, and what is in it. */
  #addRepeated(
    type: Type & { type: "list" | "map" },
    node: Partial<SchemaNode> & { name: string },
    outer: Level,
  ): void {
    const isMap = type.type === "map";
    const repeated = isMap ? "key_value" : "list";
    const inner: Level = {
      path: [...outer.path, repeated],
      names: outer.names,
      definition: outer.definition + 1,
      repetition: outer.repetition + 1,
    };
    this.#addNode({ ...node, children: 1, group: type.type });
    this.#addNode({ name: repeated, repetition: REPEATED, children: isMap ? 2 : 1 });
    if (type.type === "list") {
      this.#addField(
        { id: type.elementId, name: "element", required: type.elementRequired, type: type.element },
        inner,
      );
    } else {
      this.#addField({ id: type.keyId, name: "key", required: true, type: type.key }, inner);
      this.#addField({ id: type.valueId, name: "value", required: type.valueRequired, type: type.value }, inner);
    }
  }

  #addLeaf(type: PrimitiveType, fieldId: number, { path, names, definition, repetition }: Level): ParquetLeaf {
    const levels = { maxDefinition: definition, maxRepetition: repetition };
    const leaf = {
      path: path.map((name) => encoder.encode(name)),
      names,
      fieldId,
      type,
      physical: physicalOf(type),
      width: widthOf(type),
      ...levels,
    };
    this.leaves.push(leaf);
    return leaf;
  }

  #addNode(node: Partial<SchemaNode> & { name: string }): void {
    const { name, repetition, fieldId, children = 0, leaf, group } = node;
    this.#nodes.push({ name, repetition, fieldId, children, leaf, group });
  }
}

/** Where a field stands: what its parents add. */
interface Level {
  path: string[];
  names: string[];
  definition: number;
  repetition: number;
}

const TOP: Level = { path: [], names: [], definition: 0, repetition: 0 };

function physicalOf(type: PrimitiveType): number {
  switch (type.type) {
    case "boolean":
      return PHYSICAL.boolean;
    case "int":
    case "date":
      return PHYSICAL.int32;
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
      return PHYSICAL.int64;
    case "float":
      return PHYSICAL.float;
    case "double":
      return PHYSICAL.double;
    case "string":
    case "binary":
      return PHYSICAL.byteArray;
    case "uuid":
    case "fixed":
      return PHYSICAL.fixed;
    case "decimal":
      return type.precision <= 9 ? PHYSICAL.int32 : type.precision <= 18 ? PHYSICAL.int64 : PHYSICAL.fixed;
  }
}

function widthOf(type: PrimitiveType): number {
  if (type.type === "uuid") return 16;
  if (type.type === "fixed") return type.length;
  return type.type === "decimal" && type.precision > 18 ? decimalBytesRequired(type.precision) : 0;
}

function writtenElement({ name, repetition, fieldId, children, leaf, group }: SchemaNode): Uint8Array {
  if (leaf !== undefined) {
    thrift.i32(1, leaf.physical);
    if (leaf.width > 0) thrift.i32(2, leaf.width);
  }
  if (repetition !== undefined) thrift.i32(3, repetition);
  thrift.text(4, name);
  if (leaf === undefined) thrift.i32(5, children);
  const converted = leaf === undefined ? group && CONVERTED[group] : convertedOf(leaf.type);
  if (converted !== undefined) thrift.i32(6, converted);
  if (leaf?.type.type === "decimal") {
    thrift.i32(7, leaf.type.scale);
    thrift.i32(8, leaf.type.precision);
  }
  if (fieldId !== undefined) thrift.i32(9, fieldId);
  if (leaf !== undefined) writeLogicalType(leaf.type);
  else if (group !== undefined) thrift.struct(10, () => thrift.emptyStruct(group === "map" ? 2 : 3));
  return thrift.finish();
}

/**
 * Local times have the older name, too, though it says UTC: so the format wants it, for readers
 * that know no other (LogicalTypes.md, "Local semantics").
 */
function convertedOf(type: PrimitiveType): number | undefined {
  switch (type.type) {
    case "string":
      return CONVERTED.utf8;
    case "decimal":
      return CONVERTED.decimal;
    case "date":
      return CONVERTED.date;
    case "time":
      return CONVERTED.timeMicros;
    case "timestamp":
    case "timestamptz":
      return CONVERTED.timestampMicros;
    default:
      return undefined;
  }
}

/** LogicalType, a union: its one field is the type. */
function writeLogicalType(type: PrimitiveType): void {
  switch (type.type) {
    case "string":
      return thrift.struct(10, () => thrift.emptyStruct(1));
    case "decimal":
      return thrift.struct(10, () =>
        thrift.struct(5, () => {
          thrift.i32(1, type.scale);
          thrift.i32(2, type.precision);
        }));
    case "date":
      return thrift.struct(10, () => thrift.emptyStruct(6));
    case "time":
      return writeMicros(7, false);
    case "timestamp":
    case "timestamptz":
      return writeMicros(8, type.type === "timestamptz");
    case "uuid":
      return thrift.struct(10, () => thrift.emptyStruct(14));
  }
}

function writeMicros(id: number, isAdjustedToUtc: boolean): void {
  const micros = () => thrift.struct(2, () => thrift.emptyStruct(2));
  thrift.struct(10, () =>
    thrift.struct(id, () => {
      thrift.bool(1, isAdjustedToUtc);
      micros();
    }));
}
