import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Catalog } from "../iceberg/catalog/catalog.ts";
import type { Store } from "../storage/store.ts";

/** What every job of upkeep works with. */
export interface Surroundings {
  catalog: Catalog;
  /** The lake's store, for checkpoints; files of tables are where the catalog has them. */
  store: Store;
  clock: Clock;
  random: Random;
}
