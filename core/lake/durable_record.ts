/**
 * Records that outlive the process that wrote them. Each is JSON, and says its format in `format`,
 * a number that grows with every change: a program reads all formats up to its own, writes the
 * newest, and refuses a newer one, because it cannot know what it would overlook.
 */
import type { z } from "zod";
import { ifFound, StreamlabError } from "../base/errors.ts";
import type { Store } from "../storage/store.ts";

export interface RecordFormat<T extends { format: number }> {
  /** As messages call it: "plan". */
  what: string;
  /**
   * A shape for each format that lakes may still hold, format 1 first; the last is the one that is
   * written. The shape of an older format turns its records into the newest.
   */
  shapes: readonly [z.ZodType<T>, ...z.ZodType<T>[]];
  /** What to do about a record that is damaged. */
  damagedHint: string;
}

export function recordText<T extends { format: number }>(record: T, indent = 0): string {
  return JSON.stringify(record, undefined, indent) + "\n";
}

/** Undefined where there is none. Fails as `parseRecord` does. */
export async function readRecord<T extends { format: number }>(
  store: Store,
  path: string,
  format: RecordFormat<T>,
): Promise<T | undefined> {
  const bytes = await ifFound(store.read(path));
  return bytes && parseRecord(format, new TextDecoder().decode(bytes), path);
}

/**
 * Fails with `newer` where a newer streamlab wrote it, with `corrupt` where it is no such record.
 */
export function parseRecord<T extends { format: number }>(
  { what, shapes, damagedHint }: RecordFormat<T>,
  text: string,
  place: string,
): T {
  const json = jsonOf(text);
  const format = formatOf(json);
  if (format !== undefined && format > shapes.length) {
    throw newerError(`the ${what} ${place}`, `its format is ${format}, and this one knows up to ${shapes.length}`);
  }
  const result = shapes[(format ?? 1) - 1]!.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const why = json === undefined ? "it is not JSON" : `${issue!.path.join(".") || "it"}: ${issue!.message}`;
  throw new StreamlabError("corrupt", `Cannot read the ${what} ${place}: ${why}`, { hint: damagedHint });
}

/** A record must be about what its name says: one that was copied or renamed by hand is not. */
export function checkRecordPlace<T extends { format: number }>(
  { what, damagedHint }: RecordFormat<T>,
  place: string,
  says: string,
  expected: string,
): void {
  if (says === expected) return;
  throw new StreamlabError("corrupt", `Cannot read the ${what} ${place}: it is about ${says}, not ${expected}`, {
    hint: damagedHint,
  });
}

/** What a newer streamlab left, and this one does not know. */
export function newerError(what: string, why: string): StreamlabError {
  return new StreamlabError("newer", `Cannot read ${what}: it was made by a newer streamlab (${why})`, {
    hint: "Use the version that made it, or a later one",
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined if the record has no format; our programs always write one. */
function formatOf(json: unknown): number | undefined {
  if (typeof json !== "object" || json === null || !("format" in json)) return undefined;
  const { format } = json;
  return typeof format === "number" && Number.isSafeInteger(format) && format >= 1 ? format : undefined;
}
