import type { Checks, ContractType } from "../../contract/contract.ts";
import { type ExactNumber, exactNumber } from "../../json/number.ts";

/**
 * Conditions in SQL that a plain value of a number column keeps its bounds; none where the column
 * has none.
 */
export function boundsSql(value: string, type: ContractType, checks: Checks): string[] {
  switch (type.kind) {
    case "int":
      return exactBounds(checks, { value, scale: 0, max: 2n ** 31n - 1n, literal: String });
    case "long":
      return exactBounds(checks, { value, scale: 0, max: 2n ** 63n - 1n, literal: String });
    case "decimal": {
      const { precision, scale } = type;
      const literal = (units: bigint) => `CAST('${decimalText(units, scale)}' AS DECIMAL(${precision},${scale}))`;
      return exactBounds(checks, { value, scale, max: 10n ** BigInt(precision) - 1n, literal });
    }
    case "float":
    case "double":
      return roundedBounds(value, type.kind, checks);
    default:
      return [];
  }
}

interface ExactColumn {
  value: string;
  scale: number;
  /**
   * The largest value and, below zero, no more than one from the smallest, in units of the scale.
   */
  max: bigint;
  /** SQL of so many units. */
  literal(units: bigint): string;
}

/** Bounds in whole units, so that no digit of them is lost, however many there are. */
function exactBounds(checks: Checks, column: ExactColumn): string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = checks;
  const units = (text: string | undefined, of: typeof floorUnits) =>
    text === undefined ? undefined : of(exactNumber(text), column.scale);
  const plus = (number: bigint | undefined, more: bigint) => number === undefined ? undefined : number + more;
  return [
    ...atLeast(column, units(minimum, ceilUnits)),
    ...atLeast(column, plus(units(exclusiveMinimum, floorUnits), 1n)),
    ...atMost(column, units(maximum, floorUnits)),
    ...atMost(column, plus(units(exclusiveMaximum, ceilUnits), -1n)),
  ];
}

function atLeast({ value, max, literal }: ExactColumn, units: bigint | undefined): string[] {
  if (units === undefined || units < -max) return [];
  return [units > max ? "false" : `${value} >= ${literal(units)}`];
}

function atMost({ value, max, literal }: ExactColumn, units: bigint | undefined): string[] {
  if (units === undefined || units > max) return [];
  return [units < -max ? "false" : `${value} <= ${literal(units)}`];
}

/** Beyond any column. */
const BEYOND = 10n ** 60n;

/** The largest whole number of units, of ten to minus `scale`, that is no more than the number. */
function floorUnits(number: ExactNumber, scale: number): bigint {
  const below = number.negative ? -1n : 0n;
  const wholeDigits = number.digits.length + number.exponent + scale;
  if (number.digits === "") return 0n;
  if (wholeDigits > 60) return number.negative ? -BEYOND : BEYOND;
  if (wholeDigits <= 0) return below;
  const digits = BigInt(number.digits);
  const exponent = number.exponent + scale;
  if (exponent >= 0) return (number.negative ? -digits : digits) * 10n ** BigInt(exponent);
  const unit = 10n ** BigInt(-exponent);
  return number.negative ? -((digits + unit - 1n) / unit) : digits / unit;
}

function ceilUnits(number: ExactNumber, scale: number): bigint {
  return -floorUnits({ ...number, negative: !number.negative }, scale);
}

function decimalText(units: bigint, scale: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return `${units < 0n ? "-" : ""}${whole}${scale === 0 ? "" : `.${digits.slice(-scale)}`}`;
}

/**
 * Rounding keeps order but may make two numbers equal, so a rounded value at the very bound is left
 * to the judge, who compares digits.
 */
function roundedBounds(value: string, kind: "float" | "double", checks: Checks): string[] {
  const compare = (operator: ">" | "<", text: string | undefined) => {
    if (text === undefined) return [];
    const number = kind === "float" ? Math.fround(Number(text)) : Number(text);
    return [`${value} ${operator} CAST('${number}' AS ${kind.toUpperCase()})`];
  };
  return [
    ...compare(">", checks.minimum),
    ...compare(">", checks.exclusiveMinimum),
    ...compare("<", checks.maximum),
    ...compare("<", checks.exclusiveMaximum),
  ];
}
