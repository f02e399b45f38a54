import type { Replaced } from "../../../core/routing/upserts/upserts.ts";
import type { Router } from "../../../core/routing/router.ts";
import { LightRouter } from "./light_router.ts";
import type { Mutation } from "./mutations.ts";

/** As `mutations`, of the rules by which rows make way. */
export const upsertMutations: Mutation[] = [
  {
    name: "rows that go are looked up once for a batch, not for each try of its commit",
    upserts: true,
    compacts: true,
    tools: (rows) => {
      const known = new Map<string, Replaced>();
      return {
        router: (store): Router => {
          const router = new LightRouter(store, undefined, rows);
          return {
            ...methodsOf(router),
            replacedBy: async (by, events, routed) => {
              const found = known.get(routed.attempt) ?? await router.replacedBy(by, events, routed);
              known.set(routed.attempt, found);
              return found;
            },
          };
        },
      };
    },
  },
  {
    name: "a batch is compared with the table as it was when its consumer began",
    upserts: true,
    tools: (rows) => ({
      router: (store): Router => {
        const router = new LightRouter(store, undefined, rows);
        let first: bigint | undefined;
        return {
          ...methodsOf(router),
          route: (plan, tables) => {
            first ??= tables.events.metadata.currentSnapshotId;
            const isThere = tables.events.metadata.snapshots.some(({ snapshotId }) => snapshotId === first);
            const metadata = { ...tables.events.metadata, currentSnapshotId: isThere ? first : undefined };
            return router.route(plan, { ...tables, events: { ...tables.events, metadata } });
          },
        };
      },
    }),
  },
  {
    name: "keys that were removed are forgotten",
    upserts: true,
    tools: (rows) => ({
      router: (store): Router => {
        const router = new LightRouter(store, undefined, rows);
        return {
          ...methodsOf(router),
          route: async (plan, tables) => {
            const { routed } = await router.route(plan, tables);
            return { routed: { ...routed, tombstones: { ...routed.tombstones!, files: [] } } };
          },
        };
      },
    }),
  },
];

function methodsOf(router: LightRouter): Required<Pick<Router, "route" | "replacedBy" | "removal" | "close">> {
  return {
    route: (plan, tables) => router.route(plan, tables),
    replacedBy: (by, events, routed) => router.replacedBy(by, events, routed),
    removal: (routed, sink) => router.removal(routed, sink),
    close: () => router.close(),
  };
}
