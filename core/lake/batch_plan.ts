import * as z from "zod";
import { DEDUPE_RULE } from "./dedupe_rule.ts";
import type { RecordFormat } from "./durable_record.ts";
import { UPSERT_RULE } from "./upsert_rule.ts";

export const PLANNED_FILE = z.strictObject({
  name: z.string(),
  path: z.string(),
  etag: z.string(),
  size: z.number(),
});

/** The rules that a batch is judged by, besides its contract. */
export const PLAN_OPTIONS = z.strictObject({
  onExtraFields: z.enum(["dead-letter", "rescue", "add"]),
  /** A dead letter unless said. */
  onWrongType: z.enum(["dead-letter", "rescue"]).optional(),
  /** The format that overrides what names say. */
  format: z.enum(["json", "ndjson", "parquet"]).optional(),
  /** What becomes of an empty file or array: a dead letter unless said. */
  onEmpty: z.enum(["dead-letter", "ignore"]).optional(),
  /** A JSON pointer: each file, line or value of JSON is an envelope that has its records there. */
  recordsAt: z.string().optional(),
  /** Events that repeat another one are dropped, and counted. */
  dedupe: DEDUPE_RULE.optional(),
  /** The table holds the newest record of each key. */
  upsert: UPSERT_RULE.optional(),
  /** Fields that the folders of a file's path have the values of: `dt=2026-03-01/`. */
  pathColumns: z.array(z.string()).optional(),
});

export type OnEmpty = z.infer<typeof PLAN_OPTIONS>["onEmpty"];

/** Dead letters of one raw file, by the batch that their table has them of. */
const replayedFileShape = z.strictObject({
  name: z.string(),
  etag: z.string(),
  size: z.number(),
  batchId: z.number().int().positive(),
  /** Of the records in the file, ascending. */
  positions: z.array(z.number().int().nonnegative()),
});

export type ReplayedFile = z.infer<typeof replayedFileShape>;

/** A version of a raw file whose rows leave, with what the ledger's lines say of it together. */
const replacedFileShape = z.strictObject({
  name: z.string(),
  etag: z.string(),
  size: z.number(),
  records: z.number().int(),
  events: z.number().int(),
  deadLetters: z.number().int(),
});

export type ReplacedFile = z.infer<typeof replacedFileShape>;

const planShape = z.strictObject({
  format: z.literal(1),
  sequenceId: z.string(),
  batchId: z.number().int().positive(),
  /** When it was planned, RFC 3339. */
  plannedAt: z.string(),
  /** The target table. */
  table: z.string(),
  /**
   * What comes before a path in a file's name: empty for the lake's own raw zone, which may be
   * moved between runs.
   */
  raw: z.string(),
  /** The whole contract, as canonical JSON Schema text. */
  contract: z.string(),
  options: PLAN_OPTIONS,
  /** To be ingested; a file's number is its index. */
  files: z.array(PLANNED_FILE),
  /** Known names with new content, which are only to be recorded. */
  changed: z.array(PLANNED_FILE),
});

/** A plan without raw files: what it takes are dead letters, which are judged again. */
const replayShape = planShape.extend({
  format: z.literal(2),
  /** A name stands once: with the batch's own id it says which letter a row comes from. */
  replay: z.array(replayedFileShape),
});

/** A plan with `options.upsert`, which a program that does not know it must not take. */
const upsertShape = planShape.extend({ format: z.literal(3) });

/** A plan of files that the tables have rows of already, which leave as the new ones come. */
const reingestShape = planShape.extend({
  format: z.literal(4),
  /** Of the planned files all versions that were ingested, as the ledger has them. */
  reingest: z.array(replacedFileShape),
});

/**
 * What a batch is to take, and by which rules: durable before anything is read. Only a replay has
 * format 2, one with upserts 3 and a reingest 4, so that other plans can be read by older programs.
 */
export interface BatchPlan extends Omit<z.infer<typeof planShape>, "format"> {
  format: 1 | 2 | 3 | 4;
  replay?: ReplayedFile[] | undefined;
  reingest?: ReplacedFile[] | undefined;
}

/** What a batch is planned of, besides new files: dead letters, or files once more. */
export type ChosenRows =
  | { format: 2; replay: ReplayedFile[] }
  | { format: 4; files: PlannedFile[]; reingest: ReplacedFile[] };

/** How many dead letters it judges again; undefined where it takes files. */
export function plannedLetters({ replay }: Pick<BatchPlan, "replay">): number | undefined {
  return replay?.reduce((sum, { positions }) => sum + positions.length, 0);
}

export type PlannedFile = z.infer<typeof PLANNED_FILE>;

export const PLAN_FORMAT: RecordFormat<BatchPlan> = {
  what: "plan",
  shapes: [planShape, replayShape, upsertShape, reingestShape],
  damagedHint:
    "Restore the checkpoints folder from where it was damaged; do not delete it while a batch is half committed",
};

/** Of a plan of files, and of what is routed by it. */
export function planFormat({ options, reingest }: Pick<BatchPlan, "options" | "reingest">): 1 | 3 | 4 {
  if (reingest !== undefined) return 4;
  return options.upsert === undefined ? 1 : 3;
}

export interface BatchLimits {
  maxFilesPerBatch: number;
  maxBytesPerBatch: number;
}

/**
 * Whatever limits are set: a plan and a routed record are each a text that is made and read whole,
 * and no string is longer than half a billion letters. A plan that is durable must be routable.
 */
const PLAN_FILES_MAX = 1_000_000, PLAN_LETTERS_MAX = 250e6;
/** Of a file, besides its name, its path and its etag: other fields, and what stands around. */
const FILE_LETTERS = 120;
/** Written as it is; each of the others may take six letters. */
const PLAIN = /^[^"\\\p{Cc}\p{Cs}]*$/u;

/**
 * The first files that fit into a batch, at least one. `beside`: those that its plan holds already,
 * which count for nothing but its length.
 */
export function filesOfBatch<File extends PlannedFile>(
  files: readonly File[],
  limits: BatchLimits,
  beside: readonly PlannedFile[] = [],
): File[] {
  const countMax = Math.min(limits.maxFilesPerBatch, PLAN_FILES_MAX - beside.length);
  let bytes = 0, letters = beside.reduce((sum, file) => sum + lettersOf(file), 0);
  let count = 0;
  while (count < files.length && count < countMax) {
    const file = files[count]!;
    bytes += file.size;
    letters += lettersOf(file);
    const isOver = bytes > limits.maxBytesPerBatch || letters > PLAN_LETTERS_MAX;
    if (isOver && count + beside.length > 0) break;
    count++;
  }
  return files.slice(0, count);
}

/** Whether a plan can hold files to be ingested again, with the versions of them that leave. */
export function fitsPlan(files: readonly PlannedFile[], versions: readonly ReplacedFile[]): boolean {
  const limits = { maxFilesPerBatch: Infinity, maxBytesPerBatch: Infinity };
  const beside = versions.map(({ name, etag, size }) => ({ name, path: "", etag, size }));
  return filesOfBatch(files, limits, beside).length === files.length;
}

function lettersOf({ name, path, etag }: PlannedFile): number {
  return [name, path, etag].reduce((sum, text) => sum + (PLAIN.test(text) ? 1 : 6) * text.length, FILE_LETTERS);
}
