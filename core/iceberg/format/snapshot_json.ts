import type { Json } from "../../base/json.ts";
import {
  type JsonObject,
  longToJson,
  readArray,
  readInteger,
  readLong,
  readObject,
  readOptionalInteger,
  readOptionalLong,
  readString,
  readStringMap,
} from "./json_field.ts";
import type { Snapshot, SnapshotRef } from "./snapshot.ts";

/** Snapshots and references as JSON (specification: Appendix C, "Table Metadata and Snapshots"). */
export function snapshotToJson(snapshot: Snapshot): JsonObject {
  const json: JsonObject = { "snapshot-id": longToJson(snapshot.snapshotId) };
  if (snapshot.parentSnapshotId !== undefined) json["parent-snapshot-id"] = longToJson(snapshot.parentSnapshotId);
  json["sequence-number"] = longToJson(snapshot.sequenceNumber);
  json["timestamp-ms"] = snapshot.timestampMs;
  if (snapshot.manifestList !== undefined) json["manifest-list"] = snapshot.manifestList;
  if (snapshot.manifests !== undefined) json.manifests = snapshot.manifests;
  json.summary = snapshot.summary;
  if (snapshot.schemaId !== undefined) json["schema-id"] = snapshot.schemaId;
  return json;
}

/**
 * Version 1 snapshots have sequence number 0 (specification: Appendix E, "Version 2") and may have
 * no summary.
 */
export function snapshotFromJson(json: Json): Snapshot {
  const object = readObject(json, "snapshot");
  const snapshot: Snapshot = {
    snapshotId: readLong(object, "snapshot-id"),
    sequenceNumber: readOptionalLong(object, "sequence-number") ?? 0n,
    timestampMs: readInteger(object, "timestamp-ms"),
    summary: readStringMap(object.summary),
  };
  const parent = readOptionalLong(object, "parent-snapshot-id");
  // Some writers use -1 for "no parent".
  if (parent !== undefined && parent !== -1n) snapshot.parentSnapshotId = parent;
  // Version 1 may list its manifests here. A snapshot with neither would look like an empty table.
  const isInline = object["manifest-list"] === undefined || object["manifest-list"] === null;
  if (!isInline) snapshot.manifestList = readString(object, "manifest-list");
  else snapshot.manifests = readArray(object, "manifests").map((path) => readString({ manifests: path }, "manifests"));
  const schemaId = readOptionalInteger(object, "schema-id");
  if (schemaId !== undefined) snapshot.schemaId = schemaId;
  return snapshot;
}

export function refToJson(ref: SnapshotRef): JsonObject {
  const json: JsonObject = { "snapshot-id": longToJson(ref.snapshotId), type: ref.type };
  if (ref.minSnapshotsToKeep !== undefined) json["min-snapshots-to-keep"] = ref.minSnapshotsToKeep;
  if (ref.maxSnapshotAgeMs !== undefined) json["max-snapshot-age-ms"] = ref.maxSnapshotAgeMs;
  if (ref.maxRefAgeMs !== undefined) json["max-ref-age-ms"] = ref.maxRefAgeMs;
  return json;
}

export function refFromJson(json: Json): SnapshotRef {
  const object = readObject(json, "reference");
  const ref: SnapshotRef = {
    snapshotId: readLong(object, "snapshot-id"),
    type: readString(object, "type") === "tag" ? "tag" : "branch",
  };
  const minSnapshotsToKeep = readOptionalInteger(object, "min-snapshots-to-keep");
  if (minSnapshotsToKeep !== undefined) ref.minSnapshotsToKeep = minSnapshotsToKeep;
  const maxSnapshotAgeMs = optionalAge(object, "max-snapshot-age-ms");
  if (maxSnapshotAgeMs !== undefined) ref.maxSnapshotAgeMs = maxSnapshotAgeMs;
  const maxRefAgeMs = optionalAge(object, "max-ref-age-ms");
  if (maxRefAgeMs !== undefined) ref.maxRefAgeMs = maxRefAgeMs;
  return ref;
}

/**
 * Java writes its largest long for "forever". A number rounds it, which does not matter for an age.
 */
function optionalAge(object: JsonObject, key: string): number | undefined {
  const value = readOptionalLong(object, key);
  return value === undefined ? undefined : Number(value);
}
