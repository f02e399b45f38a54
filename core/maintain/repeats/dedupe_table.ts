import type { Meter } from "../../base/meter.ts";
import { StreamlabError } from "../../base/errors.ts";
import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { checkKeyColumns } from "../../lake/dedupe_rule.ts";
import { PATIENCE_MS } from "../../lake/intent.ts";
import { streamlabKey } from "../../lake/keys.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { targetRecordOf } from "../../lake/target_record.ts";
import { atOnceIn } from "../compaction/compact_table.ts";
import { rowOrderOf } from "../compaction/row_order.ts";
import { targetFileSizeOf } from "../compaction/target_size.ts";
import type { Surroundings } from "../surroundings.ts";
import { Workshop, type WorkshopOptions } from "../workshop.ts";
import { loadToRemove, removeRepeats, type RepeatsReport } from "./remove_repeats.ts";
import { SqlRepeatWork } from "./sql_repeat_work.ts";

export interface TableDedupeOptions extends Omit<WorkshopOptions, "leavesLake"> {
  by: readonly string[];
  mergeOnRead: boolean;
  dryRun: boolean;
  signal: AbortSignal;
  meter: Meter;
}

/** Removes, from a target's table of events, what repeats an earlier event by its key. */
export async function dedupeTable(
  surroundings: Surroundings,
  identifier: LoadedTable["identifier"],
  options: TableDedupeOptions,
): Promise<RepeatsReport> {
  const { by, mergeOnRead, dryRun } = options;
  const target = identifierText(identifier);
  const { table, through } = await loadToRemove(surroundings, identifier);
  checkTable(table, target, by);
  const { random } = surroundings;
  const open = async () => {
    const workshop = await Workshop.open(surroundings, { ...options, leavesLake: dryRun });
    return new SqlRepeatWork(workshop, { random, by, through, mergeOnRead });
  };
  const { signal, meter } = options;
  const atOnce = atOnceIn(options, rowOrderOf(table, []) !== undefined);
  const targetFileSize = targetFileSizeOf(table.metadata);
  const removal = { by, through, mergeOnRead, dryRun, signal, meter, atOnce, targetFileSize, patienceMs: PATIENCE_MS };
  return await removeRepeats(surroundings, table, removal, open);
}

function checkTable({ metadata }: LoadedTable, target: string, by: readonly string[]): void {
  const { fields } = currentSchema(metadata);
  const kindOf = (name: string) => fields.find((field) => field.name === name)?.type.type;
  const ours = [OUR_COLUMNS.batchId, OUR_COLUMNS.sourceFile, OUR_COLUMNS.sourcePosition];
  if (metadata.properties[streamlabKey.sequenceId(target)] === undefined || !ours.every(kindOf)) {
    throw new StreamlabError("usage", `Cannot remove repeats from ${target}: consume does not write events to it`, {
      hint: "Name a table of events with --table, such as bronze.events",
    });
  }
  if (targetRecordOf(metadata.properties, target)?.options.upsert !== undefined) {
    throw new StreamlabError(
      "usage",
      `Cannot remove repeats from ${target}: it holds one row of each key, by consume --upsert-by`,
      { hint: "Name a table that holds every event with --table" },
    );
  }
  checkKeyColumns(by, kindOf, target);
  const own = by.find((name) => (Object.values(OUR_COLUMNS) as string[]).includes(name));
  if (own === undefined) return;
  throw new StreamlabError("usage", `Cannot deduplicate by ${own}: it is no column of the events themselves`, {
    hint: "Name another column with --dedupe-by",
  });
}
