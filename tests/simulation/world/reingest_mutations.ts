import { appendFiles } from "../../../core/iceberg/action/append_files.ts";
import { PlacedRemoval } from "../../../core/routing/replay/placed_removal.ts";
import type { RowPlaces } from "../../../core/routing/replay/row_places.ts";
import type { RowRemoval } from "../../../core/routing/row_removal.ts";
import type { DataRows } from "./data_rows.ts";
import { LedgerView } from "./ledger_view.ts";
import type { Tools } from "./life.ts";
import { LightRowPlaces } from "./light_letters.ts";
import { LightRouter } from "./light_router.ts";
import type { Mutation } from "./mutations.ts";

/** What is broken of a reingest; all else goes by the rules. */
interface Broken {
  places?(places: RowPlaces): RowPlaces;
  removal?(removal: RowRemoval): RowRemoval;
}

/** Of the rules by which files are ingested again. */
export const reingestMutations: Mutation[] = [
  {
    name: "a reingest brings its rows, and takes none away",
    reingests: true,
    tools: (rows) =>
      withBroken(rows, {
        removal: (removal) => ({
          async stage(transaction, files, summary) {
            transaction.add(await appendFiles(transaction, { files, summary }));
          },
          settle: () => removal.settle(),
          close: () => removal.close(),
        }),
      }),
  },
  {
    name: "a reingest crosses a compaction, and takes its rows from where they stood at first",
    reingests: true,
    tools: (rows) =>
      withBroken(rows, {
        places: (places) => {
          let at: Parameters<RowPlaces["find"]>[0] | undefined;
          return {
            find: (table) => places.find(at ??= table),
            write: (...of) => places.write(...of),
            close: () => places.close(),
          };
        },
      }),
  },
  {
    name: "a reingest takes its rows out of the table of events, and out of no other",
    reingests: true,
    tools: (rows) =>
      withBroken(rows, {
        places: (places) => ({
          async find(table) {
            const found = await places.find(table);
            return found.filter(({ dataFile }) => dataFile.path.includes("/bronze/"));
          },
          write: (...of) => places.write(...of),
          close: () => places.close(),
        }),
      }),
  },
];

function withBroken(
  rows: DataRows,
  { places: misplace = (places) => places, removal: bend = (removal) => removal }: Broken,
): Partial<Tools> {
  return {
    router: (store) => {
      const router = new LightRouter(store, undefined, rows);
      const { clock, random } = store;
      return {
        close: () => {},
        route: (plan, tables) => router.route(plan, tables),
        async removal(routed, sink) {
          if (routed.reingested === undefined) return await router.removal(routed, sink);
          const places = misplace(new LightRowPlaces(rows, routed));
          return bend(new PlacedRemoval({ sink, clock, random }, places));
        },
      };
    },
    known: () => new LedgerView(rows, "bronze.events"),
  };
}
