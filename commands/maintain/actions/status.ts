import type { Damage } from "../../../core/maintain/table_rows.ts";
import { visibleText } from "../../../core/base/visible_text.ts";
import { parseLocation } from "../../../core/storage/location.ts";
import { openLake } from "../../open_lake.ts";
import { damageText } from "../words.ts";
import { printResult } from "../../line/output.ts";
import { type Job, lakeAction } from "../action.ts";
import { TARGET_FILE_SIZE } from "./compact.ts";

export const status = lakeAction({
  name: "status",
  doc: "show the state of the tables, which files wait, and for how long",
  flags: TARGET_FILE_SIZE,
  run: printStatus,
});

async function printStatus({ context, surroundings, identifiers, flags, machine }: Job<typeof TARGET_FILE_SIZE>) {
  const [{ tableHealth }, { ingestionStatus }, { withNewest }, words] = await Promise.all([
    import("../../../core/maintain/status/table_health.ts"),
    import("../../../core/maintain/status/ingestion_status.ts"),
    import("../../../core/tables/read/newest.ts"),
    import("../status_words.ts"),
  ]);
  const openRaw = (root: string) => openLake(context, parseLocation(root));
  // Reported once, by the first table that has it.
  const damages = new Map<string, Damage>();
  const onDamage = (damage: Damage) => void damages.set(damageText(damage), damage);
  const ingestion = await ingestionStatus(surroundings, { ...machine, openRaw, onDamage });
  const nowMs = context.clock.nowMs();
  const only = flags.table === undefined ? undefined : `${flags.table.namespace}.${flags.table.name}`;
  const shown = ingestion.filter(({ table }) => only === undefined || table === only);
  for (const each of shown) {
    await printResult(context, words.ingestionRecord(each, nowMs), words.ingestionText(each, nowMs));
  }
  const healths = [];
  for (const identifier of identifiers) {
    const { catalog } = surroundings;
    healths.push(await withNewest(catalog, identifier, (table) => tableHealth(catalog, table, flags.targetFileSize)));
  }
  for (const health of healths) health.damages.forEach(onDamage);
  if (context.json) { for (const health of healths) await printResult(context, words.healthRecord(health), ""); }
  else if (healths.length > 0) await printResult(context, {}, words.healthText(healths));
  for (const [text, damage] of damages) await printResult(context, { action: "damage", ...damage }, visibleText(text));
  return damages.size === 0 && shown.every(({ problem }) => problem === undefined);
}
