import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

export interface RetryPolicy {
  /** Tries in all, the first included. */
  attemptsMax: number;
  delayMsMin: number;
  delayMsMax: number;
}

/**
 * The pause before try number `attempt` + 1 (attempts count from 1): exponential, capped, with full
 * jitter.
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: Random): number {
  const ceiling = Math.min(policy.delayMsMax, policy.delayMsMin * 2 ** (attempt - 1));
  return Math.round(policy.delayMsMin / 2 + random.next() * ceiling);
}

/**
 * Calls `action` until it returns, throws an error that `isRetryable` refuses, or has been tried
 * `attemptsMax` times; the last error is thrown as it is. It is tried no more once `stop` is
 * aborted.
 */
export async function retry<T>(
  policy: RetryPolicy,
  clock: Clock,
  random: Random,
  isRetryable: (error: unknown) => boolean,
  action: (attempt: number) => Promise<T>,
  stop?: AbortSignal,
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await action(attempt);
    } catch (error) {
      if (attempt >= policy.attemptsMax || !isRetryable(error)) throw error;
      await clock.sleep(backoffMs(policy, attempt, random), stop);
      if (stop?.aborted) throw error;
    }
  }
}
