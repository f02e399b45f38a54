import type { Mutation } from "./mutations.ts";

/** As `mutations`, where batches bring columns beside another engine that adds some. */
export const columnMutations: Mutation[] = [
  {
    name: "files keep the field ids that another program has taken",
    grows: true,
    tools: () => ({ renumber: (file) => file }),
  },
];
