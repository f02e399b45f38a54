import type { Clock } from "./clock.ts";

/** An action took longer than it was allowed to. What it set out to do may have happened, or may still happen. */
export class DeadlineError extends Error {
  constructor(readonly limitMs: number) {
    super(`no answer within ${limitMs / 1000} s`);
    this.name = "DeadlineError";
  }
}

/** Runs `action` for at most `limitMs`; then aborts its signal and throws `DeadlineError`, whether it listens or not. */
export async function withDeadline<T>(
  clock: Clock,
  limitMs: number,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const work = new AbortController(), timer = new AbortController();
  const expired = clock.sleep(limitMs, timer.signal).then((): T => {
    const error = new DeadlineError(limitMs);
    work.abort(error);
    throw error;
  });
  // When the action ends first, aborting the timer makes `expired` reject with nobody listening any more.
  expired.catch(() => undefined);
  try {
    return await Promise.race([action(work.signal), expired]);
  } finally {
    timer.abort();
  }
}
