import { counted } from "../base/counted.ts";
import type { Clock } from "../base/clock.ts";
import { isOutOfMemory } from "../engine/sql_error.ts";
import { type ErrorKind, messageOf, StreamlabError } from "../base/errors.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import type { Checkpoint } from "../lake/checkpoint.ts";

/** After this many failures a batch will not recover by itself. */
const FAILURES_MAX = 3;

/** Errors from outside that may pass: then the same plan succeeds. */
const OUTSIDE: readonly ErrorKind[] = ["unavailable", "not-found", "conflict", "limit", "interrupted", "newer"];

/**
 * Counts failures of a planned batch that are due to the plan or this program. No later run can
 * plan its files again, so from the third failure on the error says how to continue. Returns the
 * error to end the run with.
 */
export async function noteFailure(
  checkpoint: Checkpoint,
  plan: BatchPlan,
  error: unknown,
  clock: Clock,
): Promise<unknown> {
  if (isOutside(error)) return error;
  let failures: number;
  try {
    failures = await checkpoint.noteFailure(
      BigInt(plan.batchId),
      new Date(clock.nowMs()).toISOString(),
      messageOf(error),
    );
  } catch {
    // The first error is the one to report.
    return error;
  }
  if (failures < FAILURES_MAX) return error;
  const known = error instanceof StreamlabError ? error : undefined;
  const what = plan.replay !== undefined
    ? "leaves its dead letters as they are"
    : plan.reingest !== undefined
    ? "leaves the rows of its files as they are"
    : "gives its files to a later batch, by the contract and options of that run";
  const aside = `streamlab maintain --set-aside-plan --table ${plan.table} ${what}`;
  return new StreamlabError(
    known?.kind ?? "internal",
    `Cannot finish batch ${plan.batchId} of ${plan.table}, tried ${counted(failures, "time")}: ${messageOf(error)}`,
    { hint: known?.hint === undefined ? aside : `${known.hint}; ${aside}`, cause: error },
  );
}

/**
 * The operating system's own errors come from outside, too. Memory that does not do for the plan
 * will not the next time.
 */
function isOutside(error: unknown): boolean {
  if (isOutOfMemory(error) || (error instanceof Error && isOutOfMemory(error.cause))) return false;
  if (error instanceof StreamlabError) return OUTSIDE.includes(error.kind);
  return error instanceof Error && Object.hasOwn(Deno.errors, error.name);
}
