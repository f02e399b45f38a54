import { Meter } from "../base/meter.ts";
import { systemClock } from "../base/clock.ts";
import type { Scratch } from "../disk/scratch.ts";
import { FILE_PIECE, type FilePiece, type SurveyResult, type SurveyTask } from "../lake/file_survey.ts";
import type { Store } from "../storage/store.ts";
import { prepareFiles } from "./prepare_files.ts";
import type { RawCopies } from "./raw_copies.ts";
import { surveyUnits, unitOf } from "./reader/file_units.ts";
import type { ReadUnit } from "./reader/reading.ts";
import type { RoutingEngine } from "./routing_engine.ts";

export interface SurveyTools {
  engine: Pick<RoutingEngine, "readers" | "limits">;
  /** That the task names the root of. */
  store: Store;
  /** Of its files. */
  copies: RawCopies;
  scratch: Scratch;
}

/**
 * Looks through a file for places to cut it at. Whether it has changed is not told here: who reads
 * the pieces notices it.
 */
export async function surveyFile({ file, options }: SurveyTask, tools: SurveyTools): Promise<SurveyResult> {
  const { engine: { readers, limits }, store, copies, scratch } = tools;
  copies.begin();
  const preparation = { store, copies, scratch, meter: new Meter(systemClock) };
  const { ready: [local] } = await prepareFiles([{ ...file, number: 0 }], options.format, preparation);
  if (local === undefined) return { format: 1, pieces: [] };
  const { recordsAt, onEmpty } = options;
  const unit = unitOf(local, { recordsAt, onEmpty, judgesAll: false, membersOf: () => "" });
  const units = await surveyUnits([unit], { readers, limits, scratch, judgesAll: false });
  const pieces = units.map((each) => pieceOf(each, unit.offset));
  const isCut = pieces.length > 1 && !pieces.includes(undefined);
  return { format: 1, pieces: isCut ? pieces.map((piece) => piece!) : [] };
}

/** Undefined for what only the whole file can be read as. */
function pieceOf({ how, offset, size, position, records, detail }: ReadUnit, start: number): FilePiece | undefined {
  return FILE_PIECE.safeParse({ how, offset: offset - start, size, position, records, detail }).data;
}
