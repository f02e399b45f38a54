/**
 * JSON whose integers may be 64 bits wide. Iceberg's snapshot ids are positive longs beyond 2^53,
 * which `JSON.parse` rounds.
 */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/**
 * Parses JSON text; an integer that a double cannot hold exactly becomes a `bigint`, every other
 * number a `number`.
 */
export function parseJson(text: string): Json {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    const source = context?.source;
    return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
  }) as Json;
}

/** Writes JSON text; a `bigint` becomes a plain integer. Keys keep their order. */
export function stringifyJson(value: Json | undefined, indent = 0): string {
  // JSON.rawJSON writes the digits as they are: no rounding, no quotes.
  return JSON.stringify(
    value,
    (_key, item: unknown) => typeof item === "bigint" ? rawJson(item.toString()) : item,
    indent,
  );
}

function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}
