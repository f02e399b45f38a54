import type { ContractType } from "../contract.ts";

/** Formats that give a column its type, by the JSON type that they are for. */
export type FormatType = (assumeOffset: string | undefined) => ContractType;

export const STRING_FORMATS: Readonly<Record<string, FormatType>> = {
  date: () => ({ kind: "date" }),
  "date-time": () => ({ kind: "timestamptz" }),
  "date-time-lenient": (assumeOffset) => ({
    kind: "timestamptz",
    written: { as: "lenient", ...(assumeOffset === undefined ? {} : { assumeOffset }) },
  }),
  "date-time-local": () => ({ kind: "timestamp" }),
  uuid: () => ({ kind: "uuid" }),
};

export const INTEGER_FORMATS: Readonly<Record<string, FormatType>> = {
  int32: () => ({ kind: "int" }),
  int64: () => ({ kind: "long" }),
  ...epochFormats(false),
};

export const NUMBER_FORMATS: Readonly<Record<string, FormatType>> = {
  float: () => ({ kind: "float" }),
  double: () => ({ kind: "double" }),
  ...epochFormats(true),
};

export const COLUMN_FORMATS: ReadonlySet<string> = new Set(
  [STRING_FORMATS, INTEGER_FORMATS, NUMBER_FORMATS].flatMap((formats) => Object.keys(formats)),
);

/** Whether a format says how values are written, beyond what JSON Schema knows. */
export function isSpelling(format: string): boolean {
  return /^(?:epoch-|date-time-l)/.test(format);
}

function epochFormats(fraction: boolean): Record<string, FormatType> {
  return Object.fromEntries((["seconds", "millis", "micros"] as const).map((unit) => [
    `epoch-${unit}`,
    (): ContractType => ({ kind: "timestamptz", written: { as: "epoch", unit, fraction } }),
  ]));
}
