import { counted, formatCount } from "../../../core/base/counted.ts";
import { messageOf } from "../../../core/base/errors.ts";
import { visibleText } from "../../../core/base/visible_text.ts";
import type { DeadLetterReason } from "../../../core/contract/contract.ts";
import { identifierText, type TableIdentifier } from "../../../core/iceberg/catalog/catalog.ts";
import { OUR_COLUMNS } from "../../../core/lake/our_columns.ts";
import type { KnownTarget } from "../../../core/lake/targets.ts";
import type { Judge } from "../../../core/contract/judge.ts";
import type { LetterCounts, LetterGroup } from "../../../core/maintain/letters/letter_groups.ts";
import { letterTargets } from "../../letter_targets.ts";
import { printResult } from "../../line/output.ts";
import { type Job, lakeAction } from "../action.ts";

export const deadLetters = lakeAction({
  name: "dead-letters",
  doc: "count dead letters by day, reason and field, and how many of them the contract takes by now",
  flags: {},
  run: printLetters,
});

/** Printed for people; `--json` has all. */
const PRINTED_MAX = 50;

async function printLetters(job: Job): Promise<boolean> {
  const { context, surroundings: { catalog }, flags } = job;
  const targets = await letterTargets(catalog, flags.table);
  for (const { target, letters } of targets) {
    if (context.signal.aborted) return true;
    if (await catalog.loadTable(letters) === undefined) continue;
    const { judge, unknown } = await judgeOf(target);
    const counts = await countLetters(job, letters, judge);
    const table = identifierText(letters);
    await printResult(context, recordOf(table, counts, unknown), textOf(table, counts, unknown));
  }
  return true;
}

/** By the contract that consume would go on with; `unknown` says why there is none. */
async function judgeOf({ record }: KnownTarget): Promise<{ judge?: Judge; unknown?: string }> {
  const [{ Judge }, { parseContract }] = await Promise.all([
    import("../../../core/contract/judge.ts"),
    import("../../../core/contract/json_schema.ts"),
  ]);
  try {
    const known = record();
    if (known === undefined) return { unknown: "an older streamlab has not written its contract down" };
    return { judge: new Judge(parseContract(known.contract), known.options.onExtraFields, known.options.onWrongType) };
  } catch (error) {
    return { unknown: messageOf(error) };
  }
}

const { deadLetterReason, deadLetterDetail, rawRecord, sourceFile, sourcePosition, ingestedAt } = OUR_COLUMNS;

async function countLetters({ context, surroundings, machine }: Job, table: TableIdentifier, judge?: Judge) {
  const [{ quoteName }, { Session }, { LetterGroups }] = await Promise.all([
    import("../../../core/engine/duckdb.ts"),
    import("../../../core/query/sql_session.ts"),
    import("../../../core/maintain/letters/letter_groups.ts"),
  ]);
  const { catalog, clock, random } = surroundings;
  const session = new Session({ openCatalog: () => Promise.resolve(catalog), clock, random, ...machine });
  const columns = [deadLetterReason, deadLetterDetail, rawRecord, sourceFile, sourcePosition].map(quoteName);
  const from = [...table.namespace, table.name].map(quoteName).join(".");
  const sql = `SELECT ${columns.join(", ")}, epoch_ms(${quoteName(ingestedAt)}) FROM ${from}`;
  const groups = new LetterGroups(judge);
  await session.ask(sql, { signal: context.signal }, async ({ chunks }) => {
    for await (const rows of chunks) {
      for (const [reason, detail, raw, file, position, atMs] of rows) {
        groups.add({
          reason: reason as DeadLetterReason,
          detail: detail as string,
          raw: raw as string,
          file: file as string,
          position: position as bigint | null,
          ingestedAtMs: Number(atMs),
        });
      }
    }
  });
  return groups.counts();
}

function recordOf(table: string, { groups, letters, wholeFiles, taken }: LetterCounts, unknown: string | undefined) {
  return {
    action: "dead-letters",
    table,
    letters,
    wholeFiles,
    taken: unknown === undefined ? taken : null,
    groups: groups.map((group) => ({
      ...group,
      taken: unknown === undefined ? group.taken : null,
      example: {
        ...group.example,
        position: group.example.position === null ? null : Number(group.example.position),
      },
    })),
  };
}

function textOf(table: string, counts: LetterCounts, unknown: string | undefined): string {
  const { groups, letters, wholeFiles, taken } = counts;
  if (letters === 0) return `${table}: no dead letters`;
  const whole = wholeFiles === 0 ? "" : `, ${formatCount(wholeFiles)} of them whole files`;
  const now = unknown === undefined
    ? `its contract takes ${formatCount(taken)} of them by now`
    : `which of them its contract takes by now is not known: ${unknown}`;
  const shown = groups.slice(0, PRINTED_MAX);
  const rest = groups.length - shown.length;
  return [
    `${table}: ${counted(letters, "dead letter")}${whole}; ${now}`,
    ...shown.flatMap((group) => groupLines(group, unknown === undefined)),
    ...(rest > 0 ? [`  and ${counted(rest, "smaller group")}: --json has all`] : []),
  ].map(visibleText).join("\n");
}

function groupLines({ day, reason, place, letters, taken, example }: LetterGroup, isKnown: boolean): string[] {
  const now = isKnown && taken > 0 ? `, ${formatCount(taken)} taken by now` : "";
  const record = example.position === null ? "" : ` record ${example.position}`;
  return [
    `  ${day}  ${reason}${place === "" ? "" : ` ${place}`}: ${formatCount(letters)}${now}`,
    `    ${example.file}${record}: ${example.detail}`,
  ];
}
