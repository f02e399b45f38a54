import { type Json, parseJson } from "../base/json.ts";

/** Undefined where it is not JSON. */
export function readJson(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Undefined where that is no object, or lacks it. */
export function fieldOf(json: Json | undefined, name: string): Json | undefined {
  if (json === null || typeof json !== "object" || Array.isArray(json)) return undefined;
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

export function textOf(json: Json | undefined, name: string): string | undefined {
  const value = fieldOf(json, name);
  return typeof value === "string" ? value : undefined;
}

/** Empty where there is none. */
export function listOf(json: Json | undefined, name: string): Json[] {
  const value = fieldOf(json, name);
  return Array.isArray(value) ? value : [];
}
