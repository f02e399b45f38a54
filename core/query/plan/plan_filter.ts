/**
 * Which rows a query needs of each table, read from DuckDB's own optimised plan: its binder
 * resolves names through joins, CTEs and subqueries, and its optimiser moves every condition down
 * to the scan that it is about.
 */
import { type Json, parseJson } from "../../base/json.ts";
import { type Connection, quoteText } from "../../engine/duckdb.ts";
import { and, type ColumnFilter, or, UNKNOWN } from "./column_filter.ts";
import { aggregatesOf, type ScanAggregates } from "./scan_aggregates.ts";
import { expressionFilter, isNode, nodes, type PlanNode, pushedFilter } from "./plan_expression.ts";
import { describe, hintOf, placeOfByte } from "../sql_error.ts";

/** What a question needs of a table. */
export interface TableNeed {
  /** Of which rows. */
  filter: ColumnFilter;
  /** Where it asks nothing of them but their number, and the least and greatest of columns. */
  aggregates: ScanAggregates | undefined;
}

/**
 * By `namespace.table`, as the planning tables are named. A table that is not in it is needed
 * whole.
 */
export type TableNeeds = Map<string, TableNeed>;

/**
 * Optimiser rules that move or simplify conditions. The others could act on the planning tables
 * being empty.
 */
const USEFUL_OPTIMIZERS = [
  "expression_rewriter",
  "filter_pullup",
  "filter_pushdown",
  "cte_filter_pusher",
  "cte_inlining",
  "materialized_cte",
  "regex_range",
  "deliminator",
];

/** To be run once on the connection that plans, before its configuration is locked. */
export async function restrictOptimizers(connection: Connection): Promise<void> {
  const rows = await connection.rows("SELECT name FROM duckdb_optimizers()");
  const others = rows.map(({ name }) => String(name)).filter((name) => !USEFUL_OPTIMIZERS.includes(name));
  await connection.run(`SET disabled_optimizers = ${quoteText(others.join(","))}`);
}

/** DuckDB's optimised plan of a checked SELECT over the (empty) tables that the connection sees. */
export async function planSql(connection: Connection, select: string): Promise<string> {
  const rows = await connection.rows(
    `SELECT json_serialize_plan(${
      quoteText(select)
    }::VARCHAR, optimize := true, skip_null := true, skip_empty := true)::VARCHAR AS plan`,
  );
  return String(rows[0]!.plan);
}

/**
 * What the plan of a SELECT needs of its tables. Fails with `usage` where the query
 * does not fit the tables: an unknown column, types that cannot be compared.
 */
export function needsOfPlan(text: string, select: string, isUtc: boolean): TableNeeds {
  let plan: Json;
  try {
    plan = parseJson(text);
  } catch {
    return new Map(); // DuckDB writes NaN and Infinity, which are no JSON: no pruning then.
  }
  if (!isNode(plan)) return new Map();
  if (plan.error !== false) {
    const { error_type: type, error_message: said, position } = plan;
    if (type === "binder" || type === "catalog") {
      const place = position === undefined ? undefined : placeOfByte(select, Number(position));
      throw describe(String(said).split("\n", 1)[0]!, "usage", { hint: hintOf(String(said)), place });
    }
    // If a plan cannot be serialized (some functions cannot), the query still runs.
    return new Map();
  }
  const found = new Map<string, TableNeed[]>();
  visit(plan, { above: [], isUtc }, found);
  // A table that is scanned twice is needed where either scan needs it.
  return new Map([...found].map(([table, needs]) => [table, {
    filter: or(needs.map(({ filter }) => filter)),
    aggregates: needs.length === 1 ? needs[0]!.aggregates : undefined,
  }]));
}

interface Surroundings {
  /** The operators over this one, the nearest last. */
  above: PlanNode[];
  /** The session's days are those of UTC. */
  isUtc: boolean;
}

function visit(value: Json | undefined, around: Surroundings, found: Map<string, TableNeed[]>): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, around, found);
    return;
  }
  if (!isNode(value)) return;
  const isOperator = typeof value.type === "string" && value.type.startsWith("LOGICAL_");
  if (value.type === "LOGICAL_GET") addScan(value, around, found);
  const inside = isOperator ? { ...around, above: [...around.above, value] } : around;
  for (const child of Object.values(value)) visit(child, inside, found);
}

function addScan(scan: PlanNode, around: Surroundings, found: Map<string, TableNeed[]>): void {
  const source = isNode(scan.function_data) ? scan.function_data : {};
  if (typeof source.schema !== "string" || typeof source.table !== "string") return;
  const table = `${source.schema}.${source.table}`;
  const needs = found.get(table) ?? [];
  needs.push(scanNeed(scan, around));
  found.set(table, needs);
}

function scanNeed(scan: PlanNode, { above, isUtc }: Surroundings): TableNeed {
  const names = Array.isArray(scan.names) ? scan.names.map(String) : [];
  const tableFilters = isNode(scan.table_filters) ? nodes(scan.table_filters.filters) : [];
  const filters = tableFilters.map(({ key, value }) => {
    const column = typeof key === "number" ? names[key] : undefined;
    return column !== undefined && isNode(value) ? pushedFilter(value, [column], isUtc) : UNKNOWN;
  });
  const columns = nodes(scan.column_indexes).map(({ index }) => typeof index === "number" ? names[index] : undefined);
  let outputs = picked(columns, scan.projection_ids);
  // Filters that stayed above the scan, or above projections of it: rows that they drop are not
  // seen further up.
  for (const operator of above.toReversed()) {
    if (operator.type === "LOGICAL_FILTER") {
      const columnAt = (index: number) => outputs[index];
      filters.push(...nodes(operator.expressions).map((each) => expressionFilter(each, { columnAt, isUtc }, true)));
      outputs = picked(outputs, operator.projection_map);
    } else if (operator.type === "LOGICAL_PROJECTION") {
      outputs = nodes(operator.expressions).map((each) => {
        const isColumn = each.expression_class === "BOUND_REF" && typeof each.index === "number";
        return isColumn ? outputs[each.index as number] : undefined;
      });
    } else return { filter: and(filters), aggregates: aggregatesOf(operator, outputs) };
  }
  return { filter: and(filters), aggregates: undefined };
}

/** The columns at those places, in that order; all of them without places. */
function picked(columns: (string | undefined)[], places: Json | undefined): (string | undefined)[] {
  return Array.isArray(places) && places.length > 0 ? places.map((place) => columns[Number(place)]) : columns;
}
