import type { Clock } from "../../base/clock.ts";
import { isKind, StreamlabError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { Random } from "../../base/random.ts";
import type { Store } from "../../storage/store.ts";
import {
  type Catalog,
  identifierText,
  type LoadedTable,
  type TableChange,
  type TableCommit,
  type TableIdentifier,
} from "./catalog.ts";
import { bearerToken, clientCredentials, noAuth, type RestAuth } from "./rest_auth.ts";
import { RestClient } from "./rest_client.ts";
import { Listing } from "./rest_listing.ts";
import { type JsonObject, readArray, readObject, readString, readStringMap } from "../format/json_field.ts";
import { partitionSpecToJson } from "../format/partition_spec.ts";
import { schemaToJson } from "../format/schema.ts";
import { sortOrderToJson } from "../format/sort_order.ts";
import {
  currentSchema,
  defaultSortOrder,
  defaultSpec,
  snapshotById,
  snapshotOfRef,
  type TableMetadata,
} from "../format/table_metadata.ts";
import { applyUpdates } from "../format/table_update_applier.ts";
import { requirementToJson, updateToJson } from "../format/table_update_json.ts";
import { namedFolders } from "../own_files.ts";
import { TableIo } from "../table_io.ts";
import { normalizeUri } from "../../storage/uri.ts";
import { TableLocation } from "../table_location.ts";
import { readingMetadata, tableMetadataFromJson } from "../table_metadata_json.ts";

export interface RestCatalogOptions {
  uri: string;
  /** Which of the server's warehouses, where it has several. */
  warehouse?: string;
  /** A bearer token. */
  token?: string;
  /** `id:secret`, or a secret alone, for OAuth2 client credentials. */
  credential?: string;
  scope?: string;
  /** Where to ask for tokens; default: the catalog itself. */
  tokenUri?: string;
  headers?: Record<string, string>;
  /**
   * Opens the store of a table. `config` is what the catalog says of it: settings and vended
   * credentials, under the standard names (`s3.endpoint`, `s3.access-key-id`,
   * `s3.secret-access-key`, `s3.session-token`, `client.region`, …).
   */
  openTable(location: string, config: Record<string, string>): Promise<{ store: Store; folder: string }>;
  clock: Clock;
  random: Random;
  fetch?: typeof fetch;
}

/** Of a namespace. */
const LEVELS_MAX = 32;

const CREDENTIAL_KEYS = ["s3.access-key-id", "s3.secret-access-key", "s3.session-token"];

/**
 * Tables in a catalog that speaks the Iceberg REST protocol: it checks requirements and writes
 * metadata, atomically.
 */
export class RestCatalog implements Catalog {
  readonly #options: RestCatalogOptions;
  readonly #client: RestClient;
  /** `<prefix>/`, or nothing. */
  readonly #prefix: string;
  readonly #endpoints: Set<string> | undefined;
  readonly #config: Record<string, string>;
  readonly #ios = new Map<string, { io: TableIo; credentials: string }>();

  private constructor(options: RestCatalogOptions, client: RestClient, config: JsonObject) {
    this.#options = options;
    this.#client = client;
    this.#config = { ...readStringMap(config.defaults), ...readStringMap(config.overrides) };
    const { prefix } = this.#config;
    this.#prefix = prefix === undefined ? "" : `${prefix.split("/").map(encodeURIComponent).join("/")}/`;
    this.#endpoints = Array.isArray(config.endpoints) ? new Set(config.endpoints.map(String)) : undefined;
  }

  /** Asks the server for its configuration, so a wrong address or credential shows at once. */
  static async connect(options: RestCatalogOptions): Promise<RestCatalog> {
    const client = new RestClient({ ...options, auth: authOf(options) });
    const query: Record<string, string> = options.warehouse === undefined ? {} : { warehouse: options.warehouse };
    const { body } = await client.request({ method: "GET", path: "config", query, action: "open the catalog" });
    return new RestCatalog(options, client, body);
  }

  /** Asks level by level. */
  async listNamespaces(): Promise<string[][]> {
    const namespaces: string[][] = [];
    const listing = new Listing("list namespaces");
    const walk = async (parent: string[]) => {
      const query: Record<string, string> = parent.length === 0 ? {} : { parent: parent.join("\x1f") };
      const path = `${this.#prefix}namespaces`;
      for (const item of await this.#pages(path, "namespaces", query, "list namespaces", listing)) {
        const namespace = readNames(item);
        // A server without nested namespaces may give the same ones at every level.
        if (namespace.length <= parent.length || !parent.every((part, level) => part === namespace[level])) continue;
        namespaces.push(namespace);
        if (namespace.length > LEVELS_MAX) throw listing.endless("one namespace within another");
        await walk(namespace);
      }
    };
    await walk([]);
    return namespaces;
  }

  /** One that is there already is left as it is. */
  async createNamespace(namespace: string[]): Promise<void> {
    const body = { namespace, properties: {} };
    const action = `create the namespace ${namespace.join(".")}`;
    // 409: it is there already.
    await this.#client.request({ method: "POST", path: `${this.#prefix}namespaces`, body, action }, [409]);
  }

  /** Asks page by page. */
  async listTables(namespace: string[]): Promise<TableIdentifier[]> {
    const path = `${this.#namespacePath(namespace)}/tables`;
    const items = await this.#pages(path, "identifiers", {}, `list the tables of ${namespace.join(".")}`);
    return items.map((item) => {
      const identifier = readObject(item, "identifier");
      return { namespace: readNames(identifier.namespace), name: readString(identifier, "name") };
    });
  }

  async loadTable(identifier: TableIdentifier): Promise<LoadedTable | undefined> {
    const { status, body } = await this.#client.request({
      method: "GET",
      path: this.#tablePath(identifier),
      headers: { "x-iceberg-access-delegation": "vended-credentials" },
      action: `load ${identifierText(identifier)}`,
    }, [404]);
    return status === 404 ? undefined : await this.#loaded(identifier, body);
  }

  /** The server chooses the location and gives the columns' ids anew. */
  async createTable(identifier: TableIdentifier, build: (location: string) => TableChange): Promise<LoadedTable> {
    const { clock } = this.#options;
    const wanted = applyUpdates(undefined, build("").updates, clock.nowMs());
    await this.createNamespace(identifier.namespace);
    const { body } = await this.#client.request({
      method: "POST",
      path: `${this.#namespacePath(identifier.namespace)}/tables`,
      headers: { "x-iceberg-access-delegation": "vended-credentials" },
      body: {
        name: identifier.name,
        schema: schemaToJson(currentSchema(wanted)),
        "partition-spec": partitionSpecToJson(defaultSpec(wanted)),
        "write-order": sortOrderToJson(defaultSortOrder(wanted)),
        properties: { "format-version": String(wanted.formatVersion), ...wanted.properties },
      },
      action: `create ${identifierText(identifier)}`,
    });
    return await this.#loaded(identifier, body);
  }

  /** The server checks the requirements and applies the updates. */
  async commit(commit: TableCommit): Promise<LoadedTable> {
    const { identifier, base } = commit;
    const change = changeToJson(identifier, commit);
    try {
      const { body } = await this.#client.request({
        method: "POST",
        path: this.#tablePath(identifier),
        body: change,
        action: `commit to ${identifierText(identifier)}`,
      });
      return await this.#loaded(identifier, body, base.io);
    } catch (error) {
      return await this.#readBack(commit, error);
    }
  }

  /** Nothing to do: the server finishes commits itself. */
  settle(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Several tables at once, all or none, where the server can. Throws as `commit` does, and `usage`
   * where it cannot.
   */
  async commitTransaction(commits: TableCommit[]): Promise<void> {
    if (this.#endpoints && !this.#endpoints.has("POST /v1/{prefix}/transactions/commit")) {
      throw new StreamlabError("usage", "Cannot commit to several tables at once: the catalog does not offer it");
    }
    await this.#client.request({
      method: "POST",
      path: `${this.#prefix}transactions/commit`,
      body: { "table-changes": commits.map((commit) => changeToJson(commit.identifier, commit)) },
      action: `commit to ${commits.map((commit) => identifierText(commit.identifier)).join(", ")}`,
    });
  }

  /** Registers an existing metadata file as a table: moves a file catalog's table into this one. */
  async registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedTable> {
    await this.createNamespace(identifier.namespace);
    const { body } = await this.#client.request({
      method: "POST",
      path: `${this.#namespacePath(identifier.namespace)}/register`,
      body: { name: identifier.name, "metadata-location": metadataLocation },
      action: `register ${identifierText(identifier)}`,
    });
    return await this.#loaded(identifier, body);
  }

  async placesOf(identifier: TableIdentifier): Promise<string[]> {
    const metadata = (await this.loadTable(identifier))?.metadata;
    return metadata === undefined ? [] : [metadata.location, ...namedFolders(metadata.properties)];
  }

  async dropTable(identifier: TableIdentifier, options: { purge?: boolean } = {}): Promise<void> {
    await this.#client.request({
      method: "DELETE",
      path: this.#tablePath(identifier),
      query: { purgeRequested: String(options.purge ?? false) },
      action: `drop ${identifierText(identifier)}`,
    }, [404]);
  }

  /**
   * The outcome of a commit that was refused, or whose answer was lost: a repeated request, by us
   * or below us, may be refused because its first copy succeeded. The commit's snapshots in the
   * table prove success. Only a branch that has moved on without them proves failure.
   *
   * A refusal as a bad request may mean that the table has changed, too: servers check the
   * requirements and then apply the updates to the newest version, where there may be nothing left
   * to apply them to (Iceberg's own answers 400 to more snapshots to remove than there are).
   */
  async #readBack({ identifier, base, updates }: TableCommit, error: unknown): Promise<LoadedTable> {
    const added = updates.flatMap((update) => update.action === "add-snapshot" ? [update.snapshot.snapshotId] : []);
    if (!isKind(error, "usage", "conflict", "unavailable")) throw error;
    const isBad = error.kind === "usage";
    if (!isBad && added.length === 0) throw error;
    const newest = await this.loadTable(identifier);
    if (isBad && (newest === undefined || newest.metadataLocation === base.metadataLocation)) throw error;
    if (newest && added.length > 0 && added.every((id) => snapshotById(newest.metadata, id))) return newest;
    const name = identifierText(identifier);
    if (isBad) {
      const reason = `it was made for an older version, and ${error.message}`;
      throw new StreamlabError("conflict", `Cannot commit to ${name}: ${reason}`, { cause: error });
    }
    const progress = newest && progressOf(base.metadata, newest.metadata);
    if (progress === "forward") {
      throw new StreamlabError("conflict", `Cannot commit to ${name}: another commit was first`, { cause: error });
    }
    if (error.kind === "unavailable" || progress !== "unclear") throw error;
    throw new StreamlabError("unavailable", `Cannot tell whether the commit to ${name} happened: ${error.message}`, {
      hint: "Run again: what is there already is recognised",
      cause: error,
    });
  }

  async #loaded(identifier: TableIdentifier, body: JsonObject, io?: TableIo): Promise<LoadedTable> {
    const metadata = readingMetadata(`of ${identifierText(identifier)} that the catalog gave`, () => {
      return tableMetadataFromJson(body.metadata ?? null);
    });
    return {
      identifier,
      metadata,
      metadataLocation: readString(body, "metadata-location"),
      io: io && io === this.#ios.get(metadata.location)?.io ? io : await this.#io(metadata, body),
    };
  }

  /**
   * Credentials expire, so a store is opened again with every load that brings new ones. The answer
   * to a commit brings none.
   */
  async #io(metadata: TableMetadata, body: JsonObject): Promise<TableIo> {
    const { location } = metadata;
    // Older servers put credentials among the rest of the table's configuration.
    const told = { ...readStringMap(body.config), ...vendedConfig(body, location) };
    const credentials = JSON.stringify(CREDENTIAL_KEYS.map((key) => told[key]));
    const known = this.#ios.get(location);
    const isSilent = CREDENTIAL_KEYS.every((key) => told[key] === undefined);
    if (known && (isSilent || known.credentials === credentials)) return known.io;
    const config = { ...this.#config, ...told };
    const { store, folder } = await this.#options.openTable(location, config);
    const io = new TableIo(new TableLocation(store, folder, location), this.#options.random);
    this.#ios.set(location, { io, credentials });
    return io;
  }

  async #pages(
    path: string,
    key: string,
    query: Record<string, string>,
    action: string,
    listing: Listing = new Listing(action),
  ): Promise<Json[]> {
    const items: Json[] = [];
    const asked = new Set<string>();
    let pageToken: string | undefined = "";
    while (pageToken !== undefined) {
      const page: Record<string, string> = pageToken === "" ? query : { ...query, pageToken };
      const { status, body, bytes } = await this.#client.request({ method: "GET", path, query: page, action }, [404]);
      if (status === 404) return items;
      const found = readArray(body, key);
      for (const item of found) items.push(item);
      listing.add(found.length, bytes);
      asked.add(pageToken);
      const next = body["next-page-token"];
      pageToken = typeof next === "string" && next !== "" ? next : undefined;
      if (pageToken !== undefined && asked.has(pageToken)) throw listing.endless("the same page again");
    }
    return items;
  }

  #namespacePath(namespace: string[]): string {
    return `${this.#prefix}namespaces/${encodeURIComponent(namespace.join("\x1f"))}`;
  }

  #tablePath(identifier: TableIdentifier): string {
    return `${this.#namespacePath(identifier.namespace)}/tables/${encodeURIComponent(identifier.name)}`;
  }
}

function readNames(json: Json | undefined): string[] {
  return readArray({ namespace: json ?? null }, "namespace").map((part) =>
    readString({ namespace: part }, "namespace")
  );
}

function authOf(options: RestCatalogOptions): RestAuth {
  const { token, credential, clock, fetch } = options;
  if (token !== undefined) return bearerToken(token);
  if (credential === undefined) return noAuth;
  const at = credential.indexOf(":");
  return clientCredentials({
    tokenUri: options.tokenUri ?? `${options.uri.replace(/\/+$/, "")}/v1/oauth/tokens`,
    clientSecret: credential.slice(at + 1),
    clock,
    clientId: at < 0 ? undefined : credential.slice(0, at),
    scope: options.scope,
    fetch,
  });
}

/**
 * Whether the table's main branch stands where it stood, has gone on from there, or cannot be
 * followed back to there.
 */
function progressOf(before: TableMetadata, after: TableMetadata): "none" | "forward" | "unclear" {
  const start = snapshotOfRef(before)?.snapshotId;
  let at = snapshotOfRef(after);
  if (at?.snapshotId === start) return "none";
  while (at !== undefined) {
    if (at.parentSnapshotId === start) return "forward";
    at = at.parentSnapshotId === undefined ? undefined : snapshotById(after, at.parentSnapshotId);
  }
  return "unclear";
}

function changeToJson(identifier: TableIdentifier, change: TableChange): JsonObject {
  return {
    identifier: { namespace: identifier.namespace, name: identifier.name },
    requirements: change.requirements.map(requirementToJson),
    updates: change.updates.map(updateToJson),
  };
}

/**
 * Of several credentials the one for the longest prefix of the location (REST catalog
 * specification: StorageCredential).
 */
function vendedConfig(body: JsonObject, location: string): Record<string, string> {
  const credentials = Array.isArray(body["storage-credentials"]) ? body["storage-credentials"] : [];
  let best: { prefix: string; config: Record<string, string> } | undefined;
  for (const item of credentials) {
    const credential = readObject(item, "storage-credentials");
    const prefix = normalizeUri(readString(credential, "prefix"));
    if (!normalizeUri(location).startsWith(prefix) || prefix.length < (best?.prefix.length ?? 0)) continue;
    best = { prefix, config: readStringMap(credential.config) };
  }
  return best?.config ?? {};
}
