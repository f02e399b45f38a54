import { type ContractField, type ContractType, keyOf } from "./contract.ts";
import { contractError, type ContractProblem } from "./contract_error.ts";

/** Names that differ only in case are one name to Spark, Trino and DuckDB. */
export function foldName(name: string): string {
  return name.toLowerCase();
}

/**
 * Why a field cannot have this name; undefined if it can. Top-level names that start with `_` are
 * ours (`_ingested_at`). NUL ends a name in engines written in C.
 */
export function whyNotAName(name: string, options: { underscoreIsOurs: boolean }): string | undefined {
  if (name === "") return "a field without a name is not supported";
  if (options.underscoreIsOurs && name.startsWith("_")) {
    return "column names that start with _ are kept for streamlab's own columns";
  }
  if (name.includes("\0")) return "a name must not hold the character NUL";
  if (!name.isWellFormed()) return "the name is not Unicode text (half a surrogate pair)";
  return undefined;
}

/** Names that no table can carry, and two of one struct that differ only in case. */
export function fieldNameProblems(
  fields: readonly ContractField[],
  pointer: string,
  options: { underscoreIsOurs: boolean },
): ContractProblem[] {
  const problems: ContractProblem[] = [];
  const folded = new Map<string, string>();
  for (const field of fields) {
    const { name } = field;
    const reason = whyNotAName(name, options);
    if (reason !== undefined) {
      problems.push(contractError(`${pointer}/${keyOf(field).toWellFormed()}`, reason, RENAMING));
    }
    const other = folded.get(foldName(name));
    if (other !== undefined) {
      const names = `${JSON.stringify(other)} and ${JSON.stringify(name)}`;
      const why = other === name ? "are one column" : "differ only in case, and most engines take them for one column";
      problems.push(contractError(pointer, `${names} ${why}`, RENAMING));
    }
    folded.set(foldName(name), name);
  }
  return problems;
}

const RENAMING = '"x-column": "NAME" in a field\'s schema gives its column another name';

/**
 * Refuses two fields anywhere whose full names (parts joined by dots, as Iceberg's Java code
 * indexes them) are equal: a column "a.b" beside a struct a with a field b.
 */
export function checkFullNames(fields: readonly ContractField[]): void {
  const seen = new Set<string>();
  for (const name of fullNames(fields)) {
    if (seen.has(foldName(name))) {
      throw contractError("", `two fields have the full name ${JSON.stringify(name)}, which engines cannot tell apart`);
    }
    seen.add(foldName(name));
  }
}

/** The full names of fields at any depth, one for each field, duplicates included. */
export function fullNames(fields: readonly ContractField[]): string[] {
  const names: string[] = [];
  const walk = (type: ContractType, name: string): void => {
    names.push(name);
    if (type.kind === "struct") type.fields.forEach((field) => walk(field.type, `${name}.${field.name}`));
    if (type.kind === "list") walk(type.element.type, `${name}.element`);
    if (type.kind === "map") {
      names.push(`${name}.key`);
      walk(type.value.type, `${name}.value`);
    }
  };
  fields.forEach((field) => walk(field.type, field.name));
  return names;
}
