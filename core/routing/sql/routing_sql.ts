import { boundsSql } from "./bound_sql.ts";
import { castFromText, columnType, quote, readType, textType } from "./column_sql.ts";
import type { Contract, ContractField, ContractType } from "../../contract/contract.ts";
import { VALUES_MAX } from "../../json/reader.ts";
import type { RecordQuery } from "./record_query.ts";
import { isDeep, type PlainPattern } from "./plain_pattern_sql.ts";

/**
 * The name of the function that plain routing hands every other record to: (file number, position,
 * text) → false.
 */
export const JUDGE_FUNCTION = "streamlab_judge";

/** Larger records are the judge's, who bounds their values: so few bytes cannot hold as many. */
const PLAIN_BYTES_MAX = VALUES_MAX;

export interface PlainQueryOptions {
  contract: Contract;
  pattern: PlainPattern;
  records: RecordQuery;
  /**
   * Column names to a SQL expression, after the contract's own: the metadata columns. May use
   * `_name`, `_position` and the contract's columns.
   */
  metadata: readonly (readonly [string, string])[];
}

/**
 * A query of the contract's columns and the metadata columns for the records that are plainly
 * events. All others are handed to `JUDGE_FUNCTION`, once each.
 */
export function plainQuery(options: PlainQueryOptions): string {
  const { contract, pattern, records, metadata } = options;
  const columns = contract.fields.map((field) => `${plainValue(field)} AS ${quote(field.name)}`);
  const accepted = contract.fields.flatMap(predicates);
  const condition = ["_parsed IS NOT NULL", ...accepted].join(" AND ");
  const names = contract.fields.map((field) => quote(field.name));
  const extra = metadata.map(([name, expression]) => `${expression} AS ${quote(name)}`);
  return `SELECT ${[...names, ...extra].join(", ")} FROM (
  SELECT _file, _name, _position, _record, _parsed${columns.map((column) => `, ${column}`).join("")} FROM (
    SELECT _file, _name, _position, _record, ${parsed(contract, pattern)} AS _parsed FROM (${records.sql}))
) WHERE CASE WHEN ${condition} THEN true ELSE ${JUDGE_FUNCTION}(_file, CAST(_position AS DOUBLE), _record) END`;
}

/** The record as a struct where it is plain, else null. */
function parsed(contract: Contract, pattern: PlainPattern): string {
  const structure = JSON.stringify(
    Object.fromEntries(contract.fields.map((field) => [field.name, readType(field.type)])),
  );
  const read = `from_json(_record, ${text(structure)})`;
  const arms = [`WHEN strlen(_record) > ${PLAIN_BYTES_MAX} THEN NULL`];
  if (pattern.learned !== undefined) {
    arms.push(`WHEN regexp_full_match(_record, ${text(pattern.learned)}) THEN ${read}`);
  }
  if (pattern.anyOrder !== undefined) {
    // The keys are looked at only where the learned orders did not match: it costs more parses.
    const conditions = [
      `regexp_full_match(_record, ${text(pattern.anyOrder)})`,
      "list_unique(json_keys(_record)) = len(json_keys(_record))",
      ...contract.fields.filter((field) => field.required)
        .map((field) => `list_contains(json_keys(_record), ${text(field.name)})`),
      ...contract.fields.filter((field) => !isDeep(field.type)).flatMap((field) => {
        const value = `${read}.${quote(field.name)}`;
        return keysOnce(value, field.type, 0).map((condition) => `(${value} IS NULL OR ${condition})`);
      }),
    ];
    arms.push(`WHEN ${conditions.join(" AND ")} THEN ${read}`);
  }
  if (arms.length === 1) return `NULL::${readStruct(contract)}`;
  // The last arm makes nothing of what is left, but is volatile: else the optimizer copies all of
  // this into each condition.
  return `CASE ${arms.join(" ")} WHEN random() < 0 THEN NULL END`;
}

function readStruct(contract: Contract): string {
  return `STRUCT(${contract.fields.map((field) => `${quote(field.name)} ${readType(field.type)}`).join(", ")})`;
}

function plainValue(field: ContractField): string {
  const value = `_parsed.${quote(field.name)}`;
  const type = columnType(field.type);
  if (type === readType(field.type)) return value;
  return `TRY_CAST(${value} AS ${type})`;
}

/**
 * What the pattern left open about a top-level column, on its typed value; a null that was written
 * as null passes.
 */
function predicates(field: ContractField): string[] {
  const value = quote(field.name);
  const wrong: string[] = [];
  if (columnType(field.type) !== readType(field.type)) wrong.push(`${value} IS NOT NULL`);
  wrong.push(...boundsSql(value, field.type, field.checks));
  const { minLength, maxLength } = field.checks;
  if (minLength !== undefined) wrong.push(`length(${value}) >= ${minLength}`);
  if (maxLength !== undefined) wrong.push(`length(${value}) <= ${maxLength}`);
  return wrong.map((condition) => `(_parsed.${value} IS NULL OR ${condition})`);
}

/** Conditions that no map inside the value has a key twice. */
function keysOnce(value: string, type: ContractType, depth: number): string[] {
  switch (type.kind) {
    case "map": {
      const inner = keysOnce(`e${depth}`, type.value.type, depth + 1);
      const once = `list_unique(map_keys(${value})) = cardinality(${value})`;
      return [once, ...everyElement(`map_values(${value})`, inner, depth)];
    }
    case "list":
      return everyElement(value, keysOnce(`e${depth}`, type.element.type, depth + 1), depth);
    case "struct":
      return type.fields.flatMap((field) => {
        const member = `${value}.${quote(field.name)}`;
        return keysOnce(member, field.type, depth).map((condition) => `(${member} IS NULL OR ${condition})`);
      });
    default:
      return [];
  }
}

function everyElement(list: string, conditions: readonly string[], depth: number): string[] {
  if (conditions.length === 0) return [];
  const all = conditions.join(" AND ");
  return [`len(list_filter(${list}, lambda e${depth}: e${depth} IS NOT NULL AND NOT (${all}))) = 0`];
}

/** The contract's columns from a struct column of text values, as the judge hands them over. */
export function judgedColumns(contract: Contract, struct: string): string[] {
  return contract.fields.map((field) => {
    return `${castFromText(`${struct}.${quote(field.name)}`, field.type)} AS ${quote(field.name)}`;
  });
}

/** The type of that struct. */
export function judgedStruct(contract: Contract): string {
  return `STRUCT(${contract.fields.map((field) => `${quote(field.name)} ${textType(field.type)}`).join(", ")})`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
