import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { recordOfTarget } from "../../core/lake/target_record.ts";
import { openTables } from "../../core/lake/target.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { removeProperties } from "../../core/iceberg/action/set_properties.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { SimulatedRestServer } from "../support/simulated_rest_server.ts";
import type { SimulatedStore } from "../support/simulated_store.ts";

const target = { namespace: ["bronze"], name: "events" };
const key = "streamlab.sequence-id.bronze.events";

const record = recordOfTarget({
  zone: { store: new SimulatedDisk({ seed: 1 }).connect(), prefix: "raw/events/", nameBase: "", format: undefined },
  contract: defaultContract(),
  onExtraFields: "dead-letter",
});

for (const place of ["a REST catalog", "the lake's own files"]) {
  Deno.test(`two consumers that open a table of somebody else's at once agree on its sequence, in ${place}`, async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const disk = new SimulatedDisk({ seed, latencyMsMax: 20 });
      const server = new SimulatedRestServer(disk);
      const catalogOf = (store: SimulatedStore) =>
        place === "a REST catalog"
          ? server.catalogOf(store)
          : new FileCatalog({ store, clock: store.clock, random: store.random });
      const open = async (process: string) => {
        const store = disk.connect({ process });
        const { clock, random } = store;
        const catalog = catalogOf(store);
        return await openTables({
          catalog,
          clock,
          random,
          target,
          contract: defaultContract(),
          rescued: false,
          record,
          partitionBy: [],
          recorded: Promise.resolve(0n),
        });
      };
      await open("maker");
      const other = disk.connect({ process: "other" });
      // As if another engine had made it, which knows of no sequence.
      await commitTable(catalogOf(other), target, (transaction) => transaction.add(removeProperties([key])), other);
      const both = await Promise.all([open("first"), open("second")]);
      const ids = both.map(({ events }) => events.metadata.properties[key]);
      const { metadata } = (await catalogOf(disk.connect()).loadTable(target))!;
      strictEqual(typeof ids[0], "string");
      deepStrictEqual(ids, [metadata.properties[key], metadata.properties[key]], `seed ${seed}`);
    }
  });
}
