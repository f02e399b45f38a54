import { StreamlabError } from "../base/errors.ts";
import {
  type Catalog,
  identifierText,
  type LoadedTable,
  noTableError,
  type TableIdentifier,
} from "../iceberg/catalog/catalog.ts";
import type { Schema } from "../iceberg/format/schema.ts";
import type { Snapshot } from "../iceberg/format/snapshot.ts";
import {
  currentSchema,
  schemaById,
  snapshotAsOf,
  snapshotById,
  snapshotOfRef,
  type TableMetadata,
} from "../iceberg/format/table_metadata.ts";
import { splitTableName } from "./metadata/metadata_table.ts";
import type { TableReference } from "./question.ts";
import type { TimeTravel } from "./time_travel.ts";

/** With the time at which this table alone is read, where the question says one behind it. */
export interface PastReference extends TableReference {
  travel?: TimeTravel;
}

/** A table as a question sees it. */
export interface LakeTable {
  /** What users are told it is. */
  label: string;
  /**
   * As the lake spells them; a namespace of several levels is joined by dots. That of one of
   * several versions is the question's own.
   */
  namespace: string;
  /** With its suffix. */
  name: string;
  /** Of a metadata table. */
  suffix: string | undefined;
  loaded: LoadedTable;
  /** Undefined when nothing has been committed to it. */
  snapshot: Snapshot | undefined;
  /** The snapshot's own when travelling in time, else the current one. */
  schema: Schema;
}

/** The tables that the references mean; `not-found` for one that is not there. */
export async function findTables(
  catalog: Catalog,
  references: readonly PastReference[],
  travel: TimeTravel,
): Promise<LakeTable[]> {
  const loaded = new Map<string, Promise<LoadedTable>>();
  const tables = references.map(async ({ namespace, name, asked, travel: own }) => {
    const { base, suffix } = splitTableName(name);
    const key = `${namespace}.${base}`.toLowerCase();
    if (!loaded.has(key)) loaded.set(key, load(catalog, namespace, base));
    const table = lakeTable(await loaded.get(key)!, suffix, own ?? travel);
    if (asked === undefined) return table;
    return { ...table, namespace: asked.namespace, label: `${table.label} at ${table.snapshot!.snapshotId}` };
  });
  return await Promise.all(tables);
}

/** Every table of the catalog, without metadata tables. */
export async function allTables(catalog: Catalog, travel: TimeTravel): Promise<LakeTable[]> {
  const loaded = await Promise.all((await listTables(catalog)).map((identifier) => catalog.loadTable(identifier)));
  return loaded.flatMap((table) => table === undefined ? [] : [lakeTable(table, undefined, travel)]);
}

async function listTables(catalog: Catalog): Promise<TableIdentifier[]> {
  const namespaces = await catalog.listNamespaces();
  return (await Promise.all(namespaces.map((namespace) => catalog.listTables(namespace)))).flat();
}

async function load(catalog: Catalog, namespace: string, name: string): Promise<LoadedTable> {
  const exact = await catalog.loadTable({ namespace: namespace.split("."), name });
  if (exact !== undefined) return exact;
  const tables = await listTables(catalog);
  const wanted = `${namespace}.${name}`.toLowerCase();
  const found = tables.find((table) => identifierText(table).toLowerCase() === wanted);
  const table = found && await catalog.loadTable(found);
  if (table !== undefined) return table;
  const names = tables.map(identifierText);
  throw noTableError(
    [{ namespace: namespace.split("."), name }],
    names.length === 0
      ? "The lake has no tables yet: streamlab consume creates them"
      : `There are ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}`,
  );
}

function lakeTable(loaded: LoadedTable, suffix: string | undefined, travel: TimeTravel): LakeTable {
  const { identifier, metadata } = loaded;
  const isTravelling = travel.asOfMs !== undefined || travel.snapshotId !== undefined;
  const snapshot = isTravelling ? pastSnapshot(loaded, travel) : snapshotOfRef(metadata);
  const schemaId = isTravelling ? snapshot?.schemaId : undefined;
  const namespace = identifier.namespace.join(".");
  const name = suffix === undefined ? identifier.name : `${identifier.name}$${suffix}`;
  return {
    label: `${namespace}.${name}`,
    namespace,
    name,
    suffix,
    loaded,
    snapshot,
    schema: schemaId === undefined ? currentSchema(metadata) : schemaById(metadata, schemaId),
  };
}

function pastSnapshot({ identifier, metadata }: LoadedTable, { asOfMs, snapshotId }: TimeTravel): Snapshot {
  if (snapshotId !== undefined) {
    const snapshot = snapshotById(metadata, snapshotId);
    if (snapshot !== undefined) return snapshot;
    throw new StreamlabError("not-found", `${identifierText(identifier)} has no snapshot ${snapshotId}`, {
      hint: snapshotsHint(identifier, metadata),
    });
  }
  const snapshot = snapshotAsOf(metadata, asOfMs!);
  if (snapshot !== undefined) return snapshot;
  const first = metadata.snapshotLog[0];
  throw new StreamlabError(
    "not-found",
    `${identifierText(identifier)} had no snapshot at ${new Date(asOfMs!).toISOString()}`,
    {
      hint: first === undefined
        ? "Nothing has been committed to it"
        : `Its log begins at ${new Date(first.timestampMs).toISOString()}, with snapshot ${first.snapshotId}`,
    },
  );
}

/** Some to choose from, and where all are. */
function snapshotsHint({ namespace, name }: TableIdentifier, { snapshots }: TableMetadata): string {
  if (snapshots.length === 0) return "Nothing has been committed to it";
  const newest = snapshots.toSorted((a, b) => b.timestampMs - a.timestampMs).slice(0, 3);
  const listed = newest.map(({ snapshotId, timestampMs }) => `${snapshotId} of ${new Date(timestampMs).toISOString()}`);
  return `The newest are ${listed.join(", ")}; select snapshot_id, committed_at from ${
    namespace.join(".")
  }."${name}$snapshots" lists them`;
}
