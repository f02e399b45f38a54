/**
 * What a valid event is: named columns, each with its type, whether it is required, and checks on
 * its values. `json_schema.ts` parses it; everything else in this folder is compiled from it.
 */
export interface Contract {
  /** The schema's `title`, for messages only. */
  readonly title?: string;
  /** The columns, in the order in which the schema names them. Never empty. */
  readonly fields: readonly ContractField[];
  /** What the record as a whole must satisfy besides: `Checks.schemas`. */
  readonly schemas: readonly string[];
  /** The schemas that others refer to as `#/$defs/NAME`: JSON text by name. */
  readonly definitions: Readonly<Record<string, string>>;
  /**
   * The contract as JSON Schema text in one canonical spelling: equal contracts have equal text,
   * and parsing it gives this contract again. Kept in the durable plan and in the table's
   * properties.
   */
  readonly text: string;
}

/** A value position: a field, a map's value, a list's element. */
export interface ContractValue {
  readonly type: ContractType;
  /**
   * Whether the schema's own `type` includes "null". A field that is not required may be null
   * without it; a map's value, a list's element and a required field may not.
   */
  readonly nullable: boolean;
  readonly checks: Checks;
  /** `x-coerce`: a number or boolean may be written as text. */
  readonly coerce?: true;
}

/** A column, or a field of a struct. */
export interface ContractField extends ContractValue {
  /** Of the column. */
  readonly name: string;
  /** `x-column`: the key in records, where it is not the name. */
  readonly key?: string;
  /** The key must be present, and its value must not be null unless `nullable`. */
  readonly required: boolean;
  /**
   * `x-loose`: a value that the column does not take is an extra field. So it is for a field that
   * only some alternatives name, as the others leave it open. Such a field is never `required`.
   */
  readonly loose?: true;
  readonly doc?: string;
}

export type ContractType =
  /**
   * Text. `accepts` names the other JSON values that become text, exactly as the record spells
   * them.
   */
  | { readonly kind: "string"; readonly accepts: TextCoercion }
  /** Any JSON value, kept as its very text. */
  | { readonly kind: "json" }
  | { readonly kind: "int" | "long" | "float" | "double" | "boolean" | "date" | "uuid" }
  /** An instant; without `written`, RFC 3339 with an offset. */
  | { readonly kind: "timestamptz"; readonly written?: InstantSpelling }
  /** A date and a time of day without an offset. */
  | { readonly kind: "timestamp" }
  /** 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision. */
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "struct"; readonly fields: readonly ContractField[] }
  /** Keys are strings; `keys` are the checks of `propertyNames`. */
  | { readonly kind: "map"; readonly keys: Checks; readonly value: ContractValue }
  | { readonly kind: "list"; readonly element: ContractValue };

export type TypeKind = ContractType["kind"];

/** How else than by RFC 3339 instants are written in records. */
export type InstantSpelling =
  /**
   * RFC 3339 with a space for the T, an offset without its colon or minutes, or a date alone.
   * Without an offset too, if one is assumed.
   */
  | { readonly as: "lenient"; readonly assumeOffset?: string }
  /** Time since 1970, as a number that may have a fraction only where `fraction`. */
  | { readonly as: "epoch"; readonly unit: EpochUnit; readonly fraction: boolean };

export type EpochUnit = "seconds" | "millis" | "micros";

/**
 * JSON Schema `type: ["string", "number", "boolean"]` and the like: which JSON values a string
 * column takes as text.
 */
export interface TextCoercion {
  readonly numbers: boolean;
  readonly booleans: boolean;
  /** Objects and arrays, as their JSON text. */
  readonly nested: boolean;
}

/**
 * Checks of JSON Schema on one value. Numbers are exact decimal text as `canonicalNumber` writes
 * it, never a double. Lengths count Unicode code points.
 */
export interface Checks {
  /**
   * `enum`, or `const` as an enum of one: the allowed values without null. Strings as they are
   * (compared with the JSON string, also for dates, timestamps and uuids), numbers as canonical
   * text, booleans as "true" and "false".
   */
  readonly enum?: readonly string[];
  readonly minimum?: string;
  readonly maximum?: string;
  readonly exclusiveMinimum?: string;
  readonly exclusiveMaximum?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  /**
   * ECMAScript regular expression with the `u` flag, not anchored (JSON Schema 2020-12, section
   * 6.3.3).
   */
  readonly pattern?: string;
  /**
   * Schemas that the value, as it is written, must satisfy besides, for all that the other checks
   * and the type don't say: JSON text in the normal form of `normal_schema.ts`.
   */
  readonly schemas?: readonly string[];
}

export const NO_CHECKS: Checks = Object.freeze({});

export const JSON_STRINGS_ONLY: TextCoercion = Object.freeze({ numbers: false, booleans: false, nested: false });

/** Whether the column can hold null. If so, the table's column is optional. */
export function mayBeNull(field: ContractField): boolean {
  return !field.required || field.nullable;
}

/** The key of a field in records. */
export function keyOf(field: ContractField): string {
  return field.key ?? field.name;
}

/** Whether the value itself has checks. Values inside a struct, map or list have their own. */
export function hasChecks(checks: Checks): boolean {
  return Object.keys(checks).length > 0;
}

/** What happens to a valid record with fields that the contract does not name. */
export type OnExtraFields = "dead-letter" | "rescue" | "add";

/** What happens to a record whose only fault is the type of optional fields. */
export type OnWrongType = "dead-letter" | "rescue";

/** Why a record is not an event, in the order of precedence. */
export type DeadLetterReason = "corrupted_batch" | "corrupted_record" | "invalid_schema" | "extra_fields";
