import { StreamlabError } from "../base/errors.ts";
import type { Value } from "../iceberg/format/single_value.ts";
import type { PrimitiveType } from "../iceberg/format/type.ts";

const MS_PER_DAY = 86_400_000;

/** A value as `valueFromSqlText` reads it; instants as microseconds since 1970. */
export function valueText(type: PrimitiveType, value: Value): string {
  switch (type.type) {
    case "date":
      return dateText(value as number);
    case "decimal":
      return decimalText(value as bigint, type.scale);
    case "binary":
    case "fixed":
      return (value as Uint8Array).toHex();
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
}

/** Of a day of the years 1 to 9999. */
function dateText(day: number): string {
  const text = new Date(day * MS_PER_DAY).toISOString();
  if (!/^\d{4}-/.test(text)) throw new StreamlabError("internal", `Cannot print the date of day ${day}`);
  return text.slice(0, 10);
}

function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
