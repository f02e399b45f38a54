import type { Store } from "../../core/storage/store.ts";

/** A store of which some operations are others. */
export function storeWith(store: Store, changes: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, key) {
      if (key in changes) return changes[key as keyof Store];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
