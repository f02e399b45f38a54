/** What a rewrite of a group has made, wherever its rows were read and written. */
import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import type { WrittenFile } from "../../engine/copy.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { fieldsById, type Schema } from "../../iceberg/format/schema.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { describeFile } from "../../tables/write/data_file.ts";
import type { RewriteGroup } from "./compaction_plan.ts";
import { partitionTexts } from "./rewriting.ts";
import type { RowOrder } from "./row_order.ts";
import { difference, type RowsSummary } from "./rows_summary.ts";

/** Durable files, by their paths in the table's folder. */
export type RewrittenFile = { path: string; written: Omit<WrittenFile, "path"> };

/** The rows of a group, without those that are deleted, and what was written of them. */
export interface RewrittenRows {
  before: RowsSummary;
  after: RowsSummary;
}

/** Fails with `usage` for a table whose rows cannot be written. */
export function checkWritable(schema: Schema): void {
  for (const { field, path } of fieldsById(schema).values()) {
    if (field.type.type !== "fixed") continue;
    throw new StreamlabError(
      "usage",
      `Cannot rewrite rows with the column "${path}": it is a fixed, which DuckDB cannot write`,
    );
  }
}

/** A rewrite must not lose a row, nor make one: where nothing was deleted the counts are equal. */
export function checkCount({ files, partition }: RewriteGroup, found: number): void {
  const listed = files.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0);
  const deletes = files.some((file) => file.deletes.length > 0);
  if (found === listed || (deletes && found < listed)) return;
  throw new StreamlabError(
    "corrupt",
    `Cannot rewrite the files of partition (${partitionTexts(partition).join(", ")}): they hold ${
      counted(found, "row")
    }, and their manifests say ${listed}`,
    { hint: "Nothing was changed; look into the table's files" },
  );
}

/** Nor may it change a value: the new files are read again before anything names them. */
export function checkSame({ partition }: RewriteGroup, { before, after }: RewrittenRows): void {
  const differs = difference(before, after);
  if (differs === undefined) return;
  throw new StreamlabError(
    "corrupt",
    `Cannot rewrite the files of partition (${partitionTexts(partition).join(", ")}): the new ones have ${differs}`,
    { hint: "Nothing was changed; look into the table's files" },
  );
}

/** For the manifest. */
export function describeRewritten(
  { metadata, io: { location } }: LoadedTable,
  { specId, partition }: RewriteGroup,
  files: readonly RewrittenFile[],
  order: RowOrder | undefined,
): DataFile[] {
  const shared = { specId, partition, sortOrderId: order?.sortOrderId };
  return files.map(({ path, written }) =>
    describeFile(written, { ...shared, uri: location.uriOf(path) }, currentSchema(metadata))
  );
}
