import { quoteName } from "../../engine/duckdb.ts";
import { parseIdentifier, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { HttpRefusal } from "../http_refusal.ts";
import type { ConsoleCall } from "./console_call.ts";

/** The table that the address names, of those that the lake has: no other name leads to files. */
export async function namedTable(call: ConsoleCall, name = call.required("table")): Promise<TableIdentifier> {
  const { state } = await call.parts.watch.glance();
  if (state?.tables.some(({ table }) => table === name)) return parseIdentifier(name);
  throw new HttpRefusal(404, "NoSuchTableException", `There is no table ${name}`);
}

/** As SQL names it; `suffix` is that of one of its metadata tables. */
export function tableSql({ namespace, name }: TableIdentifier, suffix = ""): string {
  return `${quoteName(namespace.join("."))}.${quoteName(name + suffix)}`;
}
