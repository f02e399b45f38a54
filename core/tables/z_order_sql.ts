/**
 * Rows along a z-curve in SQL: the bits of several columns' order-preserving keys in turn, so that
 * rows which lie together are close in each of the columns. The reference implementation does it
 * alike, in Spark (`ZOrderByteUtils`): eight bytes of each column, nulls as zeros. Here the eight
 * bytes are stretched over the values that there are: what all timestamps of a day or all names
 * have in common would take the first turns, and tell nothing.
 */
import { type OrderedColumn, wholeNumber } from "./ordered_column.ts";

/** The least and the largest of a column's values as `spanSql` prints them; null: there is none. */
export interface ColumnSpan {
  low: string | null;
  high: string | null;
}

const KEY_BITS = 64;
/** Bits of so many columns in turn fit in eight bytes when each gives one byte. */
export const Z_ORDER_COLUMNS_MAX = 8;
/** What is looked at of a long text to find what all have in common. */
const SPAN_BYTES = 256;
const KEY_BYTES = KEY_BITS / 8;
/** Of a factor: its product with eight bytes is within sixteen. */
const FRACTION_BITS = 63;

/** A query for the columns' spans: one row, `low0`, `high0`, `low1`, … */
export function spanSql(select: string, columns: readonly OrderedColumn[]): string {
  const spans = columns.map((column, index) => {
    const { sql, print } = ordinalOf(column);
    return `${print(`min(${sql})`)} AS low${index}, ${print(`max(${sql})`)} AS high${index}`;
  });
  return `SELECT ${spans.join(", ")} FROM (${select})`;
}

/**
 * The query with further columns, whose names begin with `name`, and what stands in ORDER BY for
 * them.
 */
export function zOrderSql(
  select: string,
  columns: readonly OrderedColumn[],
  spans: readonly ColumnSpan[],
  name: string,
): { select: string; keys: string[] } {
  const width = turnBits(columns.length);
  const turns = KEY_BITS / width;
  const nameOf = (column: number, turn: number) => `${name}${column}_${turn}`;
  const keys = columns.map((column, index) => `${keySql(column, spans[index]!)} AS ${nameOf(index, 0)}`);
  const each = (sqlOf: (column: number, turn: number) => string) =>
    columns.flatMap((_column, column) =>
      Array.from({ length: turns }, (_turn, turn) => `(${sqlOf(column, turn)}) AS ${nameOf(column, turn)}`)
    ).join(", ");
  let spread = `SELECT *, ${keys.join(", ")} FROM (${select})`;
  if (turns > 1) {
    const others = columns.map((_column, index) =>
      Array.from({ length: turns - 1 }, (_turn, turn) => `0::UBIGINT AS ${nameOf(index, turn + 1)}`)
    ).flat();
    const cut = (column: number, turn: number) =>
      `(${nameOf(column, 0)} >> ${KEY_BITS - width * (turn + 1)}) & ${2n ** BigInt(width) - 1n}::UBIGINT`;
    spread = `SELECT * REPLACE (${each(cut)}) FROM (SELECT *, ${others.join(", ")} FROM (${spread}))`;
  }
  for (const { shift, mask } of spreadSteps(width, columns.length)) {
    const step = (column: number, turn: number) => {
      const bits = nameOf(column, turn);
      return `(${bits} | (${bits} << ${shift})) & ${mask}::UBIGINT`;
    };
    spread = `SELECT * REPLACE (${each(step)}) FROM (${spread})`;
  }
  const woven = Array.from(
    { length: turns },
    (_turn, turn) =>
      columns.map((_column, column) => `(${nameOf(column, turn)} << ${columns.length - 1 - column})`).join(" | "),
  );
  return { select: spread, keys: woven };
}

/** Of each column so many bits are in one number of the order: a power of two. */
function turnBits(columns: number): number {
  return 2 ** Math.floor(Math.log2(KEY_BITS / columns));
}

/** How bits that lie together come to lie so far `apart`: groups part into halves, step by step. */
function spreadSteps(width: number, apart: number): { shift: number; mask: bigint }[] {
  const steps = [];
  for (let size = width / 2; size >= 1 && apart > 1; size /= 2) {
    let mask = 0n;
    for (let bit = 0; bit < width; bit++) mask |= 1n << BigInt(Math.floor(bit / size) * size * apart + bit % size);
    steps.push({ shift: size * (apart - 1), mask });
  }
  return steps;
}

/** Eight bytes of a value, in its order; a null is the least. */
function keySql(column: OrderedColumn, { low, high }: ColumnSpan): string {
  if (low === null || high === null) return "0::UBIGINT";
  const { sql, isBytes } = ordinalOf(column);
  const key = isBytes ? bytesKey(sql, low, high) : numberKey(sql, low, high);
  return `CASE WHEN ${column.sql} IS NULL THEN 0 ELSE greatest(${key}, 1) END::UBIGINT`;
}

function numberKey(sql: string, low: string, high: string): string {
  return stretched(`(${sql} - (${low})::HUGEINT)::UHUGEINT`, BigInt(high) - BigInt(low));
}

/** Behind the bytes with which all begin. */
function bytesKey(sql: string, low: string, high: string): string {
  let common = 0;
  while (low[common] !== undefined && low[common] === high[common]) common++;
  const from = Math.min(Math.floor(common / 2), SPAN_BYTES - KEY_BYTES);
  const numberAt = (hex: string) =>
    BigInt(`0x${hex.slice(2 * from, 2 * (from + KEY_BYTES)).padEnd(2 * KEY_BYTES, "0")}`);
  const least = numberAt(low);
  const number = `('0x' || rpad(hex(${sql}[${from + 1}:${from + KEY_BYTES}]), ${2 * KEY_BYTES}, '0'))::UBIGINT`;
  return stretched(`(${number} - ${least}::UBIGINT)::UHUGEINT`, numberAt(high) - least);
}

/** From 0 to `span` becomes from 0 to about the largest number of eight bytes. */
function stretched(sql: string, span: bigint): string {
  const excess = Math.max(0, span.toString(2).length - KEY_BITS);
  const whole = excess === 0 ? sql : `(${sql} >> ${excess})`;
  const most = span >> BigInt(excess);
  if (most === 0n) return whole;
  const factor = ((2n ** BigInt(KEY_BITS) - 1n) << BigInt(FRACTION_BITS)) / most;
  return `(${whole} * ${factor}::UHUGEINT) >> ${FRACTION_BITS}`;
}

/** A number or bytes with the order of the values, and how they are printed. */
interface Ordinal {
  sql: string;
  isBytes: boolean;
  print(sql: string): string;
}

function ordinalOf(column: OrderedColumn): Ordinal {
  const { sql, type } = column;
  const bytes = (of: string) => ({
    sql: of,
    isBytes: true,
    print: (value: string) => `hex((${value})[1:${SPAN_BYTES}])`,
  });
  const number = (of: string) => ({ sql: of, isBytes: false, print: (value: string) => `(${value})::VARCHAR` });
  switch (type.type) {
    case "string":
      return bytes(`encode(${sql})`);
    case "binary":
    case "fixed":
      return bytes(sql);
    case "uuid":
      return bytes(`unhex(replace(${sql}::VARCHAR, '-', ''))`);
    case "float":
      return number(realOrdinal(`${sql}::BIT::UINTEGER`, 32));
    case "double":
      return number(realOrdinal(`${sql}::BIT::UBIGINT`, 64));
    case "date":
      return number(`datediff('day', DATE '1970-01-01', ${sql})::HUGEINT`);
    case "time":
    case "timestamp":
    case "timestamptz":
      return number(`epoch_us(${sql})::HUGEINT`);
    case "boolean":
    case "int":
    case "long":
    case "decimal":
      return number(wholeNumber(column));
  }
}

/** IEEE 754: without their signs the bits of numbers have the numbers' order. */
function realOrdinal(bits: string, width: number): string {
  const sign = 2n ** BigInt(width - 1);
  return `CASE WHEN ${bits} >= ${sign} THEN ${sign - 1n}::HUGEINT - ${bits} ELSE ${bits}::HUGEINT END`;
}
