/**
 * Starts reading `source` at once and buffers up to `limit` items. Iterate once; a failure is
 * thrown after the buffered items.
 */
export function readAhead<T>(source: AsyncIterable<T>, limit: number): AsyncIterable<T> {
  const items: T[] = [];
  let end: { error?: unknown } | undefined;
  let isLeft = false;
  const changed = new Signal();
  const read = async () => {
    try {
      for await (const item of source) {
        items.push(item);
        changed.give();
        while (items.length >= limit && !isLeft) await changed.wait();
        if (isLeft) return;
      }
      end = {};
    } catch (error) {
      end = { error };
    }
    changed.give();
  };
  void read();
  return walk();

  async function* walk(): AsyncGenerator<T> {
    try {
      for (;;) {
        const taken = items.splice(0);
        if (taken.length > 0) changed.give();
        yield* taken;
        if (items.length > 0) continue;
        if (end === undefined) await changed.wait();
        else if ("error" in end) throw end.error;
        else return;
      }
    } finally {
      isLeft = true;
      changed.give();
    }
  }
}

/** Wakes all who wait. */
class Signal {
  #waiting = Promise.withResolvers<void>();

  give(): void {
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers<void>();
  }

  wait(): Promise<void> {
    return this.#waiting.promise;
  }
}
