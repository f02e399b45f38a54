import { isNode, nodes, type PlanNode } from "./plan_expression.ts";

/** What an aggregation without groups asks of the rows of one scan, besides their number. */
export interface ScanAggregates {
  /** By the column's name; one that is not in it is not asked for. */
  columns: ReadonlyMap<string, ColumnAggregate>;
}

/** `values`: only how many are not null. `range`: also the least and the greatest. */
export type ColumnAggregate = "values" | "range";

const AGGREGATES: Readonly<Record<string, ColumnAggregate>> = { count: "values", min: "range", max: "range" };

/** Undefined for an operator that asks for anything else. */
export function aggregatesOf(
  operator: PlanNode,
  outputs: readonly (string | undefined)[],
): ScanAggregates | undefined {
  if (operator.type !== "LOGICAL_AGGREGATE_AND_GROUP_BY" || isGrouped(operator)) return undefined;
  const columns = new Map<string, ColumnAggregate>();
  for (const aggregate of nodes(operator.expressions)) {
    const { name, aggregate_type: kind, filter, order_bys: order } = aggregate;
    const isPlain = aggregate.expression_class === "BOUND_AGGREGATE" && filter === undefined && order === undefined;
    if (!isPlain || kind !== "NON_DISTINCT") return undefined;
    const [argument, ...others] = nodes(aggregate.children);
    if (name === "count_star" && argument === undefined) continue;
    const asked = Object.hasOwn(AGGREGATES, String(name)) ? AGGREGATES[String(name)] : undefined;
    if (asked === undefined || argument === undefined || others.length > 0) return undefined;
    if (asked === "values" && isValue(argument)) continue;
    const column = argument.expression_class === "BOUND_REF" ? outputs[Number(argument.index)] : undefined;
    if (column === undefined) return undefined;
    if (columns.get(column) !== "range") columns.set(column, asked);
  }
  return { columns };
}

/** `skip_empty` leaves out of a plan what is empty. */
function isGrouped({ groups, grouping_sets: sets, grouping_functions: functions }: PlanNode): boolean {
  return groups !== undefined || sets !== undefined || functions !== undefined;
}

/** `count(1)` counts rows. */
function isValue({ expression_class: kind, value }: PlanNode): boolean {
  return kind === "BOUND_CONSTANT" && isNode(value) && value.is_null === false;
}
