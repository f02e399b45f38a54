/**
 * The same items, read at once and kept until somebody walks them, which may be done once: for what takes long to come while other things
 * are to be done before it is needed. A failure is thrown where the items end.
 */
export function readAhead<T>(source: AsyncIterable<T>): AsyncIterable<T> {
  const items: T[] = [];
  let end: { error?: unknown } | undefined;
  let wake = () => {};
  const read = async () => {
    try {
      for await (const item of source) {
        items.push(item);
        wake();
      }
      end = {};
    } catch (error) {
      end = { error };
    }
    wake();
  };
  void read();
  return walk();

  async function* walk(): AsyncGenerator<T> {
    for (let next = 0;;) {
      while (next < items.length) yield items[next++]!;
      if (end !== undefined) {
        if ("error" in end) throw end.error;
        return;
      }
      await new Promise<void>((resolve) => wake = resolve);
    }
  }
}
