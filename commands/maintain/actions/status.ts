import type { IngestionStatus } from "../../../core/maintain/status/ingestion_status.ts";
import type { Damage } from "../../../core/maintain/table_rows.ts";
import { visibleText } from "../../../core/base/visible_text.ts";
import { parseLocation } from "../../../core/storage/location.ts";
import { openLake } from "../../open_lake.ts";
import { damageText } from "../words.ts";
import { StreamlabError } from "../../../core/base/errors.ts";
import { identifierText, type LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { flag } from "../../line/flags.ts";
import { formatDuration, printNote, printResult } from "../../line/output.ts";
import { type Job, lakeAction } from "../action.ts";
import { TARGET_FILE_SIZE } from "./compact.ts";

const STATUS_FLAGS = {
  ...TARGET_FILE_SIZE,
  maxLag: flag.duration({ section: "STATUS", doc: "exit with status 1 where a file has waited for longer" }),
};

export const status = lakeAction({
  name: "status",
  doc: "show the state of the tables, which files wait, and for how long",
  flags: STATUS_FLAGS,
  check({ maxLag }, isWanted) {
    if (maxLag === undefined || isWanted) return;
    throw new StreamlabError("usage", "--max-lag is about the status", { hint: "Give --status beside it" });
  },
  run: printStatus,
});

async function printStatus({ context, surroundings, identifiers, flags, machine }: Job<typeof STATUS_FLAGS>) {
  const [
    { tableHealth },
    { ingestionStatus },
    { upkeepStatus },
    policy,
    { withNewest },
    { loadOrTell },
    words,
  ] = await Promise.all([
    import("../../../core/maintain/status/table_health.ts"),
    import("../../../core/maintain/status/ingestion_status.ts"),
    import("../../../core/maintain/status/upkeep_status.ts"),
    import("../../../core/maintain/upkeep/policy.ts"),
    import("../../../core/tables/read/newest.ts"),
    import("../../../core/lake/targets.ts"),
    import("../status_words.ts"),
  ]);
  const openRaw = (root: string) => openLake(context, parseLocation(root));
  // Reported once, by the first table that has it.
  const damages = new Map<string, Damage>();
  const onDamage = (damage: Damage) => void damages.set(damageText(damage), damage);
  const unreadable = new Set<string>();
  const onUnreadable = (table: string, { message, hint }: StreamlabError) => {
    unreadable.add(table);
    onDamage({ table, problem: message, hint });
  };
  const ingestion = await ingestionStatus(surroundings, { ...machine, openRaw, onDamage, onUnreadable });
  const nowMs = context.clock.nowMs();
  const only = flags.table === undefined ? undefined : `${flags.table.namespace}.${flags.table.name}`;
  const shown = ingestion.filter(({ table }) => only === undefined || table === only);
  for (const each of shown) {
    await printResult(context, words.ingestionRecord(each, nowMs), words.ingestionText(each, nowMs));
  }
  const { catalog } = surroundings;
  const healths = [], readable = [];
  for (const identifier of identifiers) {
    const first = await loadOrTell(catalog, identifier, onUnreadable);
    if (unreadable.has(identifierText(identifier))) continue;
    const look = (table: LoadedTable) => tableHealth(catalog, table, flags.targetFileSize);
    healths.push(await withNewest(catalog, identifier, look, first));
    readable.push(identifier);
  }
  for (const health of healths) health.damages.forEach(onDamage);
  if (context.json) { for (const health of healths) await printResult(context, words.healthRecord(health), ""); }
  else if (healths.length > 0) await printResult(context, {}, words.healthText(healths));
  const debts = await upkeepStatus(surroundings, readable, policy.usualPolicy(flags.memory));
  for (const each of debts) await printResult(context, words.debtRecord(each), words.debtText(each));
  for (const [text, damage] of damages) {
    const hint = damage.hint === undefined ? "" : `\n  ${damage.hint}`;
    await printResult(context, { action: "damage", ...damage }, visibleText(text) + hint);
  }
  const late = shown.filter((each) => words.lagOf(each, nowMs) > (flags.maxLag ?? Infinity));
  for (const each of late) {
    const lag = formatDuration(words.lagOf(each, nowMs));
    await printNote(context, `${each.table} lags by ${lag}, more than --max-lag ${formatDuration(flags.maxLag!)}`);
  }
  return late.length === 0 && damages.size === 0 && shown.every(isKnownWhole);
}

/** What waits where nobody may look may have waited for long. */
function isKnownWhole({ problem, unreadable }: IngestionStatus): boolean {
  return problem === undefined && unreadable.every(({ why }) => why !== "it may not be read");
}
