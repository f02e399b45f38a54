import { jsonAnswer } from "../answer.ts";
import { badRequest, HttpRefusal } from "../http_refusal.ts";
import type { ConsoleCall } from "./console_call.ts";
import { ROWS_MAX } from "./limited_session.ts";

/** As many as a page can show. */
const ROWS_DEFAULT = 1_000;

/** One question in SQL; its cells are texts. */
export async function answerQuestion(call: ConsoleCall): Promise<Response> {
  // Another type would let a page of another site send it without being asked first.
  if (call.incoming.headers.get("content-type")?.split(";", 1)[0] !== "application/json") {
    throw new HttpRefusal(415, "UnsupportedMediaTypeException", "Questions come as application/json");
  }
  const body = await call.incoming.readJson();
  const { sql, rows = ROWS_DEFAULT } = body;
  if (typeof sql !== "string") throw badRequest("Cannot read sql: it is not a text");
  if (typeof rows !== "number" || !Number.isInteger(rows) || rows < 1 || rows > ROWS_MAX) {
    throw badRequest(`Cannot read rows: it is not a whole number from 1 to ${ROWS_MAX}`);
  }
  const startMs = call.parts.clock.nowMs();
  const { columns, rows: found, cut } = await call.ask(sql, rows);
  return jsonAnswer(200, { columns, rows: found, cut: cut ?? null, tookMs: call.parts.clock.nowMs() - startMs });
}
