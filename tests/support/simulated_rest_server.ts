import { StreamlabError } from "../../core/base/errors.ts";
import { type Json, parseJson, stringifyJson } from "../../core/base/json.ts";
import { type Random, seededRandom, uuidV4 } from "../../core/base/random.ts";
import type { Catalog } from "../../core/iceberg/catalog/catalog.ts";
import { changeFromJson } from "../../core/iceberg/catalog/change_from_json.ts";
import { RestCatalog } from "../../core/iceberg/catalog/rest_catalog.ts";
import { type JsonObject, readObject, readStringMap } from "../../core/iceberg/format/json_field.ts";
import { partitionSpecFromJson } from "../../core/iceberg/format/partition_spec.ts";
import { schemaFromJson } from "../../core/iceberg/format/schema.ts";
import { sortOrderFromJson } from "../../core/iceberg/format/sort_order.ts";
import type { TableMetadata } from "../../core/iceberg/format/table_metadata.ts";
import { checkRequirements } from "../../core/iceberg/format/table_requirement.ts";
import { LAST_ADDED, type TableUpdate } from "../../core/iceberg/format/table_update.ts";
import { applyUpdates } from "../../core/iceberg/format/table_update_applier.ts";
import { storeUri } from "../../core/iceberg/table_location.ts";
import { tableMetadataToText } from "../../core/iceberg/table_metadata_json.ts";
import type { SimulatedDisk } from "./simulated_disk.ts";
import type { SimulatedStore } from "./simulated_store.ts";
import { storeWith } from "./store_with.ts";

interface Answer {
  status: number;
  body: Json;
}

interface ServedTable {
  metadata: TableMetadata;
  metadataLocation: string;
  version: number;
}

/**
 * An Iceberg REST catalog beside a simulated disk: it takes one request after another, checks
 * requirements, and writes metadata files as servers name them. Processes reach it by the real
 * client, through requests that crash, fail, come late or twice as the disk's do.
 */
export class SimulatedRestServer {
  readonly #tables = new Map<string, ServedTable>();
  readonly #random: Random;
  readonly #disk: SimulatedDisk;

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;

    this.#random = seededRandom(disk.options.seed + 7);
  }

  /** The catalog as that process has it; it is reached when it is first used. */
  catalogOf(store: SimulatedStore): Catalog {
    let opened: Promise<Catalog> | undefined;
    const open = () =>
      RestCatalog.connect({
        uri: "http://catalog",
        clock: store.clock,
        random: store.random,
        fetch: this.#fetchOf(store),
        // Another store than the lake's, as it is for commands.
        openTable: (location) =>
          Promise.resolve({ store: storeWith(store, {}), folder: this.#folderOf(store, location) }),
      });
    return new Proxy({} as Catalog, {
      get: (_none, key) =>
        key === "then" ? undefined : async (...args: unknown[]) => {
          const catalog = await (opened ??= open().catch((error) => {
            opened = undefined;
            throw error;
          }));
          return await (catalog[key as keyof Catalog] as (...args: unknown[]) => unknown).apply(catalog, args);
        },
    });
  }

  #folderOf(store: SimulatedStore, location: string): string {
    return location.slice(`${storeUri(store, "")}/`.length);
  }

  #fetchOf(store: SimulatedStore): typeof fetch {
    return (async (input: string | URL | Request, init: RequestInit = {}) => {
      const { pathname, searchParams } = new URL(String(input));
      // No namespace of its lies in another.
      const path = searchParams.has("parent") ? "nothing" : decodeURIComponent(pathname.slice("/v1/".length));
      const { method = "GET", body } = init;
      const sent = typeof body === "string" ? parseJson(body) as JsonObject : {};
      try {
        const answer = await store.request(
          method === "GET" ? "ask" : "tell",
          `${method} ${path}`,
          () => this.#answer(method, path, sent),
        );
        return new Response(answer.body === null ? null : stringifyJson(answer.body), { status: answer.status });
      } catch (error) {
        if (!(error instanceof StreamlabError)) throw error;
        // Whether it has happened or not, this is what a client sees of it.
        const chance = this.#random.next();
        if (chance < 0.4) throw new TypeError("connection reset");
        return new Response("<html>sorry</html>", { status: chance < 0.7 ? 503 : chance < 0.85 ? 500 : 504 });
      }
    }) as typeof fetch;
  }

  /** Never throws: what is wrong is an answer, too. */
  #answer(method: string, path: string, sent: JsonObject): Answer {
    const [place, namespace, tables, name] = path.split("/");
    if (path === "nothing") return { status: 200, body: { namespaces: [] } };
    if (path === "config") return { status: 200, body: { defaults: {}, overrides: {} } };
    if (place !== "namespaces") throw new Error(`The simulated catalog does not know ${method} ${path}`);
    if (namespace === undefined) {
      return { status: 200, body: method === "POST" ? {} : { namespaces: this.#namespaces() } };
    }
    if (tables !== "tables") throw new Error(`The simulated catalog does not know ${method} ${path}`);
    if (name === undefined && method === "GET") {
      return { status: 200, body: { identifiers: this.#tablesOf(namespace!) } };
    }
    if (name === undefined) return this.#create(namespace!, sent);
    const table = this.#tables.get(`${namespace}.${name}`);
    if (table === undefined) return refusal(404, "there is no such table");
    if (method === "DELETE") {
      this.#tables.delete(`${namespace}.${name}`);
      return { status: 204, body: null };
    }
    return method === "GET" ? shown(table) : this.#commit(`${namespace}.${name}`, table, sent);
  }

  #namespaces(): Json[] {
    return [...new Set([...this.#tables.keys()].map((key) => key.split(".", 1)[0]!))].map((name) => [name]);
  }

  #tablesOf(namespace: string): Json[] {
    const names = [...this.#tables.keys()].flatMap((key) =>
      key.startsWith(`${namespace}.`) ? [key.slice(namespace.length + 1)] : []
    );
    return names.map((name) => ({ namespace: [namespace], name }));
  }

  #create(namespace: string, sent: JsonObject): Answer {
    const name = String(sent.name), key = `${namespace}.${name}`;
    if (this.#tables.has(key)) return refusal(409, "it exists already");
    const { "format-version": formatVersion, ...properties } = readStringMap(sent.properties);
    const store = this.#disk.connect({ process: "catalog" });
    const updates: TableUpdate[] = [
      { action: "assign-uuid", uuid: uuidV4(this.#random) },
      { action: "upgrade-format-version", formatVersion: Number(formatVersion) },
      { action: "set-location", location: storeUri(store, `warehouse/${namespace}/${name}`) },
      { action: "add-schema", schema: schemaFromJson(sent.schema!) },
      { action: "set-current-schema", schemaId: LAST_ADDED },
      { action: "add-spec", spec: partitionSpecFromJson(sent["partition-spec"]!) },
      { action: "set-default-spec", specId: LAST_ADDED },
      { action: "add-sort-order", sortOrder: sortOrderFromJson(sent["write-order"]!) },
      { action: "set-default-sort-order", sortOrderId: LAST_ADDED },
      { action: "set-properties", updates: properties },
    ];
    return this.#put(key, applyUpdates(undefined, updates, this.#disk.nowMs()), 0);
  }

  #commit(key: string, table: ServedTable, sent: JsonObject): Answer {
    try {
      const { requirements, updates } = changeFromJson(sent);
      checkRequirements(requirements, table.metadata);
      const removed = updates.flatMap((update) => update.action === "remove-snapshots" ? update.snapshotIds : []);
      const missing = removed.length - table.metadata.snapshots.length;
      // As Iceberg's own does; no requirement speaks of snapshots that no reference names.
      if (missing > 0) return refusal(400, `arraySize cannot be negative but was: -${missing}`);
      const metadata = applyUpdates(table.metadata, updates, this.#disk.nowMs());
      const previous = { metadataFile: table.metadataLocation, timestampMs: table.metadata.lastUpdatedMs };
      const metadataLog = [...metadata.metadataLog, previous].slice(-100);
      return this.#put(key, { ...metadata, metadataLog }, table.version + 1);
    } catch (error) {
      if (!(error instanceof StreamlabError)) throw error;
      return refusal(error.kind === "conflict" ? 409 : 400, error.message);
    }
  }

  #put(key: string, metadata: TableMetadata, version: number): Answer {
    const file = `metadata/${String(version).padStart(5, "0")}-${uuidV4(this.#random)}.metadata.json`;
    const folder = `warehouse/${key.replace(".", "/")}`;
    this.#disk.put(`${folder}/${file}`, new TextEncoder().encode(tableMetadataToText(metadata)), true);
    const table = { metadata, metadataLocation: `${metadata.location}/${file}`, version };
    this.#tables.set(key, table);
    return shown(table);
  }
}

function shown({ metadata, metadataLocation }: ServedTable): Answer {
  const json = readObject(parseJson(tableMetadataToText(metadata)), "metadata");
  return { status: 200, body: { "metadata-location": metadataLocation, metadata: json } };
}

function refusal(status: number, message: string): Answer {
  return { status, body: { error: { message, type: "Refused", code: status } } };
}
