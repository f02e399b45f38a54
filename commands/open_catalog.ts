import { dirname } from "node:path";
import type { z } from "zod";
import { StreamlabError } from "../core/base/errors.ts";
import type { Catalog } from "../core/iceberg/catalog/catalog.ts";
import { parseLocation } from "../core/storage/location.ts";
import { openStore } from "../core/storage/open_store.ts";
import type { Store } from "../core/storage/store.ts";
import { normalizeUri } from "../core/storage/uri.ts";
import type { Context } from "./line/command.ts";
import { flag } from "./line/flags.ts";

const SECTION = "CATALOG";

/**
 * Which catalog the tables are in; named as PyIceberg's properties of a REST catalog are. For every
 * command that touches tables.
 */
export const catalogFlags = {
  catalog: flag.of(parseCatalogUri, {
    section: SECTION,
    placeholder: "URL",
    doc: "Iceberg REST catalog that the tables are in, such as http://127.0.0.1:8181 (default: the lake's own files)",
  }),
  catalogWarehouse: flag.text({
    section: SECTION,
    doc: "which of the catalog's warehouses, if it has several",
    placeholder: "NAME",
  }),
  catalogCredential: flag.text({
    section: SECTION,
    doc: "client id and secret for OAuth2, as id:secret; better in STREAMLAB_CATALOG_CREDENTIAL",
    placeholder: "ID:SECRET",
    isSecret: true,
  }),
  catalogToken: flag.text({
    section: SECTION,
    doc: "bearer token, which wins over a credential; better in STREAMLAB_CATALOG_TOKEN",
    placeholder: "TOKEN",
    isSecret: true,
  }),
  catalogOauth2ServerUri: flag.of(parseCatalogUri, {
    section: SECTION,
    placeholder: "URL",
    doc: "token endpoint for the credential (default: the catalog itself)",
  }),
  catalogS3Endpoint: flag.of(parseCatalogUri, {
    section: SECTION,
    placeholder: "URL",
    doc: "your own S3 endpoint: if the catalog names it without credentials, yours are used",
  }),
  catalogScope: flag.text({
    section: SECTION,
    doc: "scope of the token (default: catalog)",
    placeholder: "SCOPE",
  }),
};

export type CatalogFlags = z.output<z.ZodObject<typeof catalogFlags>>;

type Surroundings = Pick<Context, "clock" | "random">;

export interface CatalogUse {
  /** Puts something before the stores of the tables. */
  serve?: (store: Store) => Promise<Store>;
  /** See `FileCatalogOptions`. Callers that set this must call `settle()` before exit. */
  tidiesLater?: boolean;
}

/** The REST catalog that was asked for, else the files of the lake. */
export async function openCatalog(
  context: Surroundings,
  flags: CatalogFlags,
  lake: () => Promise<Store>,
  use: CatalogUse = {},
): Promise<Catalog> {
  const { clock, random } = context;
  const { serve = (store: Store) => Promise.resolve(store), tidiesLater = false } = use;
  const { catalog: uri, catalogWarehouse, catalogCredential, catalogToken, catalogScope, catalogOauth2ServerUri } =
    flags;
  if (uri === undefined) {
    const { FileCatalog } = await import("../core/iceberg/catalog/file_catalog.ts");
    return new FileCatalog({ store: await serve(await lake()), clock, random, tidiesLater });
  }
  const { RestCatalog } = await import("../core/iceberg/catalog/rest_catalog.ts");
  const places = new TablePlaces({ ...context, ownEndpoint: flags.catalogS3Endpoint }, serve);
  return await RestCatalog.connect({
    // Some give the address with the version that the protocol adds.
    uri: uri.replace(/\/v1\/?$/, ""),
    warehouse: catalogWarehouse,
    credential: catalogCredential,
    token: catalogToken,
    scope: catalogScope,
    tokenUri: catalogOauth2ServerUri,
    openTable: (location, config) => places.open(location, config),
    clock,
    random,
  });
}

/** `ownEndpoint`: see `OpenStoreOptions`. */
type PlaceSurroundings = Surroundings & { ownEndpoint: string | undefined };

/**
 * The stores of a catalog's tables. Tables beside each other share one, so that what a store keeps
 * open, and DuckDB's one secret for it, serves them all: on S3 the bucket, on disk the folder two
 * levels up, which most catalogs have as their warehouse.
 */
class TablePlaces {
  readonly #stores = new Map<string, Promise<Store>>();
  readonly #context: PlaceSurroundings;
  readonly #serve: (store: Store) => Promise<Store>;

  constructor(context: PlaceSurroundings, serve: (store: Store) => Promise<Store>) {
    this.#context = context;
    this.#serve = serve;
  }

  async open(location: string, config: Record<string, string>): Promise<{ store: Store; folder: string }> {
    const s3 = Object.entries(config).filter(([name]) => /^(s3\.|client\.region$)/.test(name));
    const { root, folder } = splitLocation(location);
    const key = JSON.stringify([root, s3]);
    const opening = this.#stores.get(key) ?? this.#open(root, Object.fromEntries(s3));
    // Credentials end: each new one brings a new store, and what served the ones before it is not
    // needed again.
    if (this.#stores.size >= STORES_MAX) this.#stores.clear();
    this.#stores.set(key, opening);
    return { store: await opening, folder };
  }

  async #open(root: ReturnType<typeof parseLocation>, config: Record<string, string>): Promise<Store> {
    const { clock, random, ownEndpoint } = this.#context;
    return await this.#serve(
      await openStore(root, { clock, random, config, ownEndpoint }),
    );
  }
}

const STORES_MAX = 100;

/** Locations are taken as they stand, never percent-decoded: so do Iceberg's own. */
function splitLocation(location: string): { root: ReturnType<typeof parseLocation>; folder: string } {
  const normal = normalizeUri(location);
  if (/^\/[^/]/.test(normal)) {
    const path = normal.replace(/\/+$/, "");
    const root = dirname(dirname(path));
    return { root: { kind: "local", path: root }, folder: path.slice(root === "/" ? 1 : root.length + 1) };
  }
  if (normal.startsWith("s3://")) {
    const place = parseLocation(normal);
    if (place.kind === "s3") return { root: { ...place, prefix: "" }, folder: place.prefix };
  }
  throw new StreamlabError(
    "unavailable",
    `Cannot reach the table at ${location}: only local folders and S3 are known`,
    {
      hint: "Let the catalog keep the table in a folder of this machine, or in s3://…",
    },
  );
}

/** http or https, without user and password: those would end up in messages. */
function parseCatalogUri(text: string): string {
  const url = URL.parse(text);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (isPlain && url.search === "" && url.hash === "") return text;
  throw new StreamlabError("usage", "expected a URL such as http://127.0.0.1:8181, without user, password and query");
}
