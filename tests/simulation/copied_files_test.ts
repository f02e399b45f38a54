import { deepStrictEqual, ok } from "node:assert/strict";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import { recordAt } from "../../core/lake/layout.ts";
import { identifiersOf } from "../../core/lake/table_names.ts";
import type { Store } from "../../core/storage/store.ts";
import { storeWith } from "../support/store_with.ts";
import { DataRows } from "./world/data_rows.ts";
import { addForeignColumns, routeOnly } from "./world/foreign_columns.ts";
import { withCoupon } from "./world/grown_contract.ts";
import { auditLake } from "./world/lake_audit.ts";
import { Life, WALKER } from "./world/life.ts";
import { lightTools } from "./world/race.ts";
import { arrayOf, valid } from "./world/raw_files.ts";

const { events } = identifiersOf({ namespace: ["bronze"], name: "events" });

/**
 * A batch whose fields get other ids than it was routed with: its files are copied, and orphans are
 * removed between each copy and its commit, by somebody who sees the store as `seen` shows it.
 */
async function problemsOf(seen: (store: Store) => Store): Promise<{ copies: number; problems: string[] }> {
  const rows = new DataRows();
  let copies = 0;
  const life: Life = new Life({
    ...lightTools(rows),
    store: (process) =>
      process.process !== WALKER ? seen(process) : storeWith(process, {
        async write(path, bytes) {
          await process.write(path, bytes);
          if (!/\/data\/[^/]*\.parquet$/.test(path)) return;
          copies++;
          const around = life.surroundings(life.disk.connect({ process: "maintainer" }));
          await removeOrphans(around, (await around.catalog.loadTable(events))!, { olderThanMs: 0, dryRun: false });
        },
      }),
  });
  life.land("a.json", arrayOf(valid()));
  await life.consume();
  life.land("b.json", arrayOf(valid({ coupon: "ten" })));
  await routeOnly(life);
  await addForeignColumns(life);
  await life.consume({ contract: withCoupon() });
  const problems = await auditLake(life.disk, life.truth, rows);
  rows.close();
  return { copies, problems };
}

/** By a routed batch as it shows it, no field is new, so that no file of it was copied. */
function bringingNothing(store: Store): Store {
  return storeWith(store, {
    async read(path, options) {
      const bytes = await store.read(path, options);
      if (recordAt(path)?.kind !== "routed") return bytes;
      const routed = JSON.parse(new TextDecoder().decode(bytes));
      for (const part of [routed.events, routed.deadLetters, routed.ledger]) part.lastColumnIdBefore = 1e6;
      return new TextEncoder().encode(JSON.stringify(routed));
    },
  });
}

Deno.test("copies with other field ids outlast a removal of orphans before they are committed", async () => {
  deepStrictEqual(await problemsOf((store) => store), { copies: 1, problems: [] });
});

Deno.test("a removal of orphans that knows nothing of copies with other field ids is found out", async () => {
  const { copies, problems } = await problemsOf(bringingNothing);
  ok(copies > 0 && problems.length > 0, problems.join());
});
