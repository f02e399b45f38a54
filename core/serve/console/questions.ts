import { jsonAnswer } from "../answer.ts";
import { badRequest } from "../http_refusal.ts";
import type { ConsoleCall } from "./console_call.ts";
import { ROWS_MAX } from "./limited_session.ts";

/** As many as a page can show. */
const ROWS_DEFAULT = 1_000;

/** One question in SQL; its cells are texts. */
export async function answerQuestion(call: ConsoleCall): Promise<Response> {
  const body = await call.body();
  const { sql, rows = ROWS_DEFAULT } = body;
  if (typeof sql !== "string") throw badRequest("Cannot read sql: it is not a text");
  if (typeof rows !== "number" || !Number.isInteger(rows) || rows < 1 || rows > ROWS_MAX) {
    throw badRequest(`Cannot read rows: it is not a whole number from 1 to ${ROWS_MAX}`);
  }
  const startMs = call.parts.clock.nowMs();
  const { columns, rows: found, cut } = await call.ask(sql, rows);
  return jsonAnswer(200, { columns, rows: found, cut: cut ?? null, tookMs: call.parts.clock.nowMs() - startMs });
}
