import type { Checks, Contract, ContractField, ContractType, ContractValue } from "../../contract/contract.ts";
import { judgesField, judgesRecords, judgesValues } from "../../contract/judge_alone.ts";

/**
 * The plain pattern: a regular expression (RE2's dialect, matched against a record's whole text)
 * that holds only for records that are certainly valid events, written in an ordinary way. It is an
 * accelerator, not the rule: what it does not match goes to the exact judge (`judge.ts`), so it may
 * be narrow, but it must never match what the judge refuses, nor a value that DuckDB's `from_json`
 * would not return exactly as it was written.
 *
 * Regular expressions cannot see that a date does not exist (30 February): routing SQL checks that
 * on the parsed values. Dates inside nested types, which it does not look at, are plain up to day
 * 28.
 */
export interface PlainPattern {
  /**
   * Records whose keys, those of maps included, stand in one of the orders that were learned from
   * samples: no key can be missing or stand twice. Undefined where no order is known, or no record
   * of this contract can be called plain.
   */
  readonly learned: string | undefined;
  /**
   * Top-level keys and keys of maps in any order, perhaps twice or not at all: that is for routing
   * SQL to check.
   */
  readonly anyOrder: string | undefined;
}

/**
 * In which order keys stood in a record: for an object of the contract's structs its keys and their
 * shapes, for a map its keys, for a list the shapes of its elements; null for what has no shape of
 * its own, or one that is not known.
 */
export type PlainShape =
  | { readonly keys: readonly (readonly [string, PlainShape])[] }
  | { readonly elements: readonly PlainShape[] }
  | { readonly mapKeys: readonly string[]; readonly value: PlainShape }
  | null;

/** More alternatives than this make the automaton large and the match slow. */
const SHAPES_MAX = 16;
/**
 * A longer pattern (a hundred columns in any order) takes more time than the judge; at ten times
 * that RE2 refuses it.
 */
const PATTERN_LENGTH_MAX = 64_000;
/** Levels of nesting that any order of keys is plain in. */
const LEVELS_MAX = 8;
/** A map with more keys than this holds data, not names; its keys will not come again. */
const MAP_KEYS_MAX = 16;

const SPACE = "[ \\t\\r\\n]*";
const HEX = "[0-9a-fA-F]";
/** An escape of a code unit that is no surrogate, or of a whole surrogate pair. */
const CODE_UNITS =
  `\\\\u(?:[0-9a-cA-CefEF]${HEX}{3}|[dD][0-7]${HEX}{2}|[dD][89abAB]${HEX}{2}\\\\u[dD][c-fC-F]${HEX}{2})`;
/** JSON strings that are Unicode text: every escape but lone surrogates. */
const TEXT = `"(?:[^"\\\\\\x00-\\x1f]|\\\\["\\\\/bfnrt]|${CODE_UNITS})*"`;
/** Numbers that DuckDB's reader gives back with the very digits that were written. */
const EXACT_TEXT_NUMBER = "0|-?[1-9][0-9]{0,14}|-?(?:0|[1-9][0-9]{0,8})\\.[0-9]{0,3}[1-9]|(?:0|-?[1-9][0-9]{0,8})\\.0";
/**
 * None that is -0.0, beside which plain rows would have to be written without dictionaries
 * (copy.ts).
 */
const REAL_NUMBER =
  "0(?:\\.[0-9]{1,17})?|-0\\.(?:[1-9][0-9]{0,16}|[0-9]{0,16}[1-9])|-?[1-9][0-9]{0,17}(?:\\.[0-9]{1,17})?";
const CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]";
const OFFSET = "(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])";
/** Years 0100 to 9899: no offset leads out of the years that the contract allows. */
const YEAR_MONTH = "(?:[1-8][0-9]{3}|9[0-8][0-9]{2}|0[1-9][0-9]{2})-(?:0[1-9]|1[0-2])";

/**
 * The plain pattern of a contract for records whose keys stand in one of `shapes`, the commonest
 * first.
 */
export function plainPattern(contract: Contract, shapes: readonly PlainShape[]): PlainPattern {
  if (judgesRecords(contract)) return { learned: undefined, anyOrder: undefined };
  const patterns = new Set<string>();
  let length = 0;
  for (const shape of shapes) {
    const pattern = objectPattern(contract.fields, shape, { topLevel: true, learned: true });
    if (pattern === undefined || patterns.has(pattern) || length + pattern.length > PATTERN_LENGTH_MAX) continue;
    patterns.add(pattern);
    length += pattern.length;
    if (patterns.size === SHAPES_MAX) break;
  }
  const members = memberPatterns(contract.fields);
  const anyOrder = members === undefined ? undefined : `\\{${listOf(alternatives(members))}\\}`;
  return {
    learned: patterns.size === 0 ? undefined : alternatives([...patterns]),
    anyOrder: anyOrder === undefined || anyOrder.length > PATTERN_LENGTH_MAX ? undefined : anyOrder,
  };
}

/** Where a value stands, and how much of its shape must be known. */
interface Place {
  /** Routing SQL can check what the pattern leaves open (see `predicates` in routing_sql.ts). */
  readonly topLevel: boolean;
  /** Maps are matched by their known keys only. */
  readonly learned: boolean;
}

/**
 * The shape of a parsed sample record, as far as the contract's structs and lists reach; undefined
 * where it is no such record.
 */
export function shapeOf(sample: unknown, contract: Contract): PlainShape | undefined {
  return structShape(sample, contract.fields);
}

function structShape(value: unknown, fields: readonly ContractField[]): PlainShape | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const keys: (readonly [string, PlainShape])[] = [];
  for (const [name, item] of Object.entries(value)) {
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) return undefined;
    keys.push([name, valueShape(item, field.type)]);
  }
  return { keys };
}

function valueShape(value: unknown, type: ContractType): PlainShape {
  if (type.kind === "struct") return structShape(value, type.fields) ?? null;
  if (type.kind === "map") return mapShape(value, type);
  if (type.kind !== "list" || !Array.isArray(value)) return null;
  const elements = new Map<string, PlainShape>();
  for (const item of value.slice(0, SHAPES_MAX)) {
    const shape = valueShape(item, type.element.type);
    elements.set(JSON.stringify(shape), shape);
  }
  return { elements: [...elements.values()] };
}

function mapShape(value: unknown, type: ContractType & { kind: "map" }): PlainShape {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const entries = Object.entries(value);
  if (entries.length > MAP_KEYS_MAX) return null;
  // Values of maps rarely have a shape; the first one stands for all.
  return {
    mapKeys: entries.map(([key]) => key),
    value: entries.length === 0 ? null : valueShape(entries[0]![1], type.value.type),
  };
}

function ownShape(type: ContractType): PlainShape {
  if (type.kind === "struct") return { keys: type.fields.map((field) => [field.name, ownShape(field.type)]) };
  return type.kind === "list" ? { elements: [ownShape(type.element.type)] } : null;
}

/**
 * An object with exactly the keys of `shape`, in that order. Keys of the contract that the shape
 * lacks must be optional.
 */
function objectPattern(fields: readonly ContractField[], shape: PlainShape, place: Place): string | undefined {
  if (shape === null || !("keys" in shape)) return undefined;
  const names = new Set(shape.keys.map(([name]) => name));
  if (names.size !== shape.keys.length || fields.some((field) => field.required && !names.has(field.name))) {
    return undefined;
  }
  const members: string[] = [];
  for (const [name, inner] of shape.keys) {
    const field = fields.find((candidate) => candidate.name === name);
    const member = field === undefined ? undefined : memberPattern(field, inner, place);
    if (member === undefined) return undefined;
    members.push(member);
  }
  return `\\{${SPACE}${members.join(`${SPACE},${SPACE}`)}${SPACE}\\}`;
}

/**
 * Whether a type is nested so deep that routing SQL cannot look for keys that stand twice in it:
 * DuckDB takes twice as long for each level of lambdas.
 */
export function isDeep(type: ContractType, levels = LEVELS_MAX): boolean {
  switch (type.kind) {
    case "struct":
      return levels === 0 || type.fields.some((field) => isDeep(field.type, levels - 1));
    case "list":
      return levels === 0 || isDeep(type.element.type, levels - 1);
    case "map":
      return levels === 0 || isDeep(type.value.type, levels - 1);
    default:
      return false;
  }
}

function memberPatterns(fields: readonly ContractField[]): string[] | undefined {
  const members: string[] = [];
  for (const field of fields) {
    const member = isDeep(field.type)
      ? undefined
      : memberPattern(field, ownShape(field.type), { topLevel: true, learned: false });
    if (member !== undefined) members.push(member);
    else if (field.required) return undefined;
  }
  return members;
}

function memberPattern(field: ContractField, shape: PlainShape, place: Place): string | undefined {
  if (judgesField(field)) return undefined;
  const value = valuePattern(field, shape, place);
  if (value === undefined) return undefined;
  const orNull = field.nullable || !field.required ? `(?:${value}|null)` : `(?:${value})`;
  return `${literal(JSON.stringify(field.name))}${SPACE}:${SPACE}${orNull}`;
}

function valuePattern(value: ContractValue, shape: PlainShape, place: Place): string | undefined {
  if (judgesValues(value) || !coveredChecks(value, place.topLevel)) return undefined;
  const pattern = typePattern(value, shape, place);
  // A list's pattern holds its element's twice: nested, that doubles with every level.
  return pattern !== undefined && pattern.length > PATTERN_LENGTH_MAX ? undefined : pattern;
}

function typePattern(value: ContractValue, shape: PlainShape, place: Place): string | undefined {
  const type = value.type;
  const inner = { ...place, topLevel: false };
  switch (type.kind) {
    case "struct":
      return objectPattern(type.fields, shape, inner);
    case "list":
      return listPattern(type.element, shape, inner);
    case "map":
      return mapPattern(type, shape, inner);
    case "string":
      return textPattern(type, value.checks);
    default:
      return scalarPattern(type, place.topLevel);
  }
}

function scalarPattern(type: ContractType, topLevel: boolean): string | undefined {
  const day = topLevel ? "(?:0[1-9]|[12][0-9]|3[01])" : "(?:0[1-9]|1[0-9]|2[0-8])";
  switch (type.kind) {
    case "int":
      return "0|-?[1-9][0-9]{0,8}";
    case "long":
      return "0|-?[1-9][0-9]{0,17}";
    case "double":
      return `(?:${REAL_NUMBER})(?:[eE][+-]?[0-9]{1,2})?`;
    case "float":
      return `(?:${REAL_NUMBER})(?:[eE][+-]?[0-9])?`;
    case "decimal":
      return decimalPattern(type.precision, type.scale);
    case "boolean":
      return "true|false";
    case "date":
      return `"${YEAR_MONTH}-${day}"`;
    case "timestamptz":
      return `"${YEAR_MONTH}-${day}T${CLOCK}(?:\\.[0-9]{1,9})?${OFFSET}"`;
    case "uuid":
      return `"${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}"`;
    default:
      return undefined;
  }
}

/**
 * DuckDB's way to a decimal is a double times ten to the scale: that is the very integer while it
 * has at most fifteen digits, counting all that the scale asks for, whether they are written or
 * not.
 */
function decimalPattern(precision: number, scale: number): string | undefined {
  const whole = Math.min(precision - scale, 15 - scale);
  const tail = scale === 0 ? "" : `(?:\\.[0-9]{1,${scale}})?`;
  return whole <= 0 ? undefined : `0|-?[1-9][0-9]{0,${whole - 1}}${tail}`;
}

function textPattern(type: ContractType & { kind: "string" }, checks: Checks): string {
  if (checks.enum !== undefined) {
    return alternatives(
      checks.enum.filter((text) => /^[\x20-\x7e]*$/.test(text)).map((text) => literal(JSON.stringify(text))),
    );
  }
  const accepted = [TEXT];
  if (type.accepts.numbers) accepted.push(EXACT_TEXT_NUMBER);
  if (type.accepts.booleans) accepted.push("true|false");
  return alternatives(accepted);
}

function listPattern(element: ContractValue, shape: PlainShape, place: Place): string | undefined {
  const shapes = shape !== null && "elements" in shape && shape.elements.length > 0
    ? shape.elements
    : [ownShape(element.type)];
  const patterns = shapes.slice(0, SHAPES_MAX).map((inner) => valuePattern(element, inner, place));
  const plain = patterns.filter((pattern) => pattern !== undefined);
  if (plain.length === 0) return undefined;
  if (element.nullable) plain.push("null");
  return `\\[${listOf(alternatives(plain))}\\]`;
}

function mapPattern(type: ContractType & { kind: "map" }, shape: PlainShape, place: Place): string | undefined {
  if (Object.keys(type.keys).length > 0) return undefined;
  const known = shape !== null && "mapKeys" in shape ? shape : undefined;
  const value = valuePattern(type.value, known?.value ?? ownShape(type.value.type), place);
  if (value === undefined || (place.learned && known === undefined)) return undefined;
  const orNull = type.value.nullable ? `(?:${value}|null)` : `(?:${value})`;
  if (!place.learned) return `\\{${listOf(`${TEXT}${SPACE}:${SPACE}${orNull}`)}\\}`;
  const members = known!.mapKeys.map((key) => `${literal(JSON.stringify(key))}${SPACE}:${SPACE}${orNull}`);
  return `\\{${SPACE}${members.join(`${SPACE},${SPACE}`)}${SPACE}\\}`;
}

/** Checks that the pattern itself or, on a top-level column, routing SQL covers. */
function coveredChecks(value: ContractValue, topLevel: boolean): boolean {
  const { enum: allowed, pattern, ...bounds } = value.checks;
  if (pattern !== undefined) return false;
  if (allowed !== undefined && value.type.kind !== "string") return false;
  return topLevel || Object.keys(bounds).length === 0;
}

function listOf(item: string): string {
  return `${SPACE}(?:${item}${SPACE}(?:,${SPACE}${item}${SPACE})*)?`;
}

function alternatives(patterns: readonly string[]): string {
  return `(?:${patterns.join("|")})`;
}

/** Text as a pattern that matches it alone. */
function literal(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}
