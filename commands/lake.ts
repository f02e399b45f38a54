import { resolve } from "node:path";
import { StreamlabError } from "../core/base/errors.ts";
import type { Catalog } from "../core/iceberg/catalog.ts";
import { formatLocation } from "../core/storage/location.ts";
import { openStore } from "../core/storage/open_store.ts";
import type { Store } from "../core/storage/store.ts";
import type { Context } from "./command.ts";
import type { LakeLocation } from "./values.ts";

type Surroundings = Pick<Context, "clock" | "random" | "cwd">;

/** The store of a lake, which need not be there yet: writers make it. */
export function openLake(context: Surroundings, location: LakeLocation): Promise<Store> {
  const { clock, random, cwd } = context;
  const place = location.kind === "local" ? { ...location, path: resolve(cwd, location.path) } : location;
  return openStore(place, { clock, random });
}

/** The store of a lake that must be there: `not-found` otherwise. */
export async function openExistingLake(context: Surroundings, location: LakeLocation): Promise<Store> {
  const store = await openLake(context, location);
  if (await store.rootExists()) return store;
  const place = location.kind === "local" ? { ...location, path: resolve(context.cwd, location.path) } : location;
  throw new StreamlabError("not-found", `There is no lake at ${formatLocation(place)}`, {
    hint: "Name another with --source, or make one with streamlab produce and streamlab consume",
  });
}

/** The tables of a lake that must be there: `not-found` otherwise. */
export async function openTables(context: Surroundings, location: LakeLocation): Promise<Catalog> {
  const store = await openExistingLake(context, location);
  const { FileCatalog } = await import("../core/iceberg/file_catalog.ts");
  return new FileCatalog({ store, clock: context.clock, random: context.random });
}
