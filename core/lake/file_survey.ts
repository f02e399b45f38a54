/**
 * Where a large file can be cut, for tasks that read parts of it: between records, as one pass
 * through the file has found it. Plain data, like a routing task; neither is stored in the lake.
 */
import * as z from "zod";
import { PLAN_OPTIONS, PLANNED_FILE } from "./batch_plan.ts";
import type { RecordFormat } from "./durable_record.ts";

/** Whole records that stand one behind another, as the reader takes them at once. */
export const FILE_PIECE = z.strictObject({
  /** See `ReadUnit`. */
  how: z.enum([
    "elements",
    "values",
    "rest",
    "first-lines",
    "more-lines",
    "envelope-lines",
    "envelope-values",
    "bare-envelope",
  ]),
  /** Bytes of the file. */
  offset: z.number().int().nonnegative(),
  size: z.number().int().nonnegative(),
  /** Of its first record, and how many it has. */
  position: z.number().int().nonnegative(),
  records: z.number().int().nonnegative(),
  /** Why an envelope is bare. */
  detail: z.string().optional(),
});

const taskShape = z.strictObject({
  format: z.literal(1),
  /** Root of the store that the file is in. */
  rawRoot: z.string(),
  options: PLAN_OPTIONS,
  file: PLANNED_FILE,
  limits: z.strictObject({ threads: z.number().int().positive(), memory: z.string() }),
});

const resultShape = z.strictObject({
  format: z.literal(1),
  /** Of the whole file, in order; none where it cannot be cut, or is not as it was planned. */
  pieces: z.array(FILE_PIECE),
});

export type FilePiece = z.infer<typeof FILE_PIECE>;
export type SurveyTask = z.infer<typeof taskShape>;
export type SurveyResult = z.infer<typeof resultShape>;

export const SURVEY_TASK_FORMAT: RecordFormat<SurveyTask> = {
  what: "survey task",
  shapes: [taskShape],
  damagedHint: "Give the task as it was made",
};

export const SURVEY_RESULT_FORMAT: RecordFormat<SurveyResult> = {
  what: "survey",
  shapes: [resultShape],
  damagedHint: "Look through the file again",
};

export function sizeOfPieces(pieces: readonly FilePiece[]): number {
  return pieces.reduce((sum, { size }) => sum + size, 0);
}

/** Pieces that follow each other, of about so many bytes together. */
export function rangesOf(pieces: readonly FilePiece[], bytes: number): FilePiece[][] {
  const ranges: FilePiece[][] = [];
  let room = 0;
  for (const piece of pieces) {
    if (ranges.length === 0 || room < piece.size / 2) {
      ranges.push([]);
      room = bytes;
    }
    ranges.at(-1)!.push(piece);
    room -= piece.size;
  }
  return ranges;
}
