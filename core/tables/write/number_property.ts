import { StreamlabError } from "../../base/errors.ts";

/** The number that a table property holds. Fails with `usage` where it holds none that is valid. */
export function numberProperty(
  properties: Readonly<Record<string, string>>,
  key: string,
  otherwise: number,
  isValid: (number: number) => boolean,
): number {
  const text = properties[key];
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (text.trim() !== "" && isValid(number)) return number;
  throw new StreamlabError("usage", `Cannot write Parquet files: the table's property ${key} is "${text}"`, {
    hint: `Set it to a number such as ${otherwise}, or remove it`,
  });
}

export function isPositiveInteger(number: number): boolean {
  return Number.isSafeInteger(number) && number > 0;
}
