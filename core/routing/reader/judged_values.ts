import { type Contract, type ContractType, keyOf } from "../../contract/contract.ts";
import type { Row, ValueTree } from "../../contract/judgement.ts";

const REAL = new Float64Array(1);
const BITS = new BigUint64Array(REAL.buffer);

/**
 * The judge's values of a record as the text that the reader takes for its own: every value as it
 * is kept, so that nothing is decided twice. Doubles and floats are the 16
 * hexadecimal digits of a double's bits.
 */
export function judgedText(contract: Contract, row: Row): string {
  return textOf({ kind: "struct", fields: contract.fields }, row);
}

function textOf(type: ContractType, value: ValueTree | undefined): string {
  if (value === null || value === undefined) return "null";
  switch (type.kind) {
    case "struct": {
      const struct = value as Row;
      const present = type.fields.filter(({ name }) => struct[name] !== null);
      return `{${present.map((field) => `${JSON.stringify(keyOf(field))}:${textOf(field.type, struct[field.name])}`)}}`;
    }
    case "map": {
      const map = value as Row;
      return `{${Object.keys(map).map((key) => `${JSON.stringify(key)}:${textOf(type.value.type, map[key])}`)}}`;
    }
    case "list":
      return `[${(value as ValueTree[]).map((item) => textOf(type.element.type, item))}]`;
    case "int":
    case "long":
    case "decimal":
    case "boolean":
      return value as string;
    case "float":
    case "double":
      REAL[0] = Number(value);
      return `"${BITS[0]!.toString(16).padStart(16, "0")}"`;
    // In a column, a time without an offset is what it would be in UTC.
    case "timestamp":
      return JSON.stringify(`${value as string}Z`);
    default:
      return JSON.stringify(value);
  }
}
