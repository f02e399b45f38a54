/** `--all-targets`: every target of a lake in one process, each by what is remembered with it. */
import { StreamlabError } from "../../core/base/errors.ts";
import type { Catalog } from "../../core/iceberg/catalog/catalog.ts";
import type { KnownTarget } from "../../core/lake/targets.ts";
import type { Context, ExitStatus } from "../line/command.ts";
import { reportError } from "../line/errors.ts";
import { EXIT_STATUS_OF } from "../line/exit_status.ts";
import { type FlagSchema, flagsOf } from "../line/flags.ts";
import { formatDuration, printMessage, timeText } from "../line/output.ts";
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

/** Before a failed target is started again, as a supervisor would; twice as long each time. */
const RESTART_MS_MIN = 5_000, RESTART_MS_MAX = 5 * 60_000;

/**
 * What stops one target is told of, and stops no other: its status is that of the whole. Where they
 * are watched, a target that failed is started again after a pause, for a process of several
 * targets does not end for one of them, and so no supervisor sees it; only a limit that the user
 * has set stops a target until consume is started anew.
 */
export async function runAllTargets(context: Context, catalog: Catalog, runs: TargetRuns): Promise<ExitStatus> {
  const { lostTargets, targetsOfCatalog } = await import("../../core/lake/targets.ts");
  const unreadable: StreamlabError[] = [];
  const targets = await targetsOfCatalog(catalog, (_table, error) => void unreadable.push(error));
  const lost: ExitStatus[] = [];
  for (const { name, error } of await lostTargets(catalog, targets)) {
    lost.push(await tell(context, name, error, () => undefined));
  }
  if (targets.length === 0 && lost.length === 0) {
    if (unreadable.length > 0) throw unreadable[0];
    throw new StreamlabError("not-found", "There is no target to consume into: the lake has none yet", {
      hint: "Name the first with --table, and what feeds it",
    });
  }
  const start = async (target: KnownTarget): Promise<ExitStatus> => {
    checkRemembered(target);
    return await runs.run(target.name, targets.length);
  };
  if (!runs.inTurn) {
    const startAgain = async (name: string): Promise<ExitStatus> => {
      const known = await targetsOfCatalog(catalog, (table, error) => {
        if (table === name) throw error;
      });
      const target = known.find((each) => each.name === name);
      if (target !== undefined) return await start(target);
      throw new StreamlabError("not-found", "the lake has no such table any more", { hint: "Start consume anew" });
    };
    const statuses = targets.map((target) =>
      keepRunning(context, target, (isFirst) => isFirst ? start(target) : startAgain(target.name))
    );
    return statusOf([...lost, ...await Promise.all(statuses)]);
  }
  const statuses = lost;
  for (const target of targets) {
    if (context.signal.aborted) break;
    try {
      statuses.push(await start(target));
    } catch (error) {
      statuses.push(await tell(context, target.name, error, () => undefined));
    }
  }
  return statusOf(statuses);
}

/** Until it ends by itself, is stopped, or reaches a limit. */
async function keepRunning(
  context: Context,
  { name }: KnownTarget,
  start: (isFirst: boolean) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const { clock, signal } = context;
  for (let pauseMs = 0, isFirst = true;; isFirst = false) {
    const startedMs = clock.nowMs();
    try {
      return await start(isFirst);
    } catch (error) {
      // What ran for long has failed for another reason than before.
      const again = clock.nowMs() - startedMs > RESTART_MS_MAX ? 0 : pauseMs * 2;
      pauseMs = Math.min(RESTART_MS_MAX, Math.max(RESTART_MS_MIN, again));
      const isOver = (status: ExitStatus) => status === LIMIT_STATUS || signal.aborted;
      const status = await tell(context, name, error, (status) => isOver(status) ? undefined : pauseMs);
      if (isOver(status)) return status;
      await clock.sleep(pauseMs, signal);
      if (signal.aborted) return status;
    }
  }
}

const LIMIT_STATUS = EXIT_STATUS_OF.limit;

/** Prints why a target has stopped, and when it is started again; its status. */
async function tell(
  context: Context,
  table: string,
  error: unknown,
  pauseMsOf: (status: ExitStatus) => number | undefined,
): Promise<ExitStatus> {
  const { text, record, status } = reportError(error, { debug: context.debug, secrets: secretsIn(context) });
  if (text === "") throw error;
  const time = context.isTerminal.stderr ? "" : `${timeText(context)} `;
  const pauseMs = pauseMsOf(status);
  const again = pauseMs === undefined ? undefined : formatDuration(pauseMs);
  const line = `${time}${table} ${text.trimEnd().replace(/^streamlab: /, "")}`;
  const next = again === undefined ? "" : `\n  ${table} is started again in ${again}`;
  await printMessage(context, { ...record, table, pause: again ?? null }, line + next);
  return status;
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
