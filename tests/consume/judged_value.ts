import type {
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
} from "@duckdb/node-api";
import type { Contract, ContractType } from "../../core/contract/contract.ts";
import { exactNumber, plainText } from "../../core/json/number.ts";
import type { Row, ValueTree } from "../../core/contract/judgement.ts";
import type { SqlRow, SqlValue } from "../../core/engine/duckdb.ts";

/**
 * The contract's columns of a row that DuckDB returned, spelt as the judge spells values; those
 * that are not null.
 */
export function judgedRow(contract: Contract, row: SqlRow): Record<string, ValueTree> {
  const values = contract.fields.map(({ name, type }) => [name, judgedValue(type, row[name]!)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== null));
}

/**
 * A judge's row in the form of `judgedRow`: plain objects, their keys in order, without columns
 * that are null.
 */
export function presentValues(row: Row): Record<string, ValueTree> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null).map(([k, v]) => [k, ordered(v)]));
}

function judgedValue(type: ContractType, value: SqlValue): ValueTree {
  if (value === null) return null;
  switch (type.kind) {
    case "float":
    case "double":
      return Object.is(value, -0) ? "-0" : String(value);
    case "decimal":
      return plainText(exactNumber((value as DuckDBDecimalValue).toString()));
    case "date":
      return new Date((value as DuckDBDateValue).days * 86_400_000).toISOString().slice(0, 10);
    case "timestamptz":
      return instant((value as DuckDBTimestampTZValue).micros);
    case "timestamp":
      return instant((value as DuckDBTimestampValue).micros).slice(0, -1);
    case "struct": {
      const { entries } = value as DuckDBStructValue;
      return ordered(Object.fromEntries(type.fields.map((f) => [f.name, judgedValue(f.type, entries[f.name]!)])));
    }
    case "map": {
      const { entries } = value as DuckDBMapValue;
      const members = entries.map((entry) => [entry.key as string, judgedValue(type.value.type, entry.value)] as const);
      if (new Set(members.map(([key]) => key)).size < members.length) throw new Error("A key stands twice in a map");
      return ordered(Object.fromEntries(members));
    }
    case "list":
      return (value as DuckDBListValue).items.map((item) => judgedValue(type.element.type, item));
    default:
      return String(value);
  }
}

function instant(micros: bigint): string {
  const milliseconds = Number((micros - ((micros % 1000n) + 1000n) % 1000n) / 1000n);
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${rest.toString().padStart(3, "0")}Z`;
}

/** Maps have no order. */
function ordered(value: ValueTree): ValueTree {
  if (value === null || typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(ordered);
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, ordered(value[key]!)]));
}
