import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import type { Store } from "../../core/storage/store.ts";
import { comparePaths } from "../../core/storage/path.ts";
import { bytes, type ConformanceCase, pathsOf, text } from "./conformance_case.ts";

const path = fc.constantFrom("a/1", "a/2", "a.b", "a/😀/x", "a/\ufffc", "b", "c/d/e/f");
const step = fc.oneof(
  fc.record({ do: fc.constant("write" as const), path, content: fc.string() }),
  fc.record({ do: fc.constant("create" as const), path, content: fc.string() }),
  fc.record({ do: fc.constant("delete" as const), path }),
  fc.record({ do: fc.constant("read" as const), path }),
  fc.record({
    do: fc.constant("list" as const),
    prefix: fc.constantFrom("", "a", "a/", "c/d"),
    after: fc.option(path),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does the step to the store and to a map, and compares what they say. */
async function compare(store: Store, model: Map<string, string>, step: Step): Promise<void> {
  if (step.do === "write") {
    await store.write(step.path, bytes(step.content));
    model.set(step.path, step.content);
  } else if (step.do === "create") {
    strictEqual(await store.create(step.path, bytes(step.content)), !model.has(step.path));
    if (!model.has(step.path)) model.set(step.path, step.content);
  } else if (step.do === "delete") {
    await store.deletePaths([step.path]);
    model.delete(step.path);
  } else if (step.do === "read") {
    const info = await store.stat(step.path);
    strictEqual(info === undefined, !model.has(step.path));
    if (info !== undefined) strictEqual(text(await store.read(step.path, { etag: info.etag })), model.get(step.path));
  } else {
    const expected = [...model.keys()].sort(comparePaths)
      .filter((path) => path.startsWith(step.prefix) && (step.after === null || comparePaths(path, step.after) > 0));
    deepStrictEqual(await pathsOf(store, step.prefix, step.after ?? undefined), expected);
  }
}

export const modelCases: ConformanceCase[] = [
  {
    name: "any sequence of operations gives what a map of names to bytes would give",
    async run(store) {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
          await store.deletePaths(await pathsOf(store, ""));
          const model = new Map<string, string>();
          for (const step of steps) await compare(store, model, step);
        }),
        { numRuns: 20 },
      );
    },
  },
];
