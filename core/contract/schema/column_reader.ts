import { type JsonNode, parseJsonTree } from "../../json/tree.ts";
import {
  type Checks,
  type ContractField,
  type ContractType,
  type ContractValue,
  keyOf,
  NO_CHECKS,
} from "../contract.ts";
import { contractError, type ContractProblems } from "../contract_error.ts";
import { fieldNameProblems } from "../field_names.ts";
import {
  COLUMN_FORMATS,
  type FormatType,
  INTEGER_FORMATS,
  isSpelling,
  NUMBER_FORMATS,
  STRING_FORMATS,
} from "./column_formats.ts";
import { alsoOf, conditionTexts, refuseColumnWords } from "./conditions.ts";
import type { NormalSchema, Unchecked } from "./normal_schema.ts";
import {
  besidesNull,
  type Conjunction,
  conjunctionOf,
  constantsOf,
  flagOf,
  type Part,
  saysNothing,
  textOf,
  type Union,
  unionsOf,
} from "./parts.ts";
import { type FieldSchemas, fieldSchemas } from "./record_fields.ts";
import { charactersOf } from "./schema_budget.ts";
import { type CheckedType, decimalSize, isDecimal, scalarChecks } from "./scalar_checks.ts";
import { SchemaCheck } from "./schema_check.ts";
import { type JsonTypes, jsonTypes, textUnion } from "./json_types.ts";

/** A value as a column has it, and what its field's schema says beside. */
export interface ReadValue extends ContractValue {
  readonly doc?: string;
  /** `x-column`. */
  readonly column?: string;
  /** `x-loose`. */
  readonly loose?: true;
}

/** What is around a schema. */
interface Surroundings {
  readonly open: ReadonlySet<string>;
  /** How many columns it lies in. */
  readonly depth: number;
  readonly coerce: boolean;
  /** Whether the value is the record. */
  readonly isRecord?: true;
}

/** A list that the value must be in, and the keyword that is said once the column says it. */
interface Constants {
  readonly values: readonly JsonNode[];
  readonly part: Part;
  readonly keyword: string;
}

/** The parts of one schema, and what each still has to say. */
interface Reading {
  readonly schema: JsonNode;
  readonly pointer: string;
  readonly parts: readonly Part[];
  /** By part, the keywords that the column says. */
  readonly said: ReadonlyMap<Part, Set<string>>;
  /** The values of unions of constants. */
  readonly constants: readonly Constants[];
  readonly unions: readonly Union[];
  readonly throughNull: boolean;
  readonly isRecord: boolean;
  readonly around: Surroundings;
}

/** A level takes two of the 200 that a contract's own text may have, and conditions some more. */
const DEPTH_MAX = 80;

const NULL: JsonNode = { kind: "null" };
/** A record is an object, whatever else its schema describes. */
const RECORD: JsonTypes = { types: new Set(["object"]), explicit: false };

/**
 * Makes columns of schemas. What a type and its checks can say becomes these; what is left of a
 * schema stays a condition on the value (`Checks.schemas`), so that nothing is lost. A schema that
 * no type holds makes a column of JSON text.
 */
export class ColumnReader {
  /** Whether any column takes an assumed offset. */
  assumesOffset = false;
  readonly unchecked: Unchecked[] = [];
  readonly #normal: NormalSchema;
  readonly #assumeOffset: string | undefined;
  readonly #problems: ContractProblems;
  readonly #check: SchemaCheck;

  constructor(normal: NormalSchema, assumeOffset: string | undefined, problems: ContractProblems) {
    this.#normal = normal;
    this.#assumeOffset = assumeOffset;
    this.#problems = problems;
    this.#check = new SchemaCheck(normal.definitions);
  }

  /** The record as a whole. */
  record(): { fields: readonly ContractField[]; schemas: readonly string[] } {
    const around = { open: new Set<string>(), depth: 0, coerce: false, isRecord: true } as const;
    const { type, checks } = this.#value(this.#normal.root, "", around);
    if (type.kind !== "struct") {
      throw contractError("", 'the schema must have "type": "object" and "properties"');
    }
    return { fields: type.fields, schemas: checks.schemas ?? [] };
  }

  #value(schema: JsonNode, pointer: string, around: Surroundings): ReadValue {
    this.#normal.budget.takeField(pointer);
    if (around.depth > DEPTH_MAX) throw contractError(pointer, `fields are nested deeper than ${DEPTH_MAX} levels`);
    const conjunction = conjunctionOf(schema, this.#normal, around.open);
    const words = this.#words(conjunction);
    if (conjunction.never) throw contractError(pointer, "the schema false allows no value");
    const asJson = conjunction.recursive !== undefined || flagOf(conjunction.parts, "x-json");
    const reading = this.#reading(schema, pointer, conjunction, around);
    const value = asJson ? undefined : this.#typed(reading);
    const read = { ...value ?? this.#json(schema, conjunction.parts), ...words };
    const { doc = "", column = "", checks: { enum: allowed = [], schemas = [] } } = read;
    this.#normal.budget.keep(charactersOf([doc, column, ...allowed, ...schemas]), pointer);
    return read;
  }

  #words({ parts }: Conjunction): Pick<ReadValue, "doc" | "column" | "loose"> {
    const doc = textOf(parts, "description"), column = textOf(parts, "x-column");
    return {
      ...(doc === undefined ? {} : { doc }),
      ...(column === undefined ? {} : { column }),
      ...(flagOf(parts, "x-loose") ? { loose: true } : {}),
    };
  }

  #json(schema: JsonNode, parts: readonly Part[]): ContractValue {
    refuseColumnWords(schema, this.#normal.places);
    const also = parts.flatMap(alsoOf);
    const nullable = [schema, ...also.map(parseJsonTree)].every((condition) => this.#allowsNull(condition));
    const schemas = [...new Set([...conditionTexts(schema), ...also])];
    return { type: { kind: "json" }, nullable, checks: schemas.length === 0 ? NO_CHECKS : { schemas } };
  }

  #allowsNull(schema: JsonNode): boolean {
    return this.#check.mismatch(schema, NULL) === undefined;
  }

  #reading(schema: JsonNode, pointer: string, conjunction: Conjunction, around: Surroundings): Reading {
    const parts: Part[] = [...conjunction.parts];
    const said = new Map<Part, Set<string>>();
    const constants: Constants[] = [];
    const unions: Union[] = [];
    let { open } = conjunction;
    let throughNull = false;
    // Parts grow while they are looked through.
    for (const part of parts) {
      const names = new Set(["description", "type", "x-coerce", "x-column", "x-loose"]);
      said.set(part, names);
      for (const union of unionsOf(part)) {
        const alternative = besidesNull(union);
        const values = alternative === undefined ? constantsOf(union, this.#normal) : undefined;
        if (alternative !== undefined) {
          const inner = conjunctionOf(alternative, this.#normal, open);
          if (inner.recursive !== undefined || inner.never || flagOf(inner.parts, "x-json")) {
            unions.push(union);
            continue;
          }
          throughNull = true;
          open = inner.open;
          for (const part of inner.parts) parts.push(part);
          names.add(union.keyword);
        } else if (values !== undefined) {
          constants.push({ values, part, keyword: union.keyword });
        } else {
          unions.push(union);
        }
      }
    }
    const coerce = around.coerce || flagOf(parts, "x-coerce");
    return {
      schema,
      pointer,
      parts,
      said,
      constants,
      unions,
      throughNull,
      isRecord: around.isRecord === true,
      around: { open, coerce, depth: around.depth + 1 },
    };
  }

  /** Undefined where no type holds it. */
  #typed(reading: Reading): ContractValue | undefined {
    const { parts, constants, unions, schema, throughNull, isRecord } = reading;
    const told = jsonTypes(parts, constants.map(({ values }) => values), unions, this.#normal);
    const known = isRecord && (told === undefined || told.types.has("object")) ? RECORD : told;
    if (known === undefined) return undefined;
    if (known.types.size === 0) throw contractError(reading.pointer, "no type is left that a value could have");
    const types = [...known.types].filter((type) => type !== "null");
    const nullable = (known.explicit || throughNull) && this.#allowsNull(schema);
    const typed = types.length === 1 ? this.#ofType(types[0]!, reading) : this.#text(types);
    if (typed === undefined) return undefined;
    const conditions = parts.flatMap((part) => leftOf(part, reading));
    const schemas = [...new Set([...typed.checks.schemas ?? [], ...conditions])];
    const checks = schemas.length === 0 ? typed.checks : { ...typed.checks, schemas };
    return { ...typed, nullable, checks };
  }

  #text(types: readonly string[]): Pick<ContractValue, "type" | "checks"> | undefined {
    const union = textUnion(types);
    if (union === undefined) return undefined;
    return { type: union.type, checks: union.schemas.length === 0 ? NO_CHECKS : { schemas: union.schemas } };
  }

  #ofType(type: string, reading: Reading): Pick<ContractValue, "type" | "checks" | "coerce"> | undefined {
    switch (type) {
      case "object":
        return this.#object(reading);
      case "array":
        return this.#array(reading);
      case "string":
        return this.#scalar("string", reading, (format) => this.#stringType(format));
      case "integer":
        return this.#scalar("number", reading, (format) => formatType(INTEGER_FORMATS, format) ?? { kind: "long" });
      case "number":
        return this.#number(reading);
      case "boolean":
        return this.#scalar("boolean", reading, () => ({ kind: "boolean" }));
      default:
        return undefined;
    }
  }

  #scalar(
    checked: CheckedType,
    { parts, said, constants, pointer, around }: Reading,
    typeOf: (format: string | undefined) => ContractType,
  ): Pick<ContractValue, "type" | "checks" | "coerce"> {
    const formats = { string: STRING_FORMATS, number: { ...INTEGER_FORMATS, ...NUMBER_FORMATS }, boolean: {} }[checked];
    let format: string | undefined;
    for (const part of parts) {
      const node = part.keywords.get("format");
      if (node?.kind !== "string" || !COLUMN_FORMATS.has(node.value)) continue;
      const at = this.#normal.places.get(node) ?? pointer;
      if (!Object.hasOwn(formats, node.value)) {
        if (isSpelling(node.value)) throw contractError(at, `the format ${node.value} is not for a ${checked}`);
        this.unchecked.push({ what: `format ${node.value}`, pointer: at });
      } else if (format !== undefined && format !== node.value) {
        throw contractError(at, `the formats ${format} and ${node.value} are for one value`);
      } else {
        format = node.value;
      }
      said.get(part)!.add("format");
    }
    const lists = constants.map(({ values }) => values);
    const checks = scalarChecks({ parts, said, constants: lists, pointer, ...this.#normal }, checked);
    for (const { part, keyword } of constants) said.get(part)!.add(keyword);
    const type = typeOf(format);
    const coerced = checked !== "string" && around.coerce;
    return { type, checks, ...(coerced ? { coerce: true } : {}) };
  }

  #stringType(format: string | undefined): ContractType {
    const type = format === undefined ? undefined : STRING_FORMATS[format]!(this.#assumeOffset);
    if (type?.kind === "timestamptz" && type.written?.as === "lenient") this.assumesOffset = true;
    return type ?? { kind: "string", accepts: { numbers: false, booleans: false, nested: false } };
  }

  #number(reading: Reading): Pick<ContractValue, "type" | "checks" | "coerce"> {
    const typed = this.#scalar("number", reading, (format) => formatType(NUMBER_FORMATS, format) ?? { kind: "double" });
    const part = reading.parts.find(({ keywords }) => keywords.has("multipleOf"));
    const step = part?.keywords.get("multipleOf");
    if (step === undefined || !isDecimal(step, typed.checks)) return typed;
    if (reading.parts.some(({ keywords }) => keywords.has("format"))) {
      throw contractError(reading.pointer, 'a decimal ("multipleOf" with bounds) has no format');
    }
    reading.said.get(part!)!.add("multipleOf");
    return { ...typed, type: { kind: "decimal", ...decimalSize(step, typed.checks, reading.pointer) } };
  }

  #array({ parts, said, pointer, around }: Reading): Pick<ContractValue, "type" | "checks"> | undefined {
    const holders = parts.filter(({ keywords }) => keywords.has("items"));
    const [holder] = holders;
    const unclear = parts.some(({ keywords }) => keywords.has("prefixItems") || keywords.has("unevaluatedItems"));
    if (holder === undefined || holders.length > 1 || unclear) return undefined;
    const items = holder.keywords.get("items")!;
    if (saysNothing(items)) return undefined;
    if (items.kind === "boolean") return undefined;
    const at = this.#normal.places.get(items) ?? `${pointer}/items`;
    const element = withoutWords(this.#value(items, at, around));
    said.get(holder)!.add("items");
    return { type: { kind: "list", element }, checks: NO_CHECKS };
  }

  #object(reading: Reading): Pick<ContractValue, "type" | "checks"> | undefined {
    const { parts, said, pointer, around } = reading;
    const named = fieldSchemas(parts, this.#normal, pointer, around.open);
    if (named.fields.size === 0) return this.#map(reading);
    const fields = this.#fields(named, reading);
    fieldNameProblems(fields, `${pointer}/properties`, { underscoreIsOurs: false }).forEach((problem) => {
      this.#problems.add(problem);
    });
    // A column of such a field is null beside a value that it does not take.
    const demanded = fields.filter((field) => field.loose && named.required.has(keyOf(field))).map(keyOf);
    const schemas = [...named.schemas, ...demanded.length === 0 ? [] : [requiredText(demanded)]];
    // What these look at is spread over all parts.
    const whole = parts.some(({ keywords }) => keywords.has("unevaluatedProperties"));
    if (whole) schemas.push(...conditionTexts(reading.schema, around.coerce));
    for (const part of parts) {
      for (const keyword of whole ? part.keywords.keys() : FIELD_KEYWORDS) {
        if (keyword !== "x-also") said.get(part)!.add(keyword);
      }
    }
    return { type: { kind: "struct", fields }, checks: schemas.length === 0 ? NO_CHECKS : { schemas } };
  }

  #fields({ fields, required }: FieldSchemas, { around }: Reading): ContractField[] {
    return [...fields].flatMap(([key, { schema, pointer, open, isOpen }]): ContractField[] => {
      const value = this.#problems.attempt(() => this.#value(schema, pointer, { ...around, open }));
      if (value === undefined) return [];
      const { column = key, loose = isOpen, ...rest } = value;
      const name = { name: column, ...(column === key ? {} : { key }) };
      return [{ ...name, required: required.has(key) && !loose, ...(loose ? { loose } : {}), ...rest }];
    });
  }

  #map({ parts, said, pointer, around }: Reading): Pick<ContractValue, "type" | "checks"> | undefined {
    const holders = parts.filter(({ keywords }) =>
      keywords.has("additionalProperties") || keywords.has("patternProperties")
    );
    const [holder] = holders;
    if (holder === undefined || holders.length > 1) return undefined;
    const additional = holder.keywords.get("additionalProperties");
    const patterns = holder.keywords.get("patternProperties");
    const names = said.get(holder)!;
    const at = (node: JsonNode) => this.#normal.places.get(node) ?? pointer;
    if (patterns?.kind === "object") {
      const [only, ...others] = patterns.entries;
      const closed = additional?.kind === "boolean" && !additional.value;
      if (only === undefined || others.length > 0 || !closed || saysNothing(only[1]) || only[1].kind === "boolean") {
        return undefined;
      }
      this.#normal.budget.takePattern(only[0], pointer);
      names.add("patternProperties").add("additionalProperties");
      const value = withoutWords(this.#value(only[1], at(only[1]), around));
      return { type: { kind: "map", keys: { pattern: only[0] }, value }, checks: NO_CHECKS };
    }
    if (additional === undefined || additional.kind === "boolean" || saysNothing(additional)) return undefined;
    names.add("additionalProperties");
    const keys = this.#keyChecks(holder, names, pointer);
    const value = withoutWords(this.#value(additional, at(additional), around));
    return { type: { kind: "map", keys, value }, checks: NO_CHECKS };
  }

  /** `propertyNames`, where it asks for no more than checks of strings. */
  #keyChecks(holder: Part, names: Set<string>, pointer: string): Checks {
    const schema = holder.keywords.get("propertyNames");
    if (schema?.kind !== "object") return NO_CHECKS;
    const keywords = new Map(schema.entries);
    const part = { keywords, node: schema };
    const said = new Map([[part, new Set(["type", "description"])]]);
    const type = keywords.get("type");
    if (type !== undefined && !(type.kind === "string" && type.value === "string")) {
      throw contractError(this.#normal.places.get(type) ?? pointer, "names are strings");
    }
    const checks = scalarChecks({ parts: [part], said, constants: [], pointer, ...this.#normal }, "string");
    if ([...keywords.keys()].some((keyword) => !said.get(part)!.has(keyword))) return NO_CHECKS;
    names.add("propertyNames");
    return checks;
  }
}

const FIELD_KEYWORDS = ["properties", "required", "additionalProperties"];

/** What a part has still to say. */
function leftOf(part: Part, { said, around }: Reading): string[] {
  const entries = [...part.keywords].filter(([keyword]) => !said.get(part)!.has(keyword));
  return [...conditionTexts({ kind: "object", entries }, around.coerce), ...alsoOf(part)];
}

function withoutWords({ type, nullable, checks, coerce }: ReadValue): ContractValue {
  return { type, nullable, checks, ...(coerce === undefined ? {} : { coerce }) };
}

function formatType(formats: Readonly<Record<string, FormatType>>, format: string | undefined) {
  return format === undefined || !Object.hasOwn(formats, format) ? undefined : formats[format]!(undefined);
}

function requiredText(names: readonly string[]): string {
  return JSON.stringify({ required: names });
}
