import * as z from "zod";
import { parseRecord, type RecordFormat } from "./durable_record.ts";
import { streamlabKey } from "./keys.ts";

const removalShape = z.strictObject({
  /** The columns that make a key. */
  by: z.array(z.string()),
  /** The last batch whose events were looked at. */
  through: z.number().int().nonnegative(),
  /** Events that were removed: the rows of batches. */
  events: z.number().int().nonnegative(),
});

/**
 * What `maintain --dedupe-by` has removed from a table by one key: events that an earlier one with
 * the same key stands for, by batch, file and position.
 */
export type RemovedRepeats = z.infer<typeof removalShape>;

const removalsShape = z.strictObject({ format: z.literal(1), removals: z.array(removalShape) });

/**
 * In a property of the table of events, changed by the very commits that remove the rows: so the
 * ledger's counts less these are the table's, whatever crashed in between.
 */
const FORMAT: RecordFormat<z.infer<typeof removalsShape>> = {
  what: "record of removed repeats",
  shapes: [removalsShape],
  damagedHint: "The rows are not affected: restore the table's metadata, so that they can be audited",
};

type Properties = Readonly<Record<string, string>>;

/** Of the properties of the target's table of events; one for each key. */
export function removedRepeats(properties: Properties, target: string): RemovedRepeats[] {
  const key = streamlabKey.removedRepeats(target);
  const text = properties[key];
  return text === undefined ? [] : parseRecord(FORMAT, text, `in the property ${key}`).removals;
}

/** What a commit sets that removes more. */
export function removedProperty(
  properties: Properties,
  target: string,
  removed: RemovedRepeats,
): Record<string, string> {
  const isSame = ({ by }: RemovedRepeats) => JSON.stringify(by) === JSON.stringify(removed.by);
  const before = removedRepeats(properties, target);
  const known = before.find(isSame);
  const sum = {
    by: removed.by,
    through: Math.max(known?.through ?? 0, removed.through),
    events: (known?.events ?? 0) + removed.events,
  };
  const removals = [...before.filter((each) => !isSame(each)), sum];
  return { [streamlabKey.removedRepeats(target)]: JSON.stringify({ format: 1, removals }) };
}
