/** `--dry-run`: what would go where, by reason and field, with an example each. */
import { counted, formatCount } from "../../core/base/counted.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { visibleText } from "../../core/base/visible_text.ts";
import type { BatchReport, ConsumerReport } from "../../core/consume/batch_report.ts";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import type { DryRun } from "../../core/consume/dry_run.ts";
import { identifierText } from "../../core/iceberg/catalog/catalog.ts";
import type { LetterGroup, LetterGroups } from "../../core/maintain/letters/letter_groups.ts";
import type { Context, ExitStatus } from "../line/command.ts";
import { formatSize, printMessage, printNote, printResult, type ScriptRecord } from "../line/output.ts";
import { startProgress } from "../line/progress.ts";

/** Printed for people; `--json` has all. */
const GROUPS_SHOWN_MAX = 50;
/** Of an example, for people. */
const EXAMPLE_LENGTH_MAX = 300;

export async function dryRunTarget(
  context: Context,
  options: ConsumeSessionOptions,
  report: DryRunReport,
): Promise<ExitStatus> {
  const [{ dryRun }, { LetterGroups }] = await Promise.all([
    import("../../core/consume/dry_run.ts"),
    import("../../core/maintain/letters/letter_groups.ts"),
  ]);
  const table = identifierText(options.target);
  const progress = startProgress(context, `Judging for ${table}`, options.meter);
  const groups = new LetterGroups(undefined);
  const ingestedAtMs = context.clock.nowMs();
  let result: DryRun;
  try {
    result = await dryRun(options, (letter) => groups.add({ ...letter, raw: "", ingestedAtMs }), context.signal);
  } finally {
    await progress.end();
  }
  await report.print(table, result, groups);
  const { limit, discovery } = result;
  if (limit !== undefined) {
    throw new StreamlabError("limit", `A run would stop: ${limit.message.replace(/^Stopped: /, "")}`, {
      hint: "Nothing was written; correct the files or the contract, or allow more",
    });
  }
  const unreadable = discovery?.unreadable ?? [];
  if (unreadable.length > 0) {
    throw new StreamlabError(
      "unavailable",
      `Cannot read ${counted(unreadable.length, "file")}: ${unreadable[0]!.reason}`,
      {
        hint: "A run would take all others; make them readable, or take them out of the folder",
      },
    );
  }
  return context.signal.aborted ? 130 : 0;
}

const SUMMED = ["files", "bytes", "records", "events", "deadLetters", "duplicates", "empty", "vanished"] as const;
type Sums = Record<"batches" | typeof SUMMED[number], number>;

/** Adds up what the batches of a run would be, instead of telling each. */
export class DryRunReport implements ConsumerReport {
  readonly #context: Context;
  readonly #sums = Object.fromEntries(["batches", ...SUMMED].map((key) => [key, 0])) as Sums;
  #changed = 0;
  #superseded = 0;
  readonly #lines: { record: ScriptRecord; text: string }[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  batch(report: BatchReport): void {
    const sums = this.#sums;
    sums.batches++;
    for (const key of SUMMED) sums[key] += report[key];
    this.#changed += report.changed;
    this.#superseded += report.superseded ?? 0;
  }

  file(name: string, status: "changed" | "unreadable" | "vanished", detail: string): void {
    this.#lines.push({ record: { action: "file", file: name, status, detail }, text: `${name} ${status}: ${detail}` });
  }

  note(text: string): void {
    this.#lines.push({ record: { action: "note", text }, text });
  }

  async print(table: string, result: DryRun, groups: LetterGroups): Promise<void> {
    const context = this.#context;
    for (const { record, text } of this.#lines) {
      await printMessage(context, { ...record, table }, visibleText(text));
    }
    const counts = groups.counts();
    const { deadLettersTable, newTables, newColumns } = result;
    const record = {
      action: "dry-run",
      table,
      deadLettersTable,
      ...this.#sums,
      changed: this.#changed,
      unreadable: result.discovery?.unreadable.length ?? 0,
      reasons: reasonsOf(counts.groups),
      wholeFiles: counts.wholeFiles,
      newTables,
      newColumns,
      groups: counts.groups.map(({ reason, place, letters, example: { file, position, detail } }) => ({
        reason,
        place,
        letters,
        example: { file, position: position === null ? null : Number(position), detail },
      })),
    };
    await printResult(context, record, [...this.#summary(table, result), ...groupLines(counts.groups)].join("\n"));
    if (context.signal.aborted) await printNote(context, "Stopped: what was not yet judged is not counted");
  }

  #summary(table: string, { deadLettersTable, newTables, newColumns }: DryRun): string[] {
    const { files, bytes, records, events, deadLetters, duplicates, empty, batches } = this.#sums;
    const makes = newTables.length === 0 ? [] : [`A run would make the tables ${newTables.join(", ")}`];
    const adds = newColumns.length === 0
      ? []
      : [visibleText(`${table} would get the columns ${newColumns.join(", ")}`)];
    if (batches === 0) return [`${table}: nothing new to judge, and nothing was written`, ...makes, ...adds];
    const extra = [
      duplicates > 0 ? `, ${counted(duplicates, "repeat")} dropped` : "",
      this.#superseded > 0 ? `, ${counted(this.#superseded, "record")} superseded` : "",
      empty > 0 ? `, ${counted(empty, "empty file")}` : "",
      this.#changed > 0 ? `, ${this.#changed} changed` : "",
    ].join("");
    const size = `${counted(files, "file")} (${formatSize(bytes)}) in ${counted(batches, "batch", "batches")}`;
    const letters = `${counted(deadLetters, "dead letter")} in ${deadLettersTable}`;
    return [
      `${table}: ${size}, ${counted(records, "record")} → ${
        counted(events, "event")
      }, ${letters}${extra}; nothing was written`,
      ...makes,
      ...adds,
    ];
  }
}

function reasonsOf(groups: readonly LetterGroup[]): Record<string, number> {
  const reasons: Record<string, number> = {};
  for (const { reason, letters } of groups) reasons[reason] = (reasons[reason] ?? 0) + letters;
  return reasons;
}

function groupLines(groups: readonly LetterGroup[]): string[] {
  const shown = groups.slice(0, GROUPS_SHOWN_MAX);
  const rest = groups.length - shown.length;
  return [
    ...shown.flatMap(({ reason, place, letters, example: { file, position, detail } }) => [
      `  ${reason}${place === "" ? "" : ` ${place}`}: ${formatCount(letters)}`,
      `    ${file}${position === null ? "" : ` record ${position}`}: ${cut(detail)}`,
    ]),
    ...(rest > 0 ? [`  and ${counted(rest, "smaller group")}: --json has all`] : []),
  ].map(visibleText);
}

function cut(text: string): string {
  return text.length <= EXAMPLE_LENGTH_MAX ? text : `${text.slice(0, EXAMPLE_LENGTH_MAX)}…`.toWellFormed();
}
