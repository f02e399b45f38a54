import { sha256 } from "../../base/sha256.ts";
import { identifierText, type LoadedTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { readMetadataText } from "../../iceberg/catalog/metadata_file.ts";
import type { TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { tableMetadataToText } from "../../iceberg/table_metadata_json.ts";
import { textAnswer } from "../answer.ts";
import { HttpRefusal } from "../http_refusal.ts";

/** Which snapshots a client wants of a table (REST catalog specification: loadTable). */
export type SnapshotsWanted = "all" | "refs";

/** A table as clients load it (REST catalog specification: LoadTableResult). */
export async function tableAnswer(table: LoadedTable, wanted: SnapshotsWanted = "all"): Promise<Response> {
  const { metadata, metadataLocation } = table;
  const text = metadata.formatVersion === 2
    ? tableMetadataToText(wanted === "all" ? metadata : withReferredSnapshots(metadata))
    : await textOfFile(table);
  return shown(JSON.stringify(metadataLocation), text, { etag: etagOf(table, wanted) });
}

/** A table that is only begun: it has no metadata file yet. */
export function stagedAnswer(metadata: TableMetadata): Response {
  return shown("null", tableMetadataToText(metadata), {});
}

/** Differs whenever the answer would: a table that was dropped and made again begins at v1, too. */
export function etagOf({ metadata, metadataLocation }: LoadedTable, wanted: SnapshotsWanted): string {
  const hash = sha256();
  const parts = [metadataLocation, metadata.tableUuid, metadata.commitId ?? "", String(metadata.lastUpdatedMs), wanted];
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

function shown(location: string, metadata: string, headers: Record<string, string>): Response {
  return textAnswer(
    200,
    `{"metadata-location":${location},"metadata":${metadata},"config":{}}`,
    "application/json",
    headers,
  );
}
