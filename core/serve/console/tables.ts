import type { Json } from "../../base/json.ts";
import { identifierText, requireTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { findField } from "../../iceberg/format/schema.ts";
import { currentSchema, defaultSpec, type TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { transformToText } from "../../iceberg/format/transform.ts";
import { sqlTypeOf } from "../../tables/sql_type.ts";
import { jsonAnswer } from "../answer.ts";
import { type ConsoleCall, isoOf, objectsOf } from "./console_call.ts";
import { namedTable, tableSql } from "./lake_table.ts";
import { type TableFacts, verdictOn } from "./table_verdict.ts";

const SNAPSHOTS_MAX = 200;
const PARTITIONS_MAX = 100;

/** Every table by its totals. */
export async function listTables({ parts }: ConsoleCall): Promise<Response> {
  const { state } = await parts.watch.glance();
  return jsonAnswer(200, {
    at: isoOf(parts.clock.nowMs()),
    allowsUpkeep: parts.upkeep !== undefined,
    tables: state?.tables.map(({ table, columns, rows, dataFiles, bytes, deleteFiles, snapshots, committedAtMs }) => ({
      table,
      columns,
      rows: rows ?? null,
      dataFiles: dataFiles ?? null,
      bytes: bytes ?? null,
      deleteFiles: deleteFiles ?? null,
      snapshots,
      committedAt: isoOf(committedAtMs),
    })) ?? [],
  });
}

/** One table: schema, partitions, files by size, snapshots, and what upkeep would do for it. */
export async function showTable(call: ConsoleCall): Promise<Response> {
  const identifier = await namedTable(call);
  const { metadata } = await requireTable(call.parts.catalog, identifier);
  const isPartitioned = metadata.partitionSpecs.some(({ fields }) => fields.length > 0);
  const facts = await factsOf(call, identifier, metadata, isPartitioned);
  return jsonAnswer(200, {
    table: identifierText(identifier),
    allowsUpkeep: call.parts.upkeep !== undefined,
    location: call.parts.shown(metadata.location),
    formatVersion: metadata.formatVersion,
    schema: currentSchema(metadata).fields.map(({ id, name, type, required }) => ({
      id,
      name,
      type: sqlTypeOf(type),
      required,
    })),
    partitionedBy: partitionedBy(metadata),
    snapshots: snapshotsJson(metadata),
    snapshotCount: metadata.snapshots.length,
    files: { ...facts },
    partitions: isPartitioned ? await partitionsJson(call, identifier) : [],
    verdict: verdictOn(identifierText(identifier), facts, call.parts.clock.nowMs()).map((debt) => ({ ...debt })),
  });
}

function partitionedBy(metadata: TableMetadata): Json {
  const schema = currentSchema(metadata);
  return defaultSpec(metadata).fields.map(({ name, transform, sourceId }) => ({
    name,
    transform: transformToText(transform),
    column: findField(schema, sourceId)?.name ?? null,
  }));
}

/** The newest first. */
function snapshotsJson({ snapshots }: TableMetadata): Json {
  return snapshots.slice(-SNAPSHOTS_MAX).reverse().map(({ snapshotId, timestampMs, summary }) => {
    const count = (key: string) => summary[key] === undefined ? null : Number(summary[key]);
    return {
      // Beyond 2^53, so as text.
      snapshotId: String(snapshotId),
      committedAt: isoOf(timestampMs),
      operation: summary.operation ?? null,
      addedFiles: count("added-data-files"),
      addedRows: count("added-records"),
      deletedFiles: count("deleted-data-files"),
      deletedRows: count("deleted-records"),
      rows: count("total-records"),
    };
  });
}

async function factsOf(
  call: ConsoleCall,
  identifier: TableIdentifier,
  { snapshots }: TableMetadata,
  isPartitioned: boolean,
): Promise<TableFacts> {
  const place = isPartitioned ? "partition::VARCHAR" : "''";
  const small = "content = 0 AND file_size_in_bytes < 96e6";
  const [row] = objectsOf(
    await call.askAbout(
      [identifier],
      `WITH files AS (SELECT content, file_size_in_bytes, record_count, ${place} AS place
  FROM ${tableSql(identifier, "$files")}),
groups AS (SELECT count(*) AS n FROM files WHERE ${small} GROUP BY place)
SELECT count(*) FILTER (content = 0) AS data_files, count(*) FILTER (${small}) AS small_files,
  coalesce(sum(file_size_in_bytes) FILTER (content = 0), 0) AS bytes,
  coalesce(sum(record_count) FILTER (content = 0), 0) AS rows,
  count(*) FILTER (content <> 0) AS delete_files,
  coalesce(sum(record_count) FILTER (content <> 0), 0) AS deleted_rows,
  (SELECT coalesce(sum(n), 0) FROM groups WHERE n > 1) AS mergeable,
  (SELECT count(*) FROM ${tableSql(identifier, "$manifests")}) AS manifests FROM files`,
    ),
  );
  const count = (name: string) => Number(row![name]);
  return {
    dataFiles: count("data_files"),
    smallFiles: count("small_files"),
    mergeableFiles: count("mergeable"),
    bytes: count("bytes"),
    rows: count("rows"),
    deleteFiles: count("delete_files"),
    deletedRows: count("deleted_rows"),
    manifests: count("manifests"),
    snapshots: snapshots.length,
    oldestSnapshotMs: snapshots[0]?.timestampMs ?? null,
  };
}

/** The largest first. */
async function partitionsJson(call: ConsoleCall, identifier: TableIdentifier): Promise<Json> {
  const rows = objectsOf(
    await call.askAbout(
      [identifier],
      `SELECT partition::VARCHAR AS partition, sum(record_count) AS rows, sum(file_count) AS files,
  sum(total_data_file_size_in_bytes) AS bytes,
  sum(position_delete_file_count + equality_delete_file_count) AS delete_files
FROM ${tableSql(identifier, "$partitions")} GROUP BY 1 ORDER BY bytes DESC, 1 LIMIT ${PARTITIONS_MAX}`,
    ),
  );
  return rows.map(({ partition, rows, files, bytes, delete_files }) => ({
    partition: partition!,
    rows: Number(rows),
    files: Number(files),
    bytes: Number(bytes),
    deleteFiles: Number(delete_files),
  }));
}
