import type { Json } from "../../base/json.ts";
import { foldName, whyNotAName } from "../field_names.ts";
import { type EpochFormat, isNamedLikeTime } from "./epoch_time.ts";
import { DEPTH_MAX, type ValueShape } from "./value_shape.ts";

type Schema = { [key: string]: Json };

/** A type takes a place although so many of its values are of another: they are faults. */
const FAULTS_SHARE_MAX = 0.02;
/** Words that come back so often are an enumeration. */
const REPEATS_MIN = 50;
/** Of the keys of an object, the share that one object of a map has at most. */
const MAP_SHARE_MAX = 0.3, MAP_KEYS_MIN = 20;

/** Numbers that were taken for times, by name and value. */
export interface InferredTime {
  /** A JSON pointer into the records; a star for any element or key. */
  place: string;
  format: EpochFormat;
  values: number;
}

export interface InferredSchema {
  schema: Schema;
  times: InferredTime[];
}

/** Exact up to 38 digits, where a double has 16: such numbers are ids. */
const WIDE_INTEGER: Schema = { type: "number", multipleOf: 1, exclusiveMinimum: -1e38, exclusiveMaximum: 1e38 };

/** The JSON Schema of the records of a shape. */
export function inferredSchema(shape: ValueShape): InferredSchema {
  const inference = new Inference();
  const schema = { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" };
  return { schema: { ...schema, ...inference.structOf(shape, "") }, times: inference.times };
}

class Inference {
  readonly times: InferredTime[] = [];

  structOf(shape: ValueShape, place: string): Schema {
    const renamed = columnNames([...shape.fields.keys()], { underscoreIsOurs: place === "" });
    const properties: Schema = {}, required: string[] = [];
    for (const [key, field] of shape.fields) {
      // No table can carry it, under whatever name.
      if (key === "" || key.includes("\0") || !key.isWellFormed()) continue;
      const name = renamed.get(key)!;
      const schema = this.#schemaOf(field, `${place}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, key);
      properties[key] = name === key ? schema : { ...schema, "x-column": name };
      if (field.nulls === 0 && field.count === shape.objects) required.push(key);
    }
    return required.length === 0 ? { properties } : { required, properties };
  }

  /** Anything that no type fits is kept as its JSON text. */
  #schemaOf(shape: ValueShape, place: string, name = ""): Schema {
    const found = shape.count - shape.nulls;
    if (found === 0) return {};
    const isMostly = (count: number) => count >= found * (1 - FAULTS_SHARE_MAX) && count > 0;
    if (isMostly(shape.objects)) return this.#objectOf(shape, place);
    if (isMostly(shape.arrays)) return this.#arrayOf(shape, place);
    if (isMostly(shape.booleans)) return { type: "boolean" };
    const isInteger = isMostly(shape.integers);
    if (!isInteger && isMostly(shape.integers + shape.wides)) return WIDE_INTEGER;
    if (isMostly(shape.integers + shape.wides + shape.numbers)) {
      const type = isInteger ? "integer" : "number";
      const [format] = [...shape.epochs].find(([, count]) => isMostly(count)) ?? [];
      if (format === undefined || !isNamedLikeTime(name)) return { type };
      this.times.push({ place, format, values: shape.epochs.get(format)! });
      return { type, format };
    }
    if (isMostly(shape.strings)) return textOf(shape);
    if (shape.objects + shape.arrays > 0) return {};
    const types = [
      ...(shape.strings > 0 ? ["string"] : []),
      ...(shape.integers + shape.wides + shape.numbers > 0 ? ["number"] : []),
      ...(shape.booleans > 0 ? ["boolean"] : []),
    ];
    return types.includes("string") ? { type: types } : {};
  }

  #arrayOf({ elements, depth }: ValueShape, place: string): Schema {
    if (elements === undefined || elements.count === 0 || depth >= DEPTH_MAX) return {};
    return { type: "array", items: this.#nullable(elements, `${place}/*`) };
  }

  #objectOf(shape: ValueShape, place: string): Schema {
    if (shape.fields.size === 0 || shape.depth >= DEPTH_MAX) return {};
    const named = [...shape.fields.values()].reduce((sum, { count }) => sum + count, 0);
    const isMap = shape.fields.size >= MAP_KEYS_MIN && named / shape.objects < shape.fields.size * MAP_SHARE_MAX;
    if (isMap && shape.values !== undefined) {
      return { type: "object", additionalProperties: this.#nullable(shape.values, `${place}/*`) };
    }
    return { type: "object", ...this.structOf(shape, place) };
  }

  /** In lists and maps null is a value of its own. */
  #nullable(shape: ValueShape, place: string): Schema {
    const schema = this.#schemaOf(shape, place);
    if (shape.nulls === 0 || schema.type === undefined) return schema;
    return { ...schema, type: [...[schema.type].flat(), "null"] as Json, ...nullInEnum(schema) };
  }
}

function textOf(shape: ValueShape): Schema {
  const [format] = [...shape.formats].find(([, count]) => count >= shape.strings * (1 - FAULTS_SHARE_MAX)) ?? [];
  if (format !== undefined) return { type: "string", format };
  const words = shape.texts;
  if (words === undefined || shape.strings < words.size * REPEATS_MIN) return { type: "string" };
  return { type: "string", enum: [...words].sort() };
}

function nullInEnum(schema: Schema): Schema {
  return Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {};
}

/** The column of each key. */
function columnNames(keys: readonly string[], options: { underscoreIsOurs: boolean }): Map<string, string> {
  const isName = (key: string) => whyNotAName(key, options) === undefined;
  const names = new Set<string>();
  const numbers = new Map<string, number>();
  const renamed = new Map<string, string>();
  // Keys that can be names of columns come first, so that others give way to them.
  for (const key of [...keys].sort((a, b) => Number(isName(b)) - Number(isName(a)))) {
    const name = columnName(isName(key) ? key : key.replace(/^_+/, "") || "underscore", names, numbers);
    names.add(foldName(name));
    renamed.set(key, name);
  }
  return renamed;
}

/** With a number where another has that name: `numbers` are the last of those that were tried. */
function columnName(wanted: string, taken: ReadonlySet<string>, numbers: Map<string, number>): string {
  for (let number = (numbers.get(foldName(wanted)) ?? 0) + 1;; number++) {
    const name = number === 1 ? wanted : `${wanted}_${number}`;
    if (taken.has(foldName(name))) continue;
    numbers.set(foldName(wanted), number);
    return name;
  }
}
