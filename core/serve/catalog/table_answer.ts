import { sha256 } from "../../base/sha256.ts";
import { identifierText, type LoadedTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { readMetadataText } from "../../iceberg/catalog/metadata_file.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { tableMetadataToText } from "../../iceberg/table_metadata_json.ts";
import type { ObjectAccess } from "../../storage/store.ts";
import { textAnswer } from "../answer.ts";
import { HttpRefusal } from "../http_refusal.ts";
import { type StorageConfig, storageConfig } from "./storage_config.ts";

/** Which snapshots a client wants of a table (REST catalog specification: loadTable). */
export type SnapshotsWanted = "all" | "refs";

/** A table as clients load it (REST catalog specification: LoadTableResult). */
export async function tableAnswer(
  table: LoadedTable,
  { wanted = "all", access }: { wanted?: SnapshotsWanted; access?: ObjectAccess | undefined } = {},
): Promise<Response> {
  const { metadata, metadataLocation, io: { location } } = table;
  const text = metadata.formatVersion === 2
    ? tableMetadataToText(wanted === "all" ? metadata : withReferredSnapshots(metadata))
    : await textOfFile(table);
  const etag = etagOf(table, wanted, access);
  return shown(JSON.stringify(metadataLocation), text, { etag }, access && storageConfig(location.recorded, access));
}

/** A table that is only begun: it has no metadata file yet. */
export function stagedAnswer(metadata: TableMetadata, access: ObjectAccess | undefined): Response {
  return shown("null", tableMetadataToText(metadata), {}, access && storageConfig(metadata.location, access));
}

/** Differs whenever the answer would: a table that was dropped and made again begins at v1, too. */
export function etagOf(
  { metadata, metadataLocation }: LoadedTable,
  wanted: SnapshotsWanted,
  access: ObjectAccess | undefined,
): string {
  const hash = sha256();
  const parts = [metadataLocation, metadata.tableUuid, metadata.commitId ?? "", String(metadata.lastUpdatedMs), wanted];
  // Those of a session are others after a while.
  if (access !== undefined) parts.push(access.accessKeyId, access.sessionToken ?? "");
  hash.update(new TextEncoder().encode(JSON.stringify(parts)));
  return `"${hash.hex().slice(0, 32)}"`;
}

export function noTable(identifier: TableIdentifier): HttpRefusal {
  return new HttpRefusal(404, "NoSuchTableException", `Table does not exist: ${identifierText(identifier)}`);
}

/** Tables of other format versions are read, never written: their text is that of their file. */
async function textOfFile({ io: { location }, metadataLocation }: LoadedTable): Promise<string> {
  return await readMetadataText(location.store, location.pathOf(metadataLocation));
}

function withReferredSnapshots(metadata: TableMetadata): TableMetadata {
  const ids = new Set(Object.values(metadata.refs).map(({ snapshotId }) => snapshotId));
  return { ...metadata, snapshots: metadata.snapshots.filter(({ snapshotId }) => ids.has(snapshotId)) };
}

function shown(
  location: string,
  metadata: string,
  headers: Record<string, string>,
  { config, ...credentials }: StorageConfig = { config: {} },
): Response {
  const rest = JSON.stringify({ config, ...credentials }).slice(1);
  return textAnswer(
    200,
    `{"metadata-location":${location},"metadata":${metadata},${rest}`,
    "application/json",
    headers,
  );
}
