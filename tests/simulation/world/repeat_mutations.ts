import { streamlabKey } from "../../../core/lake/keys.ts";
import { type Mutation, withCatalog, withLoaded } from "./mutations.ts";

const KEY = streamlabKey.removedRepeats("bronze.events");

/** Of the rules by which repeats are removed from a table. */
export const repeatMutations: Mutation[] = [
  {
    name: "removed repeats are counted by a commit of their own, which nobody makes who dies before",
    removes: true,
    tools: () => ({
      catalog: (catalog) =>
        withCatalog(catalog, {
          async commit(commit) {
            const isCount = (update: typeof commit.updates[number]) =>
              update.action === "set-properties" && KEY in update.updates;
            const count = commit.updates.filter(isCount);
            if (count.length === 0) return await catalog.commit(commit);
            const removed = await catalog.commit({
              ...commit,
              updates: commit.updates.filter((each) => !isCount(each)),
            });
            return await catalog.commit({
              identifier: commit.identifier,
              base: removed,
              commitId: `${commit.commitId}-count`,
              requirements: [],
              updates: count,
            });
          },
        }),
    }),
  },
  {
    name: "rows that another removal took meanwhile are removed again",
    removes: true,
    tools: () => ({
      catalog: (catalog) =>
        withLoaded(catalog, (table) => {
          const snapshots = table.metadata.snapshots.map((snapshot) => ({
            ...snapshot,
            summary: { ...snapshot.summary, operation: "append" },
          }));
          return { ...table, metadata: { ...table.metadata, snapshots } };
        }),
    }),
  },
];
