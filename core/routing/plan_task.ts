import type { Json } from "../base/json.ts";
import type { Contract } from "../contract/contract.ts";
import { adoptAddedColumns, type ColumnRoom, columnRoom } from "../contract/extra_columns.ts";
import { parseContract } from "../contract/json_schema.ts";
import { keepsRescued } from "../contract/rescued.ts";
import { partitionSpecFromJson } from "../iceberg/format/partition_spec.ts";
import { schemaFromJson } from "../iceberg/format/schema.ts";
import type { RoutingTask, TaskTable } from "../lake/routing_task.ts";
import { type PlannedTable, type PlannedTables, planTables } from "../lake/target.ts";

/** A task, parsed and planned once. */
export interface PlannedTask {
  /** The plan's, with the columns that earlier batches have added to the table. */
  contract: Contract;
  /** As they must be for it. */
  tables: PlannedTables;
  /** The tables as they must be for a contract with more columns. */
  widen(contract: Contract): PlannedTables;
  /** For further columns. */
  room: ColumnRoom;
}

/** Fails with `usage` where the tables cannot follow the contract. */
export function planTask(
  { contract: text, options, ...task }: Pick<RoutingTask, "contract" | "options" | "events" | "deadLetters">,
): PlannedTask {
  const own = parseContract(text);
  const before = { events: tableOf(task.events), deadLetters: tableOf(task.deadLetters) };
  const fields = { events: before.events.schema.fields, deadLetters: before.deadLetters.schema.fields };
  const contract = options.onExtraFields === "add" ? adoptAddedColumns(own, fields.events) : own;
  const rescued = keepsRescued(options);
  const tables = planTables(before, contract, rescued);
  // A contract with more columns keeps the ids that its columns were first given.
  return { contract, tables, widen: (wider) => planTables(tables, wider, rescued), room: columnRoom(own, fields) };
}

function tableOf({ name, folder, schema: json, spec, properties, lastColumnId }: TaskTable): PlannedTable {
  const schema = schemaFromJson(json as Json);
  return {
    name,
    schema,
    written: schema.fields,
    spec: partitionSpecFromJson(spec as Json),
    properties,
    dataFolder: folder === "" ? "data" : `${folder}/data`,
    lastColumnIdBefore: lastColumnId,
    lastColumnId,
  };
}
