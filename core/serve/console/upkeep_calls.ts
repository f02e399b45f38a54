import type { Json } from "../../base/json.ts";
import { identifierText } from "../../iceberg/catalog/catalog.ts";
import { TABLE_ACTIONS, type TableActionName } from "../../maintain/table_actions.ts";
import { jsonAnswer } from "../answer.ts";
import { badRequest, HttpRefusal } from "../http_refusal.ts";
import type { ConsoleCall } from "./console_call.ts";
import { namedTable } from "./lake_table.ts";
import type { UpkeepDesk } from "./upkeep_desk.ts";

/** One action on one table; what it answers is what `maintain --json` prints of it. */
export async function runUpkeep(call: ConsoleCall): Promise<Response> {
  const { clock } = call.parts;
  const { table, action, dryRun = true } = await call.body();
  const upkeep = deskOf(call);
  if (!isAction(action)) {
    throw badRequest(`Cannot read action: it is none of ${Object.keys(TABLE_ACTIONS).join(", ")}`);
  }
  if (typeof dryRun !== "boolean") throw badRequest("Cannot read dryRun: it is neither true nor false");
  if (typeof table !== "string") throw badRequest("Cannot read table: it is not a text");
  const identifier = await namedTable(call, table);
  const startMs = clock.nowMs();
  const report = await upkeep.run(action, identifier, dryRun, call.incoming.signal);
  const durationMs = clock.nowMs() - startMs;
  return jsonAnswer(200, {
    action,
    table: identifierText(identifier),
    dryRun,
    durationMs,
    ...report as unknown as { [key: string]: Json },
  });
}

const PIECES_DEFAULT = 20;
const PIECES_MAX = 500;

/** What upkeep did to a table, the newest first. */
export async function listUpkeep(call: ConsoleCall): Promise<Response> {
  const table = call.required("table");
  const count = Math.max(1, call.count("limit", PIECES_DEFAULT, PIECES_MAX));
  const records = await call.parts.history.upkeep.newest(table, { count });
  return jsonAnswer(200, {
    table,
    pieces: records.map(({ startedAt, endedAt, by, action, outcome, detail, done }) => ({
      startedAt,
      endedAt,
      by,
      action,
      outcome,
      detail: detail === undefined ? null : call.parts.shown(detail),
      done,
    })),
  });
}

/** Refuses where the console may only look. */
export function deskOf({ parts: { upkeep } }: ConsoleCall): UpkeepDesk {
  if (upkeep !== undefined) return upkeep;
  throw new HttpRefusal(403, "ForbiddenException", "This console only looks: start serve with --allow-upkeep");
}

function isAction(name: unknown): name is TableActionName {
  return typeof name === "string" && Object.hasOwn(TABLE_ACTIONS, name);
}
