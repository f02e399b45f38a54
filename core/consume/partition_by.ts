import { StreamlabError } from "../base/errors.ts";
import type { PartitionColumnChoice } from "../iceberg/action/create_table.ts";
import type { Transform } from "../iceberg/format/transform.ts";

const KINDS = ["identity", "year", "month", "day", "hour", "void"] as const;

/**
 * A partition field as users write it: `day(event_timestamp)`, `bucket(16, user_id)`, `truncate(4,
 * product_id)`, `event_type`.
 */
export function parsePartitionField(text: string): PartitionColumnChoice {
  const call = /^\s*([a-z]+)\s*\((.*)\)\s*$/is.exec(text);
  if (call === null) {
    const column = text.trim();
    if (column === "" || /[()]/.test(column)) throw refused(text);
    return { column, transform: { name: "identity" } };
  }
  const name = call[1]!.toLowerCase();
  const parts = call[2]!.split(",").map((part) => part.trim());
  if (parts.length === 1 && parts[0] !== "" && isKind(name)) return { column: parts[0]!, transform: { name } };
  // Spark puts the number first, Trino last.
  const number = parts.find((part) => /^[1-9]\d{0,8}$/.test(part));
  const column = parts.find((part) => part !== number);
  const width = Number(number);
  if (parts.length !== 2 || number === undefined || column === undefined || column === "") throw refused(text);
  if (name === "bucket") return { column, transform: { name: "bucket", buckets: width } };
  if (name === "truncate") return { column, transform: { name: "truncate", width } };
  throw refused(text);
}

function isKind(name: string): name is Exclude<Transform["name"], "bucket" | "truncate" | "unknown"> {
  return (KINDS as readonly string[]).includes(name);
}

function refused(text: string): StreamlabError {
  return new StreamlabError("usage", `Cannot partition by "${text}"`, {
    hint: "Write a column, or year, month, day, hour(column), bucket(16, column), truncate(4, column)",
  });
}
