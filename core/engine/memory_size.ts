import { StreamlabError } from "../base/errors.ts";

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Bytes of a size as DuckDB's settings have it: `500MB`. */
export function memoryBytes(text: string): number {
  const [, number, unit] = /^([\d.]+)([KMGT]?B)$/.exec(text) ?? [];
  const bytes = Number(number) * (UNITS[unit ?? ""] ?? NaN);
  if (Number.isNaN(bytes)) throw new StreamlabError("internal", `Cannot read the size "${text}"`);
  return bytes;
}
