/**
 * Boolean expressions of DuckDB's plans as column filters. What this form cannot express becomes
 * `unknown`, never a stronger condition.
 */
import type { Json } from "../../base/json.ts";
import {
  and,
  type ColumnFilter,
  mirror,
  opposite,
  or,
  type PlanConstant,
  type SqlComparison,
  UNKNOWN,
} from "./column_filter.ts";

export type PlanNode = { [key: string]: Json };

/** What an expression is about. */
export interface ExpressionScope {
  /** The column that a reference by index means; undefined where that is not certain. */
  columnAt(index: number): string | undefined;
  /** The session's days are those of UTC. */
  isUtc: boolean;
}

const COMPARISONS: Record<string, SqlComparison> = {
  COMPARE_EQUAL: "=",
  COMPARE_NOTEQUAL: "<>",
  COMPARE_LESSTHAN: "<",
  COMPARE_LESSTHANOREQUALTO: "<=",
  COMPARE_GREATERTHAN: ">",
  COMPARE_GREATERTHANOREQUALTO: ">=",
};

const MICROS_PER_DAY = 86_400_000_000n;

export function nodes(value: Json | undefined): PlanNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function isNode(value: Json | undefined): value is PlanNode {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A filter that DuckDB pushed into the scan of `column`. */
export function pushedFilter(node: PlanNode, column: string[], isUtc: boolean): ColumnFilter {
  switch (node.filter_type) {
    case "CONSTANT_COMPARISON":
      return compare(COMPARISONS[String(node.comparison_type)], column, node.constant);
    case "CONJUNCTION_AND":
      return and(nodes(node.child_filters).map((child) => pushedFilter(child, column, isUtc)));
    case "CONJUNCTION_OR":
      return or(nodes(node.child_filters).map((child) => pushedFilter(child, column, isUtc)));
    case "OPTIONAL_FILTER":
      return isNode(node.child_filter) ? pushedFilter(node.child_filter, column, isUtc) : UNKNOWN;
    case "STRUCT_EXTRACT":
      return isNode(node.child_filter)
        ? pushedFilter(node.child_filter, [...column, String(node.child_name)], isUtc)
        : UNKNOWN;
    case "IN_FILTER":
      return oneOf("in", column, Array.isArray(node.values) ? node.values : []);
    case "IS_NULL":
      return { op: "is-null", column };
    case "IS_NOT_NULL":
      return { op: "not-null", column };
    case "EXPRESSION_FILTER":
      // The expression speaks of one column, whatever index it gives it.
      return isNode(node.expr) && column.length === 1
        ? expressionFilter(node.expr, { columnAt: () => column[0], isUtc }, true)
        : UNKNOWN;
    default:
      return UNKNOWN;
  }
}

/** What must hold where `node` is true, or, with `wanted` false, where it is false. */
export function expressionFilter(node: PlanNode, scope: ExpressionScope, wanted: boolean): ColumnFilter {
  switch (node.expression_class) {
    case "BOUND_CONJUNCTION": {
      const parts = nodes(node.children).map((child) => expressionFilter(child, scope, wanted));
      return (node.type === "CONJUNCTION_AND") === wanted ? and(parts) : or(parts);
    }
    case "BOUND_OPERATOR":
      return operatorFilter(node, scope, wanted);
    case "BOUND_COMPARISON":
      return comparisonFilter(node, scope, wanted);
    case "BOUND_BETWEEN":
      return betweenFilter(node, scope, wanted);
    case "BOUND_REF": {
      const column = columnOf(node, scope);
      return column === undefined ? UNKNOWN : { op: "=", column, value: { type: "BOOLEAN", value: wanted } };
    }
    default:
      return UNKNOWN;
  }
}

function operatorFilter(node: PlanNode, scope: ExpressionScope, wanted: boolean): ColumnFilter {
  const children = nodes(node.children);
  const first = children[0];
  if (first === undefined) return UNKNOWN;
  if (node.type === "OPERATOR_NOT") return expressionFilter(first, scope, !wanted);
  const column = columnOf(first, scope);
  if (column === undefined) return UNKNOWN;
  switch (node.type) {
    case "OPERATOR_IS_NULL":
      return { op: wanted ? "is-null" : "not-null", column };
    case "OPERATOR_IS_NOT_NULL":
      return { op: wanted ? "not-null" : "is-null", column };
    case "COMPARE_IN":
    case "COMPARE_NOT_IN": {
      const rest = children.slice(1);
      if (!rest.every((child) => child.expression_class === "BOUND_CONSTANT")) return UNKNOWN;
      return oneOf((node.type === "COMPARE_IN") === wanted ? "in" : "not-in", column, rest.map((child) => child.value));
    }
    default:
      return UNKNOWN;
  }
}

function comparisonFilter(node: PlanNode, scope: ExpressionScope, wanted: boolean): ColumnFilter {
  const { left, right } = node;
  const comparison = COMPARISONS[String(node.type)];
  if (!isNode(left) || !isNode(right) || comparison === undefined) return UNKNOWN;
  const meant = wanted ? comparison : opposite(comparison);
  if (right.expression_class === "BOUND_CONSTANT") return compareExpression(meant, left, right.value, scope);
  if (left.expression_class === "BOUND_CONSTANT") return compareExpression(mirror(meant), right, left.value, scope);
  return UNKNOWN;
}

function betweenFilter(node: PlanNode, scope: ExpressionScope, wanted: boolean): ColumnFilter {
  const { input, lower, upper } = node;
  if (!wanted || !isNode(input) || !isNode(lower) || !isNode(upper)) return UNKNOWN;
  const part = (comparison: SqlComparison, bound: PlanNode) =>
    bound.expression_class === "BOUND_CONSTANT" ? compareExpression(comparison, input, bound.value, scope) : UNKNOWN;
  return and([part(node.lower_inclusive ? ">=" : ">", lower), part(node.upper_inclusive ? "<=" : "<", upper)]);
}

function compareExpression(
  comparison: SqlComparison,
  expression: PlanNode,
  constant: Json | undefined,
  scope: ExpressionScope,
): ColumnFilter {
  const column = columnOf(expression, scope);
  if (column !== undefined) return compare(comparison, column, constant);
  return compareDay(comparison, expression, constant, scope);
}

/**
 * `CAST(instant AS DATE) = '2026-03-01'`: an instant's day in UTC as a range of instants. In any
 * other time zone the instant's day is another, which this form does not express.
 */
function compareDay(
  comparison: SqlComparison,
  expression: PlanNode,
  constant: Json | undefined,
  scope: ExpressionScope,
): ColumnFilter {
  const child = expression.child;
  if (expression.expression_class !== "BOUND_CAST" || !isNode(child)) return UNKNOWN;
  const column = columnOf(child, scope);
  const type = isNode(child.return_type) ? String(child.return_type.id) : "";
  const day = constantOf(constant);
  if (column === undefined || !/^TIMESTAMP( WITH TIME ZONE)?$/.test(type) || day?.type !== "DATE") return UNKNOWN;
  if (typeof day.value !== "number" || (!scope.isUtc && type !== "TIMESTAMP")) return UNKNOWN;
  const at = (days: number): PlanConstant => ({ type, value: BigInt(days) * MICROS_PER_DAY });
  const [start, end] = [at(day.value), at(day.value + 1)];
  switch (comparison) {
    case "=":
      return and([{ op: ">=", column, value: start }, { op: "<", column, value: end }]);
    case "<>":
      return or([{ op: "<", column, value: start }, { op: ">=", column, value: end }]);
    case "<":
    case ">=":
      return { op: comparison, column, value: start };
    case "<=":
      return { op: "<", column, value: end };
    case ">":
      return { op: ">=", column, value: end };
  }
}

function columnOf(node: PlanNode, scope: ExpressionScope): string[] | undefined {
  if (node.expression_class !== "BOUND_REF" || typeof node.index !== "number") return undefined;
  const column = scope.columnAt(node.index);
  return column === undefined ? undefined : [column];
}

function compare(comparison: SqlComparison | undefined, column: string[], constant: Json | undefined): ColumnFilter {
  const value = constantOf(constant);
  return comparison === undefined || value === undefined ? UNKNOWN : { op: comparison, column, value };
}

function oneOf(op: "in" | "not-in", column: string[], constants: readonly (Json | undefined)[]): ColumnFilter {
  const values = constants.map(constantOf);
  return values.every((value) => value !== undefined) ? { op, column, values } : UNKNOWN;
}

/** Undefined for null and for what is no constant. */
function constantOf(constant: Json | undefined): PlanConstant | undefined {
  if (!isNode(constant) || constant.is_null !== false || constant.value === undefined || !isNode(constant.type)) {
    return undefined;
  }
  return { type: String(constant.type.id), value: constant.value };
}
