import type { Store } from "../storage/store.ts";
import type { EventFileSink } from "./produce.ts";

/** Event files as files of a lake. */
export function storeSink(store: Pick<Store, "root" | "stat" | "create">): EventFileSink {
  return {
    name: store.root,
    has: async (path) => await store.stat(path) !== undefined,
    create: (path, bytes) => store.create(path, bytes),
  };
}
