import { StreamlabError } from "../base/errors.ts";
import type { PartitionColumnChoice } from "../iceberg/action/create_table.ts";
import { identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import { fieldsById } from "../iceberg/format/schema.ts";
import { currentSchema, defaultSpec } from "../iceberg/format/table_metadata.ts";
import { type Transform, transformToText } from "../iceberg/format/transform.ts";

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

/**
 * Fails with `usage` if an existing table has another partitioning: it is chosen when the table is
 * created.
 */
export function checkPartitioning(
  { identifier, metadata }: LoadedTable,
  wanted: readonly PartitionColumnChoice[],
): void {
  const fields = fieldsById(currentSchema(metadata));
  const has = defaultSpec(metadata).fields.filter(({ transform }) => transform.name !== "void").map((field) =>
    choiceText({ column: fields.get(field.sourceId)?.path ?? field.name, transform: field.transform })
  );
  const asked = wanted.map(choiceText);
  if (has.join() === asked.join()) return;
  const is = has.length === 0 ? "not partitioned" : `partitioned by ${has.join(", ")}`;
  throw new StreamlabError(
    "usage",
    `Cannot partition ${identifierText(identifier)} by ${asked.join(", ")}: it is there, and ${is}`,
    { hint: "Leave out --partition-by, or name another table with --table" },
  );
}

/** As users write it. */
function choiceText({ column, transform }: PartitionColumnChoice): string {
  if (transform.name === "identity") return column;
  const [, name, width] = /^(\w+)(?:\[(\d+)\])?$/.exec(transformToText(transform)) ?? [];
  return `${name}(${width === undefined ? "" : `${width}, `}${column})`;
}

function isKind(name: string): name is Exclude<Transform["name"], "bucket" | "truncate" | "unknown"> {
  return (KINDS as readonly string[]).includes(name);
}

function refused(text: string): StreamlabError {
  return new StreamlabError("usage", `Cannot partition by "${text}"`, {
    hint: "Write a column, or year, month, day, hour(column), bucket(16, column), truncate(4, column)",
  });
}
