import type { Json } from "../../core/base/json.ts";
import { type JsonObject, readObject, readStringMap } from "../../core/iceberg/format/json_field.ts";
import { partitionSpecFromJson } from "../../core/iceberg/format/partition_spec.ts";
import { schemaFromJson } from "../../core/iceberg/format/schema.ts";
import { refFromJson, snapshotFromJson } from "../../core/iceberg/format/snapshot_json.ts";
import { sortOrderFromJson } from "../../core/iceberg/format/sort_order.ts";
import type { TableRequirement } from "../../core/iceberg/format/table_requirement.ts";
import type { TableUpdate } from "../../core/iceberg/format/table_update.ts";

/** Requirements and updates as a server reads them: the other way of `table_update_json.ts`. */
export function requirementFromJson(json: Json): TableRequirement {
  const object = readObject(json, "requirement");
  const type = object.type as TableRequirement["type"];
  switch (type) {
    case "assert-create":
      return { type };
    case "assert-table-uuid":
      return { type, uuid: String(object.uuid) };
    case "assert-ref-snapshot-id": {
      const id = object["snapshot-id"];
      return { type, ref: String(object.ref), snapshotId: id === null ? undefined : BigInt(id as number | bigint) };
    }
    case "assert-last-assigned-field-id":
      return { type, lastAssignedFieldId: Number(object["last-assigned-field-id"]) };
    case "assert-current-schema-id":
      return { type, currentSchemaId: Number(object["current-schema-id"]) };
    default:
      throw new Error(`The simulated catalog does not know ${type}`);
  }
}

export function updateFromJson(json: Json): TableUpdate {
  const object = readObject(json, "update");
  const action = object.action as TableUpdate["action"];
  switch (action) {
    case "add-schema":
      return { action, schema: schemaFromJson(object.schema!) };
    case "set-current-schema":
      return { action, schemaId: Number(object["schema-id"]) };
    case "add-spec":
      return { action, spec: partitionSpecFromJson(object.spec!) };
    case "add-sort-order":
      return { action, sortOrder: sortOrderFromJson(object["sort-order"]!) };
    case "add-snapshot":
      return { action, snapshot: snapshotFromJson(object.snapshot!) };
    case "set-snapshot-ref":
      return { action, refName: String(object["ref-name"]), ref: refFromJson(object) };
    case "remove-snapshots":
      return { action, snapshotIds: (object["snapshot-ids"] as (number | bigint)[]).map(BigInt) };
    case "set-properties":
      return { action, updates: readStringMap(object.updates) };
    case "remove-properties":
      return { action, removals: removalsIn(object) };
    default:
      throw new Error(`The simulated catalog does not know ${action}`);
  }
}

function removalsIn({ removals }: JsonObject): string[] {
  return (removals as Json[]).map(String);
}
