/**
 * For work that starts before anything awaits it: a failure before that, or without it, is not an
 * unhandled rejection.
 */
export function early<T>(coming: Promise<T>): Promise<T> {
  coming.catch(() => undefined);
  return coming;
}

/**
 * Calls `action` on every item, at most `limit` at a time, and resolves to the results in the
 * items' order. After a failure no further item starts. The first error is thrown once the running
 * ones have ended, so nothing runs on after it.
 */
export async function mapParallel<T, R>(
  items: readonly T[],
  limit: number,
  action: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        results[index] = await action(items[index]!, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return results;
}

/**
 * The same for items that are made meanwhile, each when there is room for it. `failed` tells those
 * that run of a failure.
 */
export async function eachParallel<T>(
  items: AsyncIterable<T>,
  limit: number,
  action: (item: T, failed: AbortSignal) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  const failures: unknown[] = [];
  const failing = new AbortController();
  const work = async () => {
    try {
      while (failures.length === 0) {
        const { value, done } = await iterator.next();
        // Another one may have failed while this item was made.
        if (done || failures.length > 0) return;
        await action(value, failing.signal);
      }
    } catch (error) {
      failures.push(error);
      failing.abort();
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  if (failures.length === 0) return;
  await iterator.return?.();
  throw failures[0];
}
