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
