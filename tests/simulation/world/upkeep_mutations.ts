import { recordAt } from "../../../core/lake/layout.ts";
import type { Store } from "../../../core/storage/store.ts";
import { type Mutation, withMethods } from "./mutations.ts";

/** Of the rules by which files are deleted between batches. */
export const upkeepMutations: Mutation[] = [
  { name: "a file is deleted before its grace", upkeeps: true, tools: () => ({ store: deletesEarly }) },
  { name: "files are deleted first and listed then", upkeeps: true, tools: () => ({ store: listsAfterDeletion }) },
  {
    name: "upkeep of one table takes the files of a batch from all of them",
    upkeeps: true,
    tools: () => ({ store: deletesByBatch }),
  },
];

/** What waits seems to have waited for long. */
export function deletesEarly(store: Store): Store {
  return withMethods(store, {
    async stat(path) {
      const info = await store.stat(path);
      return info && recordAt(path)?.kind === "removal" ? { ...info, modifiedMs: info.modifiedMs - 1e6 } : info;
    },
  });
}

/** What an expiry leaves goes at once; the list is written when it is gone. */
function listsAfterDeletion(store: Store): Store {
  return withMethods(store, {
    async write(path, bytes) {
      if (recordAt(path)?.kind === "removal") {
        const { released, dataFiles, manifests, manifestLists } = JSON.parse(new TextDecoder().decode(bytes));
        if (!released) return;
        const uris: string[] = [...dataFiles, ...manifests, ...manifestLists];
        await store.deletePaths(uris.map((uri) => uri.slice(uri.indexOf("warehouse/"))));
      }
      await store.write(path, bytes);
    },
  });
}

/** Data files are told by the number of their batch alone, whosever batch it is. */
export function deletesByBatch(store: Store): Store {
  return withMethods(store, {
    async deletePaths(paths) {
      const batches = new Set(paths.flatMap((path) => batchOf(path) ?? []));
      const others: string[] = [];
      if (batches.size > 0) {
        for await (const { path } of store.list("warehouse/")) {
          if (batches.has(batchOf(path) ?? "") && !paths.includes(path)) others.push(path);
        }
      }
      await store.deletePaths([...paths, ...others]);
    },
  });
}

function batchOf(path: string): string | undefined {
  return /\/data\/(\d{8})-[^/]*\.parquet$/.exec(path)?.[1];
}
