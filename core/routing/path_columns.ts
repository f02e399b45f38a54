import { isJsonSpace } from "../base/json.ts";
import { StreamlabError } from "../base/errors.ts";
import { type ContractField, type ContractType, keyOf, type TypeKind } from "../contract/contract.ts";

/** What Hive and others write for null. */
const NULL_VALUE = "__HIVE_DEFAULT_PARTITION__";
const NUMBERS: ReadonlySet<TypeKind> = new Set<TypeKind>(["int", "long", "float", "double", "decimal"]);
const NESTED: ReadonlySet<TypeKind> = new Set<TypeKind>(["struct", "map", "list"]);
/** Besides the digits that JSON allows, zeros before them: `hour=03`. */
const NUMBER = /^(-?)0*(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)$/;
const SPACE = 0x20, COMMA = 0x2c, OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/**
 * What the folders of a file's path (`dt=2026-03-01/hour=03/`) say of some fields, as members of a
 * JSON object. What the contract's type does not take stays text, which the judge refuses in its
 * own words; without `typeOf` digits are a number. Empty where no folder names one. Of two folders
 * of one name the inner one counts.
 */
export function pathMembers(
  name: string,
  columns: readonly string[],
  typeOf?: (key: string) => ContractType | undefined,
): string {
  const folders = name.split("/").slice(0, -1);
  return columns.flatMap((key) => {
    const folder = folders.findLast((each) => each.startsWith(`${key}=`));
    if (folder === undefined) return [];
    const text = unescaped(folder.slice(key.length + 1));
    const isNumber = typeOf === undefined || isNumeric(typeOf(key));
    return [`${JSON.stringify(key)}:${valueJson(text, isNumber, typeOf?.(key)?.kind === "boolean")}`];
  }).join(",");
}

/** The contract's type for each key. */
export function typeOfKey(fields: readonly ContractField[]): (key: string) => ContractType | undefined {
  const types = new Map(fields.map((field) => [keyOf(field), field.type]));
  return (key) => types.get(key);
}

/** Fails with `usage` where the contract has no single value for one. */
export function checkPathColumns(columns: readonly string[], fields: readonly ContractField[]): void {
  const typeOf = typeOfKey(fields);
  for (const key of columns) {
    const kind = typeOf(key)?.kind;
    if (kind !== undefined && !NESTED.has(kind)) continue;
    const why = kind === undefined ? "has no such field" : `says that it is a ${kind}`;
    throw new StreamlabError("usage", `Cannot take ${key} from the folders of paths: the contract ${why}`, {
      hint: "Name fields of the contract that have one value, as in --path-columns dt,hour for dt=2026-03-01/hour=03/",
    });
  }
}

/** An object's text with members before its own; what is no object stays as it is. */
export function withMembers(record: string, members: string): string {
  if (members === "" || !record.startsWith("{")) return record;
  const rest = record.slice(1);
  return `{${members}${/^\s*\}/.test(rest) ? " " : ","}${rest}`;
}

/**
 * The same in place: the record stands in `bytes` from `at` on, and before it is room for the
 * members and a byte. Returns where it starts then.
 */
export function prependMembers(bytes: Uint8Array, at: number, members: Uint8Array): number {
  if (members.length === 0 || bytes[at] !== OPEN_OBJECT) return at;
  let first = at + 1;
  while (isJsonSpace(bytes[first]!)) first++;
  bytes[at] = bytes[first] === CLOSE_OBJECT ? SPACE : COMMA;
  const start = at - members.length - 1;
  bytes[start] = OPEN_OBJECT;
  bytes.set(members, start + 1);
  return start;
}

function isNumeric(type: ContractType | undefined): boolean {
  if (type === undefined) return false;
  return NUMBERS.has(type.kind) || (type.kind === "timestamptz" && type.written?.as === "epoch");
}

function valueJson(text: string, isNumber: boolean, isBoolean: boolean): string {
  if (text === NULL_VALUE) return "null";
  const [, sign, digits] = isNumber ? NUMBER.exec(text) ?? [] : [];
  if (digits !== undefined) return `${sign}${digits}`;
  return isBoolean && (text === "true" || text === "false") ? text : JSON.stringify(text);
}

/** Hive escapes what a folder's name may not hold as `%3A`. */
function unescaped(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
