import type { Clock } from "./clock.ts";

/**
 * An action took longer than it was allowed to. What it set out to do may have happened, or may
 * still happen.
 */
export class DeadlineError extends Error {
  constructor(limitMs: number) {
    super(`no answer within ${Math.round(limitMs) / 1000} s`);
    this.name = "DeadlineError";
  }
}

const isOver = new Error("the action is over");

/**
 * Runs `action` for at most `limitMs`; then aborts its signal and throws `DeadlineError`, even if
 * the action ignores it. Where `stop` is aborted before, that is the same with its reason.
 */
export async function withDeadline<T>(
  clock: Clock,
  limitMs: number,
  action: (signal: AbortSignal) => Promise<T>,
  stop?: AbortSignal,
): Promise<T> {
  stop?.throwIfAborted();
  const work = new AbortController(), timer = new AbortController();
  const ended = new Promise<never>((_, reject) => {
    stop?.addEventListener("abort", () => {
      reject(stop.reason);
      work.abort(stop.reason);
    }, { signal: timer.signal });
    void clock.sleep(limitMs, timer.signal).then(() => {
      // What the action returned may still use the signal, so only a late action aborts it.
      if (timer.signal.aborted) return;
      const error = new DeadlineError(limitMs);
      reject(error);
      work.abort(error);
    });
  });
  try {
    return await Promise.race([action(work.signal), ended]);
  } finally {
    // A shared reason: `abort()` without one builds an Error, with its stack, every time.
    timer.abort(isOver);
  }
}
