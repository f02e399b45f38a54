import { stringifyJson } from "../../base/json.ts";
import { quoteText } from "../../engine/duckdb.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { streamAnswer } from "../answer.ts";
import { type ConsoleCall, objectsOf } from "./console_call.ts";
import { tableSql } from "./lake_table.ts";
import { CELL_LETTERS_MAX } from "./limited_session.ts";
import { letterConditions, letterTable } from "./letters.ts";

/** Read at once, by place in the order of the table. */
const PORTION = 500;
/** More are for `query --format ndjson`. */
const LETTERS_MAX = 100_000;

const { deadLetterReason: REASON, deadLetterDetail: DETAIL, rawRecord: RECORD } = OUR_COLUMNS;
const { sourceFile: FILE, sourcePosition: POSITION, batchId: BATCH, ingestedAt: AT } = OUR_COLUMNS;

/** The letters of a list, the oldest first, as lines of JSON; long texts are cut as in answers. */
export async function exportLetters(call: ConsoleCall): Promise<Response> {
  const table = await letterTable(call);
  const conditions = letterConditions(call);
  let after: string | undefined, letters = 0;
  const portion = async () => {
    const where = [...conditions, ...after === undefined ? [] : [after]];
    const found = objectsOf(
      await call.ask(
        `SELECT ${REASON} AS reason, ${DETAIL} AS detail, ${RECORD} AS record, ${FILE} AS file, ${POSITION} AS position,
  ${BATCH} AS batch, ${AT} AS at FROM ${tableSql(table)} ${where.length === 0 ? "" : `WHERE ${where.join(" AND ")}`}
ORDER BY ${BATCH}, ${FILE}, coalesce(${POSITION}, -1) LIMIT ${PORTION}`,
        PORTION,
      ),
    );
    const last = found.at(-1);
    letters += found.length;
    if (last === undefined || letters >= LETTERS_MAX) after = "false";
    else {
      const key = `(${last.batch}, ${quoteText(last.file!)}, ${last.position ?? -1})`;
      after = `(${BATCH}, ${FILE}, coalesce(${POSITION}, -1)) > ${key}`;
    }
    return found;
  };
  // What is refused is refused before the answer begins.
  let next: Awaited<ReturnType<typeof portion>> | undefined = await portion();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const rows = next ?? await portion();
      next = undefined;
      if (rows.length === 0) return controller.close();
      controller.enqueue(new TextEncoder().encode(rows.map(letterLine).join("")));
    },
  }, { highWaterMark: 0 });
  return streamAnswer(body, "application/x-ndjson", {
    "content-disposition": 'attachment; filename="letters.ndjson"',
  });
}

function letterLine({ reason, detail, record, file, position, batch, at }: Record<string, string | null>): string {
  const letter = {
    reason: reason!,
    detail: detail!,
    record: record!,
    isCut: (record?.length ?? 0) >= CELL_LETTERS_MAX,
    sourceFile: file!,
    sourcePosition: position === null ? null : Number(position),
    batchId: Number(batch),
    ingestedAt: at!,
  };
  return `${stringifyJson(letter)}\n`;
}
