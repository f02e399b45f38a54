import { type ContractType, JSON_STRINGS_ONLY } from "../../contract/contract.ts";

/** The DuckDB type that a column is written with. */
export function columnType(type: ContractType): string {
  switch (type.kind) {
    case "string":
    case "json":
      return "VARCHAR";
    case "int":
      return "INTEGER";
    case "long":
      return "BIGINT";
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "struct":
      return `STRUCT(${type.fields.map((field) => `${quote(field.name)} ${columnType(field.type)}`).join(", ")})`;
    case "map":
      return `MAP(VARCHAR, ${columnType(type.value.type)})`;
    case "list":
      return `${columnType(type.element.type)}[]`;
    default:
      return type.kind.toUpperCase();
  }
}

/** The same shape with every leaf as text, which is how the judge hands values over. */
export function textType(type: ContractType): string {
  return columnType(mapLeaves(type, () => TEXT));
}

/**
 * The type that DuckDB's `from_json` reads a column of plain records as. Dates, instants and uuids
 * are read as text and cast afterwards: DuckDB would silently turn a wrong one into null, which
 * must be noticed here.
 */
export function readType(type: ContractType): string {
  return columnType(mapLeaves(type, (leaf) => isText(leaf) ? TEXT : leaf));
}

/**
 * An expression of `textType` cast to `columnType`. A float goes through double, as it does in
 * `from_json`.
 */
export function castFromText(expression: string, type: ContractType): string {
  if (type.kind === "string" || type.kind === "json") return expression;
  const through = columnType(mapLeaves(type, (leaf) => leaf.kind === "float" ? { kind: "double" } : leaf));
  const cast = `CAST(${expression} AS ${through})`;
  return through === columnType(type) ? cast : `CAST(${cast} AS ${columnType(type)})`;
}

const TEXT: ContractType = { kind: "string", accepts: JSON_STRINGS_ONLY };

function isText(type: ContractType): boolean {
  return ["date", "timestamp", "timestamptz", "uuid"].includes(type.kind);
}

function mapLeaves(type: ContractType, change: (leaf: ContractType) => ContractType): ContractType {
  switch (type.kind) {
    case "struct":
      return { ...type, fields: type.fields.map((field) => ({ ...field, type: mapLeaves(field.type, change) })) };
    case "map":
      return { ...type, value: { ...type.value, type: mapLeaves(type.value.type, change) } };
    case "list":
      return { ...type, element: { ...type.element, type: mapLeaves(type.element.type, change) } };
    default:
      return change(type);
  }
}

/** A name as a SQL identifier. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
