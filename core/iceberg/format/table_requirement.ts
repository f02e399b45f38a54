import { StreamlabError } from "../../base/errors.ts";
import type { TableMetadata } from "./table_metadata.ts";

/**
 * A condition on the table that a commit builds on (REST catalog specification: TableRequirement).
 */
export type TableRequirement =
  | { type: "assert-create" }
  | { type: "assert-table-uuid"; uuid: string }
  /** An undefined id: the reference must not exist. */
  | { type: "assert-ref-snapshot-id"; ref: string; snapshotId: bigint | undefined }
  | { type: "assert-last-assigned-field-id"; lastAssignedFieldId: number }
  | { type: "assert-current-schema-id"; currentSchemaId: number }
  | { type: "assert-last-assigned-partition-id"; lastAssignedPartitionId: number }
  | { type: "assert-default-spec-id"; defaultSpecId: number }
  | { type: "assert-default-sort-order-id"; defaultSortOrderId: number };

/**
 * Throws `conflict` for the first requirement that does not hold. `metadata` is undefined if there
 * is no table.
 */
export function checkRequirements(requirements: TableRequirement[], metadata: TableMetadata | undefined): void {
  for (const requirement of requirements) {
    const problem = problemWith(requirement, metadata);
    if (problem !== undefined) throw new StreamlabError("conflict", `Cannot commit: ${problem}`);
  }
}

function problemWith(requirement: TableRequirement, metadata: TableMetadata | undefined): string | undefined {
  if (requirement.type === "assert-create") return metadata ? "the table exists already" : undefined;
  if (!metadata) return "the table does not exist";
  switch (requirement.type) {
    case "assert-table-uuid":
      return differs("the table's UUID", requirement.uuid.toLowerCase(), metadata.tableUuid.toLowerCase());
    case "assert-ref-snapshot-id": {
      const found = metadata.refs[requirement.ref]?.snapshotId;
      return differs(`the snapshot of "${requirement.ref}"`, requirement.snapshotId, found);
    }
    case "assert-last-assigned-field-id":
      return differs("the last column id", requirement.lastAssignedFieldId, metadata.lastColumnId);
    case "assert-current-schema-id":
      return differs("the current schema", requirement.currentSchemaId, metadata.currentSchemaId);
    case "assert-last-assigned-partition-id":
      return differs("the last partition field id", requirement.lastAssignedPartitionId, metadata.lastPartitionId);
    case "assert-default-spec-id":
      return differs("the default partition spec", requirement.defaultSpecId, metadata.defaultSpecId);
    case "assert-default-sort-order-id":
      return differs("the default sort order", requirement.defaultSortOrderId, metadata.defaultSortOrderId);
  }
}

function differs<T>(what: string, expected: T, found: T): string | undefined {
  return expected === found ? undefined : `${what} is ${found ?? "not there"}, not ${expected ?? "absent"} as expected`;
}
