import { StreamlabError } from "../../base/errors.ts";
import type { TableChange } from "../catalog/catalog.ts";
import { findField, sameSchema } from "../format/schema.ts";
import { evolveSchema, type SchemaChange } from "../format/schema_change.ts";
import { currentSchema, defaultSpec, type TableMetadata } from "../format/table_metadata.ts";
import { LAST_ADDED } from "../format/table_update.ts";

/** The change that gives the table the evolved schema; none where the changes come to nothing. */
export function updateSchema(metadata: TableMetadata, changes: SchemaChange[]): TableChange {
  const before = currentSchema(metadata);
  const { schema } = evolveSchema(before, changes, metadata.lastColumnId);
  if (sameSchema(before, schema)) return { requirements: [], updates: [] };
  for (const field of defaultSpec(metadata).fields) {
    if (field.transform.name !== "void" && !findField(schema, field.sourceId)) {
      throw new StreamlabError("usage", `Cannot drop column ${field.sourceId}: the table is partitioned by it`);
    }
  }
  return {
    requirements: [
      { type: "assert-current-schema-id", currentSchemaId: metadata.currentSchemaId },
      { type: "assert-last-assigned-field-id", lastAssignedFieldId: metadata.lastColumnId },
    ],
    updates: [{ action: "add-schema", schema }, { action: "set-current-schema", schemaId: LAST_ADDED }],
  };
}
