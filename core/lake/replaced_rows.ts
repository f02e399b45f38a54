import * as z from "zod";
import { parseRecord, type RecordFormat } from "./durable_record.ts";
import { streamlabKey } from "./keys.ts";

const shape = z.strictObject({
  format: z.literal(1),
  /** The last batch that took the place of rows. */
  through: z.number().int().nonnegative(),
  /** Events that are gone: rows of earlier batches. */
  events: z.number().int().nonnegative(),
});

/** Rows of a table that newer records have taken the place of, or removed. */
export type ReplacedRows = Omit<z.infer<typeof shape>, "format">;

/**
 * In a property of the table of events, changed by the very commits that remove the rows: so the
 * ledger's counts less these are the table's, whatever crashed in between.
 */
const FORMAT: RecordFormat<z.infer<typeof shape>> = {
  what: "record of replaced rows",
  shapes: [shape],
  damagedHint: "The rows are not affected: restore the table's metadata, so that they can be audited",
};

type Properties = Readonly<Record<string, string>>;

/** Of the properties of the target's table of events. */
export function replacedRows(properties: Properties, target: string): ReplacedRows {
  const key = streamlabKey.replacedRows(target);
  const text = properties[key];
  return text === undefined ? { through: 0, events: 0 } : parseRecord(FORMAT, text, `in the property ${key}`);
}

/** What the commit of a batch sets that takes the place of so many more. */
export function replacedProperty(
  properties: Properties,
  target: string,
  batchId: number,
  events: number,
): Record<string, string> {
  const before = replacedRows(properties, target);
  const sum = { format: 1, through: batchId, events: before.events + events };
  return { [streamlabKey.replacedRows(target)]: JSON.stringify(sum) };
}
