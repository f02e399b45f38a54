import { StreamlabError } from "../../base/errors.ts";
import { type Json, stringifyJson } from "../../base/json.ts";

/** A JSON object with exact 64-bit integers. */
export type JsonObject = { [key: string]: Json };

/**
 * Typed access to the fields of metadata JSON. Each function throws `corrupt` and names the field.
 */
export function readObject(json: Json | undefined, what: string): JsonObject {
  if (json === null || json === undefined || typeof json !== "object" || Array.isArray(json)) {
    throw wrong(what, "an object", json);
  }
  return json;
}

export function readArray(object: JsonObject, key: string): Json[] {
  const value = object[key];
  if (!Array.isArray(value)) throw wrong(key, "a list", value);
  return value;
}

export function readString(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value !== "string") throw wrong(key, "a string", value);
  return value;
}

export function readBoolean(object: JsonObject, key: string): boolean {
  const value = object[key];
  if (typeof value !== "boolean") throw wrong(key, "a boolean", value);
  return value;
}

/** An integer within 2^53. */
export function readInteger(object: JsonObject, key: string): number {
  const value = object[key];
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw wrong(key, "an integer", value);
  return value;
}

export function readOptionalInteger(object: JsonObject, key: string): number | undefined {
  return object[key] === undefined || object[key] === null ? undefined : readInteger(object, key);
}

/** A 64-bit integer. */
export function readLong(object: JsonObject, key: string): bigint {
  const value = object[key];
  if (typeof value === "bigint" && BigInt.asIntN(64, value) === value) return value;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw wrong(key, "an integer", value);
  return BigInt(value);
}

export function readOptionalLong(object: JsonObject, key: string): bigint | undefined {
  return object[key] === undefined || object[key] === null ? undefined : readLong(object, key);
}

/** An object of strings. Other scalars become their text, because lenient engines write them. */
export function readStringMap(json: Json | undefined): Record<string, string> {
  if (json === undefined || json === null) return {};
  return Object.fromEntries(
    Object.entries(readObject(json, "properties")).flatMap(([key, value]) =>
      value === null ? [] : [[key, typeof value === "object" ? stringifyJson(value) : String(value)]]
    ),
  );
}

/** A 64-bit integer as JSON: a plain number if a double holds it exactly. */
export function longToJson(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function wrong(key: string, expected: string, value: Json | undefined): StreamlabError {
  const found = value === undefined ? "nothing" : stringifyJson(value).slice(0, 60);
  return new StreamlabError("corrupt", `Cannot read table metadata: "${key}" must be ${expected}, found ${found}`);
}
