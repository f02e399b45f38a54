import { counted } from "../../core/base/counted.ts";
import type { Json } from "../../core/base/json.ts";
import type { LeftFile } from "../../core/storage/deletion.ts";
import type { Damage } from "../../core/maintain/table_rows.ts";
import { formatDuration } from "../line/output.ts";
import type { TableAction } from "./action.ts";

/** What an action made of one table. */
export interface ActionOutcome {
  action: TableAction;
  table: string;
  dryRun: boolean;
  durationMs: number;
  report: object;
}

/** As `--json` prints it. */
export function actionRecord({ action, report, ...rest }: ActionOutcome): { [key: string]: Json } {
  return { action: action.name, ...rest, ...report as unknown as { [key: string]: Json } };
}

/** As people read it: what was done, or would be. */
export function actionText({ action, table, dryRun, durationMs, report }: ActionOutcome): string {
  const tense = (past: string, infinitive: string) => dryRun ? `would ${infinitive}` : past;
  const [line, ...details] = action.lines(report, tense, dryRun);
  const time = dryRun || durationMs < 1_000 ? "" : ` in ${formatDuration(durationMs)}`;
  return [`${table}: ${line}${time}`, ...details.map((detail) => `  ${detail}`)].join("\n");
}

const LEFT_BECAUSE: Readonly<Record<LeftFile["reason"], string>> = {
  "not ours": "not in folders of ours, or with a name that is not given there",
  linked: "a symbolic link leads there, or it is no file",
};

/** What nothing needs any more, and is not ours to delete. */
export function leftLines(left: readonly LeftFile[]): string[] {
  return Object.entries(LEFT_BECAUSE).flatMap(([reason, why]) => {
    const files = left.filter((file) => file.reason === reason);
    if (files.length === 0) return [];
    return [`left ${counted(files.length, "file")} (${why}), such as ${files[0]!.path}`];
  });
}

export function intentLines({ foreignIntents }: { foreignIntents: number }): string[] {
  if (foreignIntents === 0) return [];
  return [`left ${counted(foreignIntents, "intent")} in checkpoints/intents/ that no compaction of this table wrote`];
}

export function damageText({ table, problem, rows }: Damage): string {
  return `${table}: ${problem}${rows === undefined ? "" : ` (${counted(rows, "row")})`}`;
}
