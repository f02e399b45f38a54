import { appendFiles } from "../../../core/iceberg/action/append_files.ts";
import type { RoutedBatch } from "../../../core/lake/routed_batch.ts";
import type { RowPlaces } from "../../../core/routing/replay/row_places.ts";
import { PlacedRemoval } from "../../../core/routing/replay/placed_removal.ts";
import type { RowRemoval } from "../../../core/routing/row_removal.ts";
import type { Router } from "../../../core/routing/router.ts";
import type { Store } from "../../../core/storage/store.ts";
import type { SimulatedStore } from "../../support/simulated_store.ts";
import type { DataRows } from "./data_rows.ts";
import { LedgerView } from "./ledger_view.ts";
import { LightRowPlaces } from "./light_letters.ts";
import { LightRouter } from "./light_router.ts";
import type { Tools } from "./life.ts";
import type { Mutation } from "./mutations.ts";

const target = "bronze.events";

/** Of the rules by which dead letters are replayed. */
export const replayMutations: Mutation[] = [
  {
    name: "a replay commits its events, and not the removal of its letters",
    replays: true,
    tools: (rows) => ({
      router: (store) =>
        withRemoval(store, rows, {
          removal: () =>
            Promise.resolve({
              async stage(transaction, files, summary) {
                transaction.add(await appendFiles(transaction, { files, summary }));
              },
              settle: () => Promise.resolve(),
              close: () => {},
            }),
        }),
      known: () => new LedgerView(rows, target),
    }),
  },
  {
    name: "letters are removed where they stood when their commit was tried first",
    replays: true,
    tools: (rows) => ({
      router: (store) =>
        withRemoval(store, rows, {
          removal(routed, sink): Promise<RowRemoval> {
            const { clock, random } = store;
            const places = new LightRowPlaces(rows, routed);
            let at: Parameters<RowPlaces["find"]>[0] | undefined;
            const first: RowPlaces = {
              find: (table) => places.find(at ??= table),
              write: (...of) => places.write(...of),
              close: () => {},
            };
            return Promise.resolve(new PlacedRemoval({ sink, clock, random }, first));
          },
        }),
      known: () => new LedgerView(rows, target),
    }),
  },
];

function withRemoval(store: SimulatedStore, rows: DataRows, { removal }: Pick<Router, "removal">): Router {
  const router = new LightRouter(store, undefined, rows);
  return { close: () => {}, route: (plan, tables) => router.route(plan, tables), removal };
}

/** The intent of a removal goes although the outcome of its commit is unknown. */
export const forgetsIntents = (rows: DataRows): Partial<Tools> => ({
  router: (store) =>
    withRemoval(store, rows, {
      removal(routed, sink): Promise<RowRemoval> {
        const { clock, random } = store;
        const removal = new PlacedRemoval({ sink, clock, random }, new LightRowPlaces(rows, routed));
        return Promise.resolve({
          stage: (...of) => removal.stage(...of),
          settle: () => removal.settle(),
          close: () => void removal.settle(),
        });
      },
    }),
});

/** Letters are removed by what is in the files of their batch, which others may have replaced. */
export const removesByFiles = (rows: DataRows): Partial<Tools> => ({
  router: (store) =>
    withRemoval(store, rows, {
      async removal(routed, sink): Promise<RowRemoval> {
        const { clock, random } = store;
        const replayed = await replayedByFiles(store, rows, routed);
        return new PlacedRemoval({ sink, clock, random }, new LightRowPlaces(rows, { ...routed, replayed }));
      },
    }),
});

/** Those of the letters that rows of the batch's own data files come from. */
async function replayedByFiles(store: Store, rows: DataRows, routed: RoutedBatch): Promise<RoutedBatch["replayed"]> {
  const { events, deadLetters } = routed;
  const paths = [
    ...events.files.map(({ path }) => `warehouse/bronze/events/${path}`),
    ...deadLetters.files.map(({ path }) => `warehouse/dead_letters/events/${path}`),
  ];
  const there = new Set<string>();
  for (const path of paths) {
    if (await store.stat(path) === undefined) continue;
    for (const row of rows.of(await store.read(path))) there.add(`${row._source_file} ${row._source_position}`);
  }
  return routed.replayed?.map(({ positions, ...file }) => ({
    ...file,
    positions: positions.filter((position) => there.has(`${file.name} ${position}`)),
  }));
}
