import { isKind, messageOf, StreamlabError } from "../../base/errors.ts";
import { parseJson, stringifyJson } from "../../base/json.ts";
import { mapParallel } from "../../base/parallel.ts";
import type { Store } from "../../storage/store.ts";
import { readBoolean, readInteger, readObject, readString, readStringMap } from "../format/json_field.ts";
import { DEFAULT_WAREHOUSE } from "./catalog.ts";

/** What was written down of a namespace. */
export interface NamespaceRecord {
  namespace: string[];
  /** Counts from 1. */
  version: number;
  properties: Record<string, string>;
  /** Whether it was dropped since: it may be created again. */
  isDropped: boolean;
  /** Of the request that wrote it. */
  commitId: string;
}

const FOLDER = `${DEFAULT_WAREHOUSE}/.namespaces`;
const FORMAT = 1;
const RECORD_BYTES_MAX = 1_000_000;
const READ_PARALLEL = 8;
const SEPARATOR = "\x1f";

/**
 * Namespaces of a lake that were made on purpose, with their properties: a file catalog by itself
 * knows only those that hold tables. Each change is a new file `<namespace>/vN.json`, created only
 * if absent; so is a drop. No version is ever removed, so a writer that slept cannot take a number
 * again.
 */
export class FileNamespaces {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The ones that were not dropped. */
  async list(): Promise<string[][]> {
    const newest = new Map<string, { version: number; path: string }>();
    for await (const { path } of this.#store.list(`${FOLDER}/`)) {
      const [name, file, ...deeper] = path.slice(FOLDER.length + 1).split("/");
      const version = versionOf(file ?? "");
      if (deeper.length > 0 || version === undefined) continue;
      if (version > (newest.get(name!)?.version ?? 0)) newest.set(name!, { version, path });
    }
    const records = await mapParallel(
      [...newest.values()],
      READ_PARALLEL,
      ({ version, path }) => this.#read(path, version),
    );
    return records.filter(({ isDropped }) => !isDropped).map(({ namespace }) => namespace);
  }

  /** The newest record, of a dropped one too; undefined where there never was one. */
  async find(namespace: string[]): Promise<NamespaceRecord | undefined> {
    let newest = 0;
    for await (const { path } of this.#store.list(`${folderOf(namespace)}/v`)) {
      newest = Math.max(newest, versionOf(path.slice(path.lastIndexOf("/") + 1)) ?? 0);
    }
    return newest === 0 ? undefined : await this.#read(pathOf(namespace, newest), newest);
  }

  /** Writes the next version; throws `conflict` where another writer was first. */
  async put(
    base: NamespaceRecord | undefined,
    record: Omit<NamespaceRecord, "version">,
  ): Promise<NamespaceRecord> {
    const next = { ...record, version: (base?.version ?? 0) + 1 };
    const path = pathOf(record.namespace, next.version);
    let failure: unknown;
    try {
      if (await this.#store.create(path, recordBytes(next))) return next;
    } catch (error) {
      if (!isKind(error, "unavailable")) throw error;
      failure = error;
    }
    // A network may deliver a request twice: a file that is there may be ours.
    const found = await this.find(record.namespace);
    if (found?.version === next.version && found.commitId === next.commitId) return found;
    if (failure !== undefined) throw failure;
    throw new StreamlabError(
      "conflict",
      `Cannot change the namespace ${record.namespace.join(".")}: another was first`,
    );
  }

  async #read(path: string, version: number): Promise<NamespaceRecord> {
    const bytes = await this.#store.read(path, { bytesMax: RECORD_BYTES_MAX });
    try {
      const json = readObject(parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), "namespace");
      const format = readInteger(json, "format");
      if (format > FORMAT) {
        throw new StreamlabError("newer", `Cannot read ${path}: a newer streamlab has written it`);
      }
      return {
        namespace: namespaceAt(path),
        version,
        properties: readStringMap(json.properties),
        isDropped: readBoolean(json, "dropped"),
        commitId: readString(json, "commit-id"),
      };
    } catch (error) {
      if (isKind(error, "newer")) throw error;
      const reason = messageOf(error).replace("Cannot read table metadata: ", "");
      throw new StreamlabError("corrupt", `Cannot read the namespace's record ${path}: ${reason}`, { cause: error });
    }
  }
}

function recordBytes({ properties, isDropped, commitId }: NamespaceRecord): Uint8Array {
  const json = { format: FORMAT, "commit-id": commitId, dropped: isDropped, properties };
  return new TextEncoder().encode(stringifyJson(json));
}

function folderOf(namespace: string[]): string {
  return `${FOLDER}/${encodeURIComponent(namespace.join(SEPARATOR))}`;
}

function pathOf(namespace: string[], version: number): string {
  return `${folderOf(namespace)}/v${version}.json`;
}

function namespaceAt(path: string): string[] {
  return decodeURIComponent(path.slice(FOLDER.length + 1).split("/", 1)[0]!).split(SEPARATOR);
}

function versionOf(name: string): number | undefined {
  const match = /^v([1-9]\d{0,8})\.json$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}
