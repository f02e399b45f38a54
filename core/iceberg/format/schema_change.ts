import { StreamlabError } from "../../base/errors.ts";
import { assignFieldIds, childFields, fieldsById, type IndexedField, type Schema } from "./schema.ts";
import { Siblings } from "./siblings.ts";
import { type Field, isPrimitive, isPromotion, type PrimitiveType, type Type, typesEqual } from "./type.ts";

/**
 * One step of schema evolution. Columns are named by their path before the change (`address.city`,
 * `tags.element`).
 */
export type SchemaChange =
  /**
   * Appends to the table's columns, or to the struct at `parent` (`tags.element` or `map.value` for
   * the struct of a list or map).
   */
  | { change: "add-column"; parent?: string; field: Field }
  | { change: "drop-column"; path: string }
  | { change: "rename-column"; path: string; name: string }
  | { change: "widen-column"; path: string; type: PrimitiveType }
  | { change: "make-optional"; path: string }
  | { change: "set-doc"; path: string; doc: string | undefined }
  /** Moves a column to the first place among its siblings, or right after a named sibling. */
  | { change: "move-column"; path: string; after: string | undefined };

/**
 * Applies the changes in order (specification: "Schema Evolution"). New columns, nested ones
 * included, get ids after `lastColumnId`; ids are never reused. Throws `usage` for a change that
 * the specification does not allow.
 */
export function evolveSchema(
  schema: Schema,
  changes: SchemaChange[],
  lastColumnId: number,
): { schema: Schema; lastColumnId: number } {
  let current = schema, last = lastColumnId;
  // Most changes are of columns themselves: these are looked for once, not for each change.
  let columns: Siblings | undefined;
  for (let at = 0; at < changes.length;) {
    const change = changes[at]!;
    if (change.change !== "add-column") {
      columns ??= new Siblings(current.fields);
      if (!changeSibling(columns, change)) {
        current = changeColumn({ ...current, fields: columns.list() }, change);
        columns = undefined;
      }
      at++;
      continue;
    }
    const { parent } = change;
    const added: Field[] = [];
    for (let next: SchemaChange | undefined = change; isAdded(next, parent); next = changes[++at]) {
      const { fields, nextId } = assignFieldIds([next.field], last + 1);
      added.push(fields[0]!);
      last = nextId - 1;
    }
    if (parent === undefined) {
      columns ??= new Siblings(current.fields);
      append(columns, added, "");
    } else {
      if (columns !== undefined) current = { ...current, fields: columns.list() };
      columns = undefined;
      current = addInside(current, parent, added);
    }
  }
  return { schema: columns === undefined ? current : { ...current, fields: columns.list() }, lastColumnId: last };
}

function isAdded(change: SchemaChange | undefined, parent: string | undefined): change is AddColumn {
  return change?.change === "add-column" && change.parent === parent;
}

type AddColumn = Extract<SchemaChange, { change: "add-column" }>;

function addInside(schema: Schema, parentPath: string, added: readonly Field[]): Schema {
  const where = whereAdded(`${parentPath}.`, added[0]!);
  const parent = find(schema, parentPath, where);
  return replaceType(schema, parent.field.id, (type) => {
    if (type.type !== "struct") refuse(where, `"${parentPath}" is a ${type.type}`);
    const siblings = new Siblings(type.fields);
    append(siblings, added, `${parentPath}.`);
    return { type: "struct", fields: siblings.list() };
  });
}

function append(siblings: Siblings, added: readonly Field[], prefix: string): void {
  for (const field of added) {
    const where = whereAdded(prefix, field);
    if (field.required) refuse(where, "existing rows have no value for it, so it must be optional");
    if (siblings.get(field.name) !== undefined) refuse(where, "there is one of that name");
    siblings.append(field);
  }
}

function whereAdded(prefix: string, field: Field): string {
  return `add the column "${prefix}${field.name}"`;
}

/** False where the change is of another kind, or not of one of these. */
function changeSibling(siblings: Siblings, change: Exclude<SchemaChange, AddColumn>): boolean {
  const field = siblings.get(change.path);
  if (field === undefined) return false;
  switch (change.change) {
    case "make-optional":
      siblings.replace({ ...field, required: false });
      return true;
    case "widen-column":
      siblings.replace({ ...field, type: widened(field.type, change) });
      return true;
    case "move-column": {
      const { after } = change;
      if (after !== undefined && (after === field.name || siblings.get(after) === undefined)) return false;
      siblings.move(field.name, after);
      return true;
    }
    default:
      return false;
  }
}

function widened(type: Type, change: Extract<SchemaChange, { change: "widen-column" }>): Type {
  if (typesEqual(type, change.type)) return type;
  if (!isPrimitive(type) || !isPromotion(type, change.type)) {
    refuse(whereChanged(change), `a ${type.type} cannot become a ${change.type.type}`);
  }
  return change.type;
}

function whereChanged({ change, path }: Exclude<SchemaChange, AddColumn>): string {
  return `${change.replaceAll("-", " ")} "${path}"`;
}

function changeColumn(schema: Schema, change: Exclude<SchemaChange, AddColumn>): Schema {
  const where = whereChanged(change);
  const { field, parentId } = find(schema, change.path, where);
  const inSiblings = (edit: (siblings: Field[]) => Field[]) => editSiblings(schema, parentId, edit, where);
  const replaced = (next: Field) => inSiblings((all) => all.map((item) => item.id === field.id ? next : item));
  switch (change.change) {
    case "drop-column":
      if (schema.identifierFieldIds?.includes(field.id)) refuse(where, "it identifies rows");
      return inSiblings((all) => all.filter((item) => item.id !== field.id));
    case "rename-column":
      return inSiblings((all) => {
        if (all.some((item) => item.id !== field.id && item.name === change.name)) {
          refuse(where, `there is a "${change.name}" already`);
        }
        return all.map((item) => item.id === field.id ? { ...item, name: change.name } : item);
      });
    case "widen-column":
      return replaceType(schema, field.id, (type) => widened(type, change));
    case "make-optional":
      return isStructField(schema, parentId)
        ? replaced({ ...field, required: false })
        : makeElementOptional(schema, parentId!, field, where);
    case "set-doc": {
      const { doc: _doc, ...rest } = field;
      return replaced(change.doc === undefined ? rest : { ...rest, doc: change.doc });
    }
    case "move-column":
      return inSiblings((all) => move(all, field, change.after, where));
  }
}

function move(all: Field[], field: Field, after: string | undefined, where: string): Field[] {
  const rest = all.filter((item) => item.id !== field.id);
  const at = after === undefined ? 0 : rest.findIndex((item) => item.name === after) + 1;
  if (after !== undefined && at === 0) refuse(where, `there is no "${after}" beside it`);
  return rest.toSpliced(at, 0, field);
}

function makeElementOptional(schema: Schema, parentId: number, field: Field, where: string): Schema {
  return replaceType(schema, parentId, (type) => {
    if (type.type === "list") return { ...type, elementRequired: false };
    if (type.type === "map" && field.id === type.valueId) return { ...type, valueRequired: false };
    return refuse(where, "a map's keys are never null");
  });
}

function isStructField(schema: Schema, parentId: number | undefined): boolean {
  return parentId === undefined || fieldsById(schema).get(parentId)!.field.type.type === "struct";
}

function editSiblings(
  schema: Schema,
  parentId: number | undefined,
  edit: (siblings: Field[]) => Field[],
  where: string,
): Schema {
  if (parentId === undefined) return { ...schema, fields: edit(schema.fields) };
  return replaceType(schema, parentId, (type) => {
    if (type.type !== "struct") refuse(where, `it is part of a ${type.type}`);
    return { type: "struct", fields: edit(type.fields) };
  });
}

function find(schema: Schema, path: string, where: string): IndexedField {
  for (const indexed of fieldsById(schema).values()) if (indexed.path === path) return indexed;
  return refuse(where, "there is no such column");
}

/** Replaces the type of one field, element, key or value. */
function replaceType(schema: Schema, id: number, replace: (type: Type) => Type): Schema {
  const inType = (type: Type): Type => {
    if (!childFields(type).some((child) => containsId(child, id))) return type;
    if (type.type === "struct") return { ...type, fields: type.fields.map(inField) };
    if (type.type === "list") {
      return { ...type, element: type.elementId === id ? replace(type.element) : inType(type.element) };
    }
    if (type.type === "map") {
      if (type.keyId === id) return { ...type, key: replace(type.key) };
      return type.valueId === id
        ? { ...type, value: replace(type.value) }
        : { ...type, key: inType(type.key), value: inType(type.value) };
    }
    return type;
  };
  const inField = (field: Field): Field => {
    const type = field.id === id ? replace(field.type) : inType(field.type);
    return type === field.type ? field : { ...field, type };
  };
  return { ...schema, fields: schema.fields.map(inField) };
}

function containsId(field: Field, id: number): boolean {
  return field.id === id || childFields(field.type).some((child) => containsId(child, id));
}

function refuse(what: string, reason: string): never {
  throw new StreamlabError("usage", `Cannot ${what}: ${reason}`);
}
