/** A group as a task, and back. Pure. */
import type { Json } from "../../base/json.ts";
import { identifierText, type LoadedTable, parseIdentifier } from "../../iceberg/catalog/catalog.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { partitionSpecFromJson, partitionSpecToJson } from "../../iceberg/format/partition_spec.ts";
import { schemaFromJson, schemaToJson } from "../../iceberg/format/schema.ts";
import type { Value } from "../../iceberg/format/single_value.ts";
import { sortOrderFromJson, sortOrderToJson } from "../../iceberg/format/sort_order.ts";
import { emptyTableMetadata } from "../../iceberg/format/table_metadata.ts";
import { TableIo } from "../../iceberg/table_io.ts";
import { TableLocation } from "../../iceberg/table_location.ts";
import type { Random } from "../../base/random.ts";
import type { RewriteTask, TaskFile, TaskSummary, TaskValue } from "../../lake/rewrite_task.ts";
import type { Store } from "../../storage/store.ts";
import type { RewriteGroup } from "./compaction_plan.ts";
import type { RowsSummary } from "./rows_summary.ts";

/** How a group is to be rewritten. */
export interface TaskWishes extends Pick<RewriteTask, "stem" | "attempt" | "limits"> {
  sortBy: readonly string[];
}

export function groupTask(
  { identifier, metadata, io: { location } }: LoadedTable,
  { specId, partition, files, bytes, outputs }: RewriteGroup,
  { sortBy, ...wishes }: TaskWishes,
): RewriteTask {
  const deletes = [...new Map(files.flatMap((file) => file.deletes.map((each) => [each.path, each]))).values()];
  const numbers = new Map(deletes.map(({ path }, number) => [path, number]));
  return {
    format: 1,
    table: identifierText(identifier),
    root: location.store.root,
    folder: location.folder,
    recorded: location.recorded,
    schemas: metadata.schemas.map(schemaToJson),
    currentSchemaId: metadata.currentSchemaId,
    specs: metadata.partitionSpecs.map(partitionSpecToJson),
    sortOrders: metadata.sortOrders.map(sortOrderToJson),
    defaultSortOrderId: metadata.defaultSortOrderId,
    properties: metadata.properties,
    sortBy: [...sortBy],
    ...wishes,
    specId,
    partition: partition.map(taskValue),
    files: files.map((file) => ({
      ...taskFile(file.dataFile),
      deletes: file.deletes.map(({ path }) => numbers.get(path)!),
    })),
    deletes: deletes.map(taskFile),
    bytes,
    outputs,
  };
}

/** The table as far as the task knows it: nothing of its history. */
export function tableOfTask(task: RewriteTask, store: Store, random: Random): LoadedTable {
  const location = new TableLocation(store, task.folder, task.recorded);
  return {
    identifier: parseIdentifier(task.table),
    metadataLocation: "",
    metadata: {
      ...emptyTableMetadata,
      location: task.recorded,
      schemas: task.schemas.map((json) => schemaFromJson(json as Json)),
      currentSchemaId: task.currentSchemaId,
      partitionSpecs: task.specs.map((json) => partitionSpecFromJson(json as Json)),
      sortOrders: task.sortOrders.map((json) => sortOrderFromJson(json as Json)),
      defaultSortOrderId: task.defaultSortOrderId,
      properties: task.properties,
    },
    io: new TableIo(location, random),
  };
}

export function groupOfTask({ specId, partition: values, files, deletes, bytes, outputs }: RewriteTask): RewriteGroup {
  const partition = values.map(valueOf);
  const known = deletes.map((file) => dataFileOf(file, { specId, partition }));
  return {
    specId,
    partition,
    files: files.map(({ deletes, ...file }) => ({
      dataFile: dataFileOf(file, { specId, partition }),
      sequenceNumber: 0n,
      deletes: deletes.map((number) => known[number]!),
    })),
    bytes,
    outputs,
  };
}

function taskFile(
  { content, path, format, recordCount, fileSizeBytes, splitOffsets, equalityIds }: DataFile,
): TaskFile {
  return { content, path, format, records: recordCount, size: fileSizeBytes, splitOffsets, equalityIds };
}

/** Which rows a delete file applies to was found out before: it may be of another partition. */
function dataFileOf(
  { content, path, format, records, size, splitOffsets, equalityIds }: TaskFile,
  place: Pick<DataFile, "specId" | "partition">,
): DataFile {
  return {
    content,
    path,
    format,
    ...place,
    recordCount: records,
    fileSizeBytes: size,
    splitOffsets,
    equalityIds,
  };
}

function taskValue(value: Value | null): TaskValue | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return { type: "bytes", text: value.toHex() };
  const type = typeof value as "boolean" | "number" | "bigint" | "string";
  return { type, text: Object.is(value, -0) ? "-0" : String(value) };
}

function valueOf(value: TaskValue | null): Value | null {
  if (value === null) return null;
  const { type, text } = value;
  switch (type) {
    case "boolean":
      return text === "true";
    case "number":
      return Number(text);
    case "bigint":
      return BigInt(text);
    case "string":
      return text;
    case "bytes":
      return Uint8Array.fromHex(text);
  }
}

export function taskSummary({ columns, ...rest }: RowsSummary): TaskSummary {
  return { ...rest, columns: [...columns].map(([name, text]) => [name, text]) };
}

export function summaryOfTask({ columns, ...rest }: TaskSummary): RowsSummary {
  return { ...rest, columns: new Map(columns) };
}
