import type { TableMetadata } from "../iceberg/format/table_metadata.ts";

/** The number that a table's property holds; undefined where it holds none. */
export function tableNumber({ properties }: Pick<TableMetadata, "properties">, name: string): number | undefined {
  const text = properties[name];
  return text === undefined || !/^\d{1,15}$/.test(text) ? undefined : Number(text);
}
