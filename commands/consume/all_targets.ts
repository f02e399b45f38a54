/** `--all-targets`: every target of a lake in one process, each by what is remembered with it. */
import { StreamlabError } from "../../core/base/errors.ts";
import type { Catalog } from "../../core/iceberg/catalog/catalog.ts";
import type { KnownTarget } from "../../core/lake/targets.ts";
import type { Context, ExitStatus } from "../line/command.ts";
import { reportError } from "../line/errors.ts";
import { type FlagSchema, flagsOf } from "../line/flags.ts";
import { printMessage, timeText } from "../line/output.ts";
import { secretsIn } from "../line/program.ts";

/** Refuses flags that are for one target: those of the section, and those that are named. */
export function checkOfNoTarget(
  schema: FlagSchema,
  given: Readonly<Record<string, unknown>>,
  section: string,
  names: readonly string[],
): void {
  const { flags } = flagsOf(schema);
  const own = flags.filter(({ meta, name }) => meta.section === section || names.includes(name));
  const wrong = own.find(({ key, name }) => name !== "all-targets" && given[key] !== undefined && given[key] !== false);
  if (wrong === undefined) return;
  throw new StreamlabError("usage", `--${wrong.name} is for one target, and --all-targets takes them as they are`, {
    hint: "Name the target with --table instead of --all-targets, once: it is remembered",
  });
}

export interface TargetRuns {
  /** One after another, or all at once. */
  inTurn: boolean;
  /** Ingests into one. */
  run(table: string, targets: number): Promise<ExitStatus>;
}

/** What stops one target is told of, and stops no other: its status is that of the whole. */
export async function runAllTargets(
  context: Context,
  catalog: Catalog,
  { inTurn, run }: TargetRuns,
): Promise<ExitStatus> {
  const { targetsOfCatalog } = await import("../../core/lake/targets.ts");
  const targets = await targetsOfCatalog(catalog);
  if (targets.length === 0) {
    throw new StreamlabError("not-found", "There is no target to consume into: the lake has none yet", {
      hint: "Name the first with --table, and what feeds it",
    });
  }
  const runOne = async (target: KnownTarget): Promise<ExitStatus> => {
    try {
      checkRemembered(target);
      return await run(target.name, targets.length);
    } catch (error) {
      const { text, record, status } = reportError(error, { debug: context.debug, secrets: secretsIn(context) });
      if (text === "") throw error;
      const start = context.isTerminal.stderr ? "" : `${timeText(context)} `;
      const line = `${start}${target.name} ${text.trimEnd().replace(/^streamlab: /, "")}`;
      await printMessage(context, { ...record, table: target.name }, line);
      return status;
    }
  };
  if (!inTurn) return statusOf(await Promise.all(targets.map(runOne)));
  const statuses: ExitStatus[] = [];
  for (const target of targets) {
    if (context.signal.aborted) break;
    statuses.push(await runOne(target));
  }
  return statusOf(statuses);
}

/** The first that is no success. */
function statusOf(statuses: readonly ExitStatus[]): ExitStatus {
  return statuses.find((status) => status !== 0) ?? 0;
}

function checkRemembered({ name, record }: KnownTarget): void {
  if (record() !== undefined) return;
  throw new StreamlabError("usage", "an older streamlab has not written down what feeds it", {
    hint: `Run consume --table ${name} once, with the flags that it was fed with`,
  });
}
