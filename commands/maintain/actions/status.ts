import { printResult } from "../../line/output.ts";
import { type Job, lakeAction } from "../action.ts";
import { TARGET_FILE_SIZE } from "./compact.ts";

export const status = lakeAction({
  name: "status",
  doc: "how the tables are, what waits to be ingested, and how long",
  flags: TARGET_FILE_SIZE,
  run: printStatus,
});

async function printStatus({ context, surroundings, identifiers, flags, machine }: Job<typeof TARGET_FILE_SIZE>) {
  const [{ tableHealth }, { ingestionStatus }, { withNewest }, { eventFileKind }, words] = await Promise.all([
    import("../../../core/maintain/status/table_health.ts"),
    import("../../../core/maintain/status/ingestion_status.ts"),
    import("../../../core/tables/read/newest.ts"),
    import("../../../core/lake/event_file.ts"),
    import("../status_words.ts"),
  ]);
  const isEventFile = (path: string) => eventFileKind(path) !== undefined;
  const ingestion = await ingestionStatus(surroundings, { ...machine, isEventFile });
  const nowMs = context.clock.nowMs();
  const only = flags.table === undefined ? undefined : `${flags.table.namespace}.${flags.table.name}`;
  for (const each of ingestion) {
    if (only !== undefined && each.table !== only) continue;
    await printResult(context, words.ingestionRecord(each, nowMs), words.ingestionText(each, nowMs));
  }
  const healths = [];
  for (const identifier of identifiers) {
    const { catalog } = surroundings;
    healths.push(await withNewest(catalog, identifier, (table) => tableHealth(table, flags.targetFileSize)));
  }
  if (context.json) { for (const health of healths) await printResult(context, words.healthRecord(health), ""); }
  else if (healths.length > 0) await printResult(context, {}, words.healthText(healths));
  return true;
}
