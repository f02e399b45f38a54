import type { Value } from "../../iceberg/format/single_value.ts";
import type { PrimitiveType } from "../../iceberg/format/type.ts";
import { dateText, timestampText } from "../format/value_text.ts";

/** An Iceberg value as text that SQL casts back to it, and that people can read. */
export function icebergValueText(type: PrimitiveType, value: Value): string {
  switch (type.type) {
    case "date":
      return dateText(value as number);
    case "timestamp":
      return timestampText(value as bigint, " ");
    case "timestamptz":
      return `${timestampText(value as bigint, " ")}+00`;
    case "time":
      return timestampText(value as bigint, " ").slice("1970-01-01 ".length);
    case "decimal":
      return decimalText(value as bigint, type.scale);
    case "binary":
    case "fixed":
      return (value as Uint8Array).toHex();
    default:
      return String(value);
  }
}

function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
