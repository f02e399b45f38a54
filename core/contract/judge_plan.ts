import {
  type Checks,
  type Contract,
  type ContractField,
  type ContractType,
  type ContractValue,
  hasChecks,
  type InstantSpelling,
  keyOf,
  mayBeNull,
  type OnExtraFields,
  type TypeKind,
} from "./contract.ts";
import { Pattern } from "./pattern/pattern.ts";
import { type ExactNumber, exactNumber } from "../json/number.ts";
import { type JsonNode, parseJsonTree } from "../json/tree.ts";
import { SchemaCheck } from "./schema/schema_check.ts";

/** A contract prepared for `judge.ts`: lookups happen once here, not once per record. */
export interface JudgePlan {
  readonly onExtraFields: OnExtraFields;
  readonly root: StructPlan;
  /** What the record as a whole must satisfy besides. */
  readonly conditions: readonly JsonNode[];
  /** For the conditions of any value. */
  readonly schemaCheck: SchemaCheck;
}

export interface ValuePlan {
  readonly kind: TypeKind;
  readonly type: ContractType;
  readonly nullable: boolean;
  readonly checks: ChecksPlan | undefined;
  /** Schemas that the value must satisfy besides. */
  readonly conditions: readonly JsonNode[];
  readonly coerce: boolean;
  /** In messages: "expected …". */
  readonly expected: string;
  readonly struct: StructPlan | undefined;
  /** Of a map's values or a list's elements. */
  readonly inner: ValuePlan | undefined;
  /** Of a map's keys. */
  readonly keys: ChecksPlan | undefined;
}

export interface StructPlan {
  readonly names: readonly string[];
  /** As they are in records. */
  readonly keys: readonly string[];
  readonly values: readonly ValuePlan[];
  /** Each key as a JSON string in its plainest spelling. */
  readonly quoted: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** Whether a value that the column does not take is an extra field. */
  readonly loose: readonly boolean[];
  /** Indices of the fields whose key is required. */
  readonly required: readonly number[];
  /** The same, by field. */
  readonly isRequired: readonly boolean[];
  /** Every field null. */
  readonly empty: Readonly<Record<string, null>>;
  /**
   * The field that followed this one in the last record (the last entry: the first field). It
   * guesses the next key.
   */
  readonly follower: Int32Array;
  /** The number of the last object that had the field. */
  readonly seenIn: Float64Array;
}

export interface ChecksPlan {
  readonly enum: ReadonlySet<string> | undefined;
  readonly bounds: readonly BoundPlan[];
  readonly minLength: number;
  readonly maxLength: number;
  readonly pattern: Pattern | undefined;
}

export interface BoundPlan {
  readonly bound: ExactNumber;
  /** Whether this result of `compareNumbers(value, bound)` satisfies the bound. */
  readonly holds: (order: number) => boolean;
  readonly expected: string;
}

export function judgePlan(contract: Contract, onExtraFields: OnExtraFields): JudgePlan {
  const definitions = new Map(
    Object.entries(contract.definitions).map(([name, text]): [string, JsonNode] => [name, parseJsonTree(text)]),
  );
  return {
    onExtraFields,
    root: structPlan(contract.fields),
    conditions: contract.schemas.map(parseJsonTree),
    schemaCheck: new SchemaCheck(definitions),
  };
}

function structPlan(fields: readonly ContractField[]): StructPlan {
  const names = fields.map((field) => field.name), keys = fields.map(keyOf);
  return {
    names,
    keys,
    values: fields.map((field) => valuePlan(field, mayBeNull(field))),
    quoted: keys.map((key) => JSON.stringify(key)),
    indexOf: new Map(keys.map((key, i) => [key, i])),
    loose: fields.map((field) => field.loose === true),
    required: fields.flatMap((field, i) => field.required ? [i] : []),
    isRequired: fields.map(({ required }) => required),
    // fromEntries makes own properties, so that a field named __proto__ is like any other.
    empty: Object.fromEntries(names.map((name) => [name, null])),
    follower: Int32Array.from({ length: names.length + 1 }, (_, i) => (i + 1) % (names.length + 1)),
    seenIn: new Float64Array(names.length),
  };
}

function valuePlan(value: ContractValue, nullable: boolean): ValuePlan {
  const { type } = value;
  const inner = type.kind === "map" ? type.value : type.kind === "list" ? type.element : undefined;
  return {
    kind: type.kind,
    type,
    nullable,
    checks: checksPlan(value.checks),
    conditions: (value.checks.schemas ?? []).map(parseJsonTree),
    coerce: value.coerce === true,
    expected: expectedText(type),
    struct: type.kind === "struct" ? structPlan(type.fields) : undefined,
    inner: inner === undefined ? undefined : valuePlan(inner, inner.nullable),
    keys: type.kind === "map" ? checksPlan(type.keys) : undefined,
  };
}

export function checksPlan(checks: Checks): ChecksPlan | undefined {
  const { schemas: _apart, ...own } = checks;
  if (!hasChecks(own)) return undefined;
  const bounds: BoundPlan[] = [];
  const add = (text: string | undefined, holds: BoundPlan["holds"], words: string) => {
    if (text !== undefined) bounds.push({ bound: exactNumber(text), holds, expected: `${words} ${text}` });
  };
  add(checks.minimum, (order) => order >= 0, "at least");
  add(checks.maximum, (order) => order <= 0, "at most");
  add(checks.exclusiveMinimum, (order) => order > 0, "more than");
  add(checks.exclusiveMaximum, (order) => order < 0, "less than");
  return {
    enum: checks.enum === undefined ? undefined : new Set(checks.enum),
    bounds,
    minLength: checks.minLength ?? 0,
    maxLength: checks.maxLength ?? Infinity,
    pattern: checks.pattern === undefined ? undefined : new Pattern(checks.pattern),
  };
}

/** The detail where a required field is missing. */
export function absence({ expected }: ValuePlan): string {
  return `expected ${expected}, found no such field`;
}

/** The words for a value of this type in a dead letter's detail. */
function expectedText(type: ContractType): string {
  switch (type.kind) {
    case "string": {
      const { numbers, booleans, nested } = type.accepts;
      const also = [...numbers ? ["number"] : [], ...booleans ? ["boolean"] : [], ...nested ? ["object", "array"] : []];
      return also.length === 0 ? "string" : `${["string", ...also.slice(0, -1)].join(", ")} or ${also.at(-1)}`;
    }
    case "int":
      return "integer of 32 bits";
    case "long":
      return "integer of 64 bits";
    case "float":
      return "number in the range of a float";
    case "double":
      return "number in the range of a double";
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "date":
      return "date (YYYY-MM-DD)";
    case "json":
      return "a value";
    case "timestamptz":
      return instantText(type.written);
    case "timestamp":
      return "date-time without an offset";
    case "struct":
    case "map":
      return "object";
    case "list":
      return "array";
    default:
      return type.kind;
  }
}

function instantText(written: InstantSpelling | undefined): string {
  if (written === undefined) return "date-time with an offset (RFC 3339)";
  if (written.as === "epoch") return `time in ${written.unit} since 1970, in years 0001 to 9999`;
  return written.assumeOffset === undefined ? "date-time with an offset" : "date-time";
}
