import type { Json } from "../../base/json.ts";
import { messageOf, StreamlabError } from "../../base/errors.ts";
import {
  type JsonObject,
  readArray,
  readInteger,
  readLong,
  readObject,
  readOptionalLong,
  readString,
  readStringMap,
} from "../format/json_field.ts";
import { type PartitionSpec, partitionSpecFromJson } from "../format/partition_spec.ts";
import { schemaFromJson } from "../format/schema.ts";
import { refFromJson, snapshotFromJson } from "../format/snapshot_json.ts";
import { type SortOrder, sortOrderFromJson } from "../format/sort_order.ts";
import type { TableRequirement } from "../format/table_requirement.ts";
import type { TableUpdate } from "../format/table_update.ts";
import type { TableChange } from "./catalog.ts";

/**
 * What a server understands of the commit language (REST catalog specification:
 * CommitTableRequest; the other way of `table_update_json.ts`): every requirement and update of
 * format version 2. Throws `usage` for anything else, by name.
 */
export function changeFromJson(body: JsonObject): TableChange {
  return readingRequest(() => ({
    requirements: readArray(body, "requirements").map(requirementFromJson),
    updates: readArray(body, "updates").map(updateFromJson),
  }));
}

/** Calls `read`; what is wrong with what a client sent becomes `usage`. */
export function readingRequest<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    const isTooLarge = error instanceof RangeError;
    if (!isTooLarge && !(error instanceof StreamlabError)) throw error;
    const reason = isTooLarge ? "it is nested too deep, or too large" : messageOf(error).replace(/^Cannot [^:]*: /, "");
    throw new StreamlabError("usage", `Cannot read the request: ${reason}`, { cause: error });
  }
}

function requirementFromJson(json: Json): TableRequirement {
  const object = readObject(json, "requirement");
  const type = readString(object, "type") as TableRequirement["type"];
  switch (type) {
    case "assert-create":
      return { type };
    case "assert-table-uuid":
      return { type, uuid: readString(object, "uuid") };
    case "assert-ref-snapshot-id":
      return { type, ref: readString(object, "ref"), snapshotId: readOptionalLong(object, "snapshot-id") };
    case "assert-last-assigned-field-id":
      return { type, lastAssignedFieldId: readInteger(object, type.slice("assert-".length)) };
    case "assert-current-schema-id":
      return { type, currentSchemaId: readInteger(object, type.slice("assert-".length)) };
    case "assert-last-assigned-partition-id":
      return { type, lastAssignedPartitionId: readInteger(object, type.slice("assert-".length)) };
    case "assert-default-spec-id":
      return { type, defaultSpecId: readInteger(object, type.slice("assert-".length)) };
    case "assert-default-sort-order-id":
      return { type, defaultSortOrderId: readInteger(object, type.slice("assert-".length)) };
    default:
      throw new StreamlabError(
        "usage",
        `Cannot check the request: the requirement "${type satisfies never}" is unknown`,
      );
  }
}

function updateFromJson(json: Json): TableUpdate {
  const object = readObject(json, "update");
  const action = readString(object, "action") as TableUpdate["action"];
  switch (action) {
    case "add-schema":
      return { action, schema: schemaFromJson(object.schema ?? null) };
    case "set-current-schema":
      return { action, schemaId: readInteger(object, "schema-id") };
    case "remove-schemas":
      return { action, schemaIds: readIntegers(object, "schema-ids") };
    case "add-spec":
      return { action, spec: readSpec(object.spec) };
    case "set-default-spec":
      return { action, specId: readInteger(object, "spec-id") };
    case "remove-partition-specs":
      return { action, specIds: readIntegers(object, "spec-ids") };
    case "add-sort-order":
      return { action, sortOrder: readSortOrder(object["sort-order"]) };
    case "set-default-sort-order":
      return { action, sortOrderId: readInteger(object, "sort-order-id") };
    case "assign-uuid":
      return { action, uuid: readString(object, "uuid") };
    case "upgrade-format-version":
      return { action, formatVersion: readInteger(object, "format-version") };
    case "set-location":
      return { action, location: readString(object, "location") };
    case "set-properties":
      return { action, updates: readStringMap(readObject(object.updates, "updates")) };
    case "remove-properties":
      return { action, removals: readStrings(object, "removals") };
    default:
      return snapshotUpdateFromJson(action, object);
  }
}

type SnapshotAction = Extract<TableUpdate["action"], `${string}snapshot${string}` | `${string}statistics`>;

function snapshotUpdateFromJson(action: SnapshotAction, object: JsonObject): TableUpdate {
  switch (action) {
    case "add-snapshot":
      return { action, snapshot: snapshotFromJson(object.snapshot ?? null) };
    case "set-snapshot-ref":
      return { action, refName: readString(object, "ref-name"), ref: refFromJson(object) };
    case "remove-snapshots":
      return { action, snapshotIds: readArray(object, "snapshot-ids").map((id) => readLong({ id }, "id")) };
    case "remove-snapshot-ref":
      return { action, refName: readString(object, "ref-name") };
    case "set-statistics":
      return { action, statistics: readStatistics(object.statistics) };
    case "set-partition-statistics":
      return { action, partitionStatistics: readStatistics(object["partition-statistics"]) };
    case "remove-statistics":
    case "remove-partition-statistics":
      return { action, snapshotId: readLong(object, "snapshot-id") };
    default:
      throw new StreamlabError("usage", `Cannot make the change: the update "${action satisfies never}" is unknown`, {
        hint: "Tables of format version 2 have no such update",
      });
  }
}

/**
 * A partition spec as clients send it; they may leave out its number, which the server gives. In
 * the spec of a table that exists each field has its id, for the server cannot tell an old field
 * from a new one.
 */
function readSpec(json: Json | undefined): PartitionSpec {
  const object = readObject(json, "spec");
  for (const field of readArray(object, "fields")) readInteger(readObject(field, "partition field"), "field-id");
  return specFromRequest(object);
}

/** As in a request to create a table: fields without ids get them in their order. */
export function specFromRequest(json: Json): PartitionSpec {
  return partitionSpecFromJson({ ...readObject(json, "partition spec"), "spec-id": 0 });
}

/** A sort order as clients send it: the server gives its number. */
export function readSortOrder(json: Json | undefined): SortOrder {
  return sortOrderFromJson({ ...readObject(json, "sort order"), "order-id": 0 });
}

function readStatistics(json: Json | undefined): JsonObject {
  const statistics = readObject(json, "statistics");
  readLong(statistics, "snapshot-id");
  readString(statistics, "statistics-path");
  return statistics;
}

function readIntegers(object: JsonObject, key: string): number[] {
  return readArray(object, key).map((item) => readInteger({ [key]: item }, key));
}

/** The strings of a list. */
export function readStrings(object: JsonObject, key: string): string[] {
  return readArray(object, key).map((item) => readString({ [key]: item }, key));
}
