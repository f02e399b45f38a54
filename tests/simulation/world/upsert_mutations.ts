import type { Replaced } from "../../../core/routing/upserts/upserts.ts";
import type { Router } from "../../../core/routing/router.ts";
import type { RoutedBatch } from "../../../core/lake/routed_batch.ts";
import { LightRouter } from "./light_router.ts";
import { forgetful, type Mutation, mutations } from "./mutations.ts";

const unmarked = mutations.find(({ name }) => name.startsWith("the marker is not looked at"))!;

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
  {
    name: "what a try of a commit that lost would have taken away is taken away and counted once more by the next",
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
              const before = known.get(routed.attempt) ?? { deleteFiles: [], events: 0 };
              const found = await router.replacedBy(by, events, routed);
              const all = {
                deleteFiles: [...before.deleteFiles, ...found.deleteFiles],
                events: before.events + found.events,
              };
              known.set(routed.attempt, all);
              return all;
            },
          };
        },
      };
    },
  },
  { ...unmarked, name: "a batch that is there already is committed again, and takes its own rows away", upserts: true },
  {
    name: "the newest record of a key is found file by file",
    upserts: true,
    tools: (rows) => ({
      router: (store): Router => {
        const router = new LightRouter(store, undefined, rows);
        return {
          ...methodsOf(router),
          route: async (plan, tables) => {
            const [first, ...rest] = plan.files;
            let { routed } = await router.route({ ...plan, files: first === undefined ? [] : [first] }, tables);
            for (const file of rest) {
              const next = await router.route({ ...plan, files: [file], changed: [] }, tables);
              routed = together(routed, next.routed);
            }
            return { routed };
          },
        };
      },
    }),
  },
  {
    name: "what comes is decided upon again after a crash",
    upserts: true,
    tools: () => ({ store: forgetful }),
  },
];

function together(one: RoutedBatch, other: RoutedBatch): RoutedBatch {
  const of = (part: "events" | "deadLetters" | "ledger" | "tombstones") => ({
    ...one[part]!,
    files: [...one[part]!.files, ...other[part]!.files],
  });
  const tables = { events: of("events"), deadLetters: of("deadLetters"), ledger: of("ledger") };
  return { ...one, ...tables, tombstones: of("tombstones"), files: [...one.files, ...other.files] };
}

function methodsOf(router: LightRouter): Required<Pick<Router, "route" | "replacedBy" | "removal" | "close">> {
  return {
    route: (plan, tables) => router.route(plan, tables),
    replacedBy: (by, events, routed) => router.replacedBy(by, events, routed),
    removal: (routed, sink) => router.removal(routed, sink),
    close: () => router.close(),
  };
}
