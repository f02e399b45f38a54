import { systemClock } from "../../../core/base/clock.ts";
import { seededRandom } from "../../../core/base/random.ts";
import type { Catalog } from "../../../core/iceberg/catalog/catalog.ts";
import { FileCatalog } from "../../../core/iceberg/catalog/file_catalog.ts";
import { openLocalStore } from "../../../core/storage/local/local_store.ts";
import { ServedLake } from "../../support/lake_server.ts";
import { SimulatedDisk } from "../../support/simulated_disk.ts";
import { SimulatedRestServer } from "../../support/simulated_rest_server.ts";
import type { SimulatedStore } from "../../support/simulated_store.ts";
import { runCatalogConformance } from "./conformance.ts";

/** Two processes on a simulated disk. */
function onSimulatedDisk(disk: SimulatedDisk, catalogOf: (store: SimulatedStore) => Catalog) {
  const [a, b] = ["a", "b"].map((process) => disk.connect({ process })) as [SimulatedStore, SimulatedStore];
  return { catalogs: [catalogOf(a), catalogOf(b)] as const, clock: a.clock };
}

for (const tidiesLater of [false, true]) {
  const later = tidiesLater ? ", tidying later" : "";

  Deno.test(`file catalog on the simulated store${later}`, (t) =>
    runCatalogConformance(t, (action) => {
      const open = (store: SimulatedStore) =>
        new FileCatalog({ store, clock: store.clock, random: store.random, tidiesLater });
      return action(onSimulatedDisk(new SimulatedDisk({ seed: 1, latencyMsMax: 20 }), open));
    }));

  Deno.test(`file catalog on a disk${later}`, (t) =>
    runCatalogConformance(t, async (action) => {
      const folder = await Deno.makeTempDir({ prefix: "streamlab-catalog-" });
      const open = (seed: number) => {
        const random = seededRandom(seed);
        const store = openLocalStore(folder, { random, durable: false });
        return new FileCatalog({ store, clock: systemClock, random, tidiesLater });
      };
      const catalogs = [open(1), open(2)] as const;
      try {
        await action({ catalogs, clock: systemClock });
      } finally {
        for (const catalog of catalogs) await catalog.settle();
        await Deno.remove(folder, { recursive: true });
      }
    }));
}

Deno.test("REST catalog on the simulated server", (t) =>
  runCatalogConformance(t, (action) => {
    const disk = new SimulatedDisk({ seed: 1, latencyMsMax: 20 });
    const server = new SimulatedRestServer(disk);
    return action(onSimulatedDisk(disk, (store) => server.catalogOf(store)));
  }));

Deno.test("REST catalog on our own server", (t) =>
  runCatalogConformance(
    t,
    (action) =>
      ServedLake.use(async (lake) =>
        await action({ catalogs: [await lake.connect(), await lake.connect()], clock: systemClock })
      ),
  ));

Deno.test("one process on our own server, the other on the files that it serves", (t) =>
  runCatalogConformance(t, (action) =>
    ServedLake.use(async (lake) => {
      const files = new FileCatalog({ store: lake.store, clock: systemClock, random: seededRandom(3) });
      await action({ catalogs: [await lake.connect(), files], clock: systemClock });
    })));
