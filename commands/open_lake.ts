import { resolve } from "node:path";
import { StreamlabError } from "../core/base/errors.ts";
import { cacheFolder, makeOwnFolder } from "../core/disk/ownership.ts";
import type { Catalog } from "../core/iceberg/catalog/catalog.ts";
import { openStore } from "../core/storage/open_store.ts";
import type { Store } from "../core/storage/store.ts";
import { type CatalogFlags, openCatalog } from "./open_catalog.ts";
import type { Context } from "./line/command.ts";
import type { LakeLocation } from "./line/values.ts";

type Surroundings = Pick<Context, "clock" | "random" | "cwd">;
type ReadersSurroundings = Surroundings & Pick<Context, "env">;

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
  throw await missingRoot(store, "--source", "lake", "make one with streamlab produce and streamlab consume");
}

/** What is not there, a bucket or a folder that the flag names, and what to do. */
export async function missingRoot(
  store: Store,
  flag: string,
  what: string,
  otherwise: string,
): Promise<StreamlabError> {
  const access = await store.objectAccess?.();
  if (access === undefined) {
    return new StreamlabError("not-found", `There is no ${what} at ${store.root}`, {
      hint: `Name another with ${flag}, or ${otherwise}`,
    });
  }
  const [, , bucket = ""] = store.root.split("/");
  return new StreamlabError(
    "not-found",
    `Cannot read "s3://${bucket}": there is no such bucket at ${access.endpoint ?? "AWS"}`,
    {
      hint: "Create the bucket, or check the name and the endpoint (AWS_ENDPOINT_URL)",
    },
  );
}

/** The tables of a catalog, or of a lake, for readers: what never changes is kept on this disk. */
export function openReadersCatalog(
  context: ReadersSurroundings,
  flags: CatalogFlags,
  openLake: () => Promise<Store>,
): Promise<Catalog> {
  return openCatalog(context, flags, openLake, { serve: (store) => readersStore(context, store) });
}

/** Bytes of the cache of distant lakes, all together. */
const CACHE_BYTES_MAX = 2e9;

/** For readers, see `openReadersCatalog`: the store itself where nothing is gained by keeping. */
export async function readersStore(context: ReadersSurroundings, store: Store): Promise<Store> {
  const { env, clock, random } = context;
  const base = cacheFolder(env);
  if (store.objectAccess === undefined || base === undefined) return store;
  // What others could put there would be taken for the lake's; what lies there others may not read.
  const folder = `${base}/streamlab/objects`;
  if (makeOwnFolder(folder) !== undefined) return store;
  const [{ CachedStore }, { ObjectCache }] = await Promise.all([
    import("../core/storage/cache/cached_store.ts"),
    import("../core/storage/cache/object_cache.ts"),
  ]);
  const cache = new ObjectCache({ folder, bytesMax: CACHE_BYTES_MAX, clock, random });
  // The service that it is really at: a catalog can name another one, with a bucket of any name.
  return new CachedStore(store, cache, (await store.objectAccess()).endpoint ?? "");
}
