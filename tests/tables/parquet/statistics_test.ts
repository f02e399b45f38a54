import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Value, valueToBytes } from "../../../core/iceberg/format/single_value.ts";
import { compareValues } from "../../../core/iceberg/format/value_order.ts";
import type { Field, PrimitiveType } from "../../../core/iceberg/format/type.ts";
import { type ParquetLeaf, ParquetSchema, PHYSICAL } from "../../../core/tables/write/parquet/parquet_schema.ts";
import { inFolder } from "../../support/own_folder.ts";
import { withSeed } from "../../support/seed.ts";
import { TableMaker, type TableRow } from "./random_table.ts";
import { shred, type ShreddedLeaf } from "./shredded.ts";
import { readFooter, ThriftReader, type ThriftStruct, type ThriftValue } from "./thrift_value.ts";
import { writeTable } from "./written_table.ts";

const ROWS = 300;
const GROUP_ROWS = 120;

Deno.test("statistics, page index and Bloom filters tell the truth about random columns", () =>
  withSeed((random) =>
    inFolder((folder) => {
      for (const rowsMax of [1, 11, 1000]) {
        const { fields, rows } = new TableMaker(random).table(ROWS);
        const { leaves } = new ParquetSchema(fields);
        const names = leaves.map((leaf) => leaf.names.join("."));
        const path = `${folder}/${rowsMax}.parquet`;
        writeTable(path, fields, rows, {
          groupRows: GROUP_ROWS,
          limits: { rowsMax },
          properties: Object.fromEntries(
            names.map((name) => [`write.parquet.bloom-filter-enabled.column.${name}`, "true"]),
          ),
        });
        const file = Deno.readFileSync(path);
        const groups = readFooter(file)[4] as ThriftStruct[];
        for (const [g, group] of groups.entries()) {
          const wanted = rows.slice(g * GROUP_ROWS, (g + 1) * GROUP_ROWS);
          const columns = shred(fields, wanted);
          for (const [c, chunk] of (group[1] as ThriftStruct[]).entries()) {
            checkChunk({ file, chunk, leaf: leaves[c]!, values: columns[c]!, rows: wanted.length });
          }
        }
      }
    })
  ));

interface Found {
  file: Uint8Array;
  /** ColumnChunk. */
  chunk: ThriftStruct;
  leaf: ParquetLeaf;
  values: ShreddedLeaf;
  rows: number;
}

function checkChunk({ file, chunk, leaf, values, rows }: Found): void {
  const metadata = chunk[3] as ThriftStruct;
  strictEqual(metadata[5], values.definitions.length);
  checkBounds(leaf, metadata[12] as ThriftStruct, values);
  if (leaf.type.type !== "boolean" && values.values.length > 0) checkBloomFilter(file, metadata, leaf, values.values);
  if (chunk[4] === undefined) return;
  const locations = (new ThriftReader(file, chunk[4] as number).struct())[1] as ThriftStruct[];
  const index = chunk[6] === undefined ? undefined : new ThriftReader(file, chunk[6] as number).struct();
  const pages = pagesOf(leaf, values, [...locations.map((each) => each[3] as number), rows]);
  for (const [i, location] of locations.entries()) {
    const reader = new ThriftReader(file, location[1] as number);
    const header = reader.struct();
    strictEqual((header[5] as ThriftStruct)[1], pages[i]!.definitions.length);
    strictEqual(reader.end - (location[1] as number) + (header[3] as number), location[2]);
  }
  if (index !== undefined) checkIndex(leaf, index, pages);
  else ok(pages.some((page) => page.values.length > 0));
}

function checkIndex(leaf: ParquetLeaf, index: ThriftStruct, pages: readonly ShreddedLeaf[]): void {
  const [nullPages, mins, maxs] = [index[1] as boolean[], index[2] as Uint8Array[], index[3] as Uint8Array[]];
  for (const [i, page] of pages.entries()) {
    strictEqual(nullPages[i], page.values.length === 0);
    strictEqual((index[5] as number[])[i], page.definitions.length - page.values.length);
    if (isFloat(leaf)) strictEqual((index[8] as number[])[i], page.values.filter(Number.isNaN).length);
    if (page.values.length > 0) checkWithin(leaf, page.values, mins[i]!, maxs[i]!);
    else deepStrictEqual([mins[i]!.length, maxs[i]!.length], [0, 0]);
  }
  const order = (bounds: Uint8Array[]) => {
    const values = bounds.filter((_, i) => !nullPages[i]).map((bytes) => valueOf(leaf, bytes));
    const steps = values.slice(1).map((value, i) => compareValues(values[i]!, value));
    return [steps.every((step) => step <= 0), steps.every((step) => step >= 0)] as const;
  };
  const [low, high] = [order(mins), order(maxs)];
  strictEqual(index[4], low[0] && high[0] ? 1 : low[1] && high[1] ? 2 : 0);
}

/** The values of each page, by the rows that pages begin with. */
function pagesOf(
  leaf: ParquetLeaf,
  { definitions, repetitions, values }: ShreddedLeaf,
  starts: number[],
): ShreddedLeaf[] {
  const pages = starts.slice(1).map((): ShreddedLeaf => ({ definitions: [], repetitions: [], values: [] }));
  let row = -1, next = 0, page = 0;
  for (const [i, definition] of definitions.entries()) {
    if (repetitions[i] === 0) row++;
    while (row >= starts[page + 1]!) page++;
    pages[page]!.definitions.push(definition);
    if (definition === leaf.maxDefinition) pages[page]!.values.push(values[next++]!);
  }
  return pages;
}

function checkBounds(leaf: ParquetLeaf, statistics: ThriftStruct, { definitions, values }: ShreddedLeaf): void {
  strictEqual(statistics[3], definitions.length - values.length);
  const real = values.filter((value) => !Number.isNaN(value));
  if (isFloat(leaf)) strictEqual(statistics[9], values.length - real.length);
  const [max, min] = [statistics[5], statistics[6]] as [Uint8Array | undefined, Uint8Array | undefined];
  if (real.length === 0) return deepStrictEqual([min, max], [undefined, undefined]);
  checkWithin(leaf, values, min!, max);
  const sorted = real.toSorted(compareValues);
  const isSame = (bytes: Uint8Array, value: Value) => compareValues(valueOf(leaf, bytes), value) === 0;
  // A zero's sign says nothing of the values.
  const isExact = (bytes: Uint8Array, value: Value) => value === 0 && isFloat(leaf) || isSame(bytes, value);
  strictEqual(statistics[8], isExact(min!, sorted[0]!));
  if (max !== undefined) strictEqual(statistics[7], isExact(max, sorted.at(-1)!));
}

function checkWithin(leaf: ParquetLeaf, values: readonly Value[], min: Uint8Array, max: Uint8Array | undefined): void {
  const low = valueOf(leaf, min), high = max && valueOf(leaf, max);
  ok(!Number.isNaN(low) && !Number.isNaN(high) && !Object.is(low, isFloat(leaf) ? 0 : NaN) && !Object.is(high, -0));
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    ok(compareValues(low, value) <= 0, `${leaf.names}: ${value} is below ${low}`);
    ok(high === undefined || compareValues(value, high) <= 0, `${leaf.names}: ${value} is above ${high}`);
  }
}

/** A value as PLAIN has it; texts must be texts. */
function valueOf({ physical, type }: ParquetLeaf, bytes: Uint8Array): Value {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (physical) {
    case PHYSICAL.boolean:
      return bytes[0] === 1;
    case PHYSICAL.int32:
      return type.type === "decimal" ? BigInt(view.getInt32(0, true)) : view.getInt32(0, true);
    case PHYSICAL.int64:
      return view.getBigInt64(0, true);
    case PHYSICAL.float:
      return view.getFloat32(0, true);
    case PHYSICAL.double:
      return view.getFloat64(0, true);
    default:
      if (type.type === "string") return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      if (type.type === "decimal") return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toHex()}`));
      return type.type === "uuid" ? bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") : bytes;
  }
}

function isFloat({ type }: ParquetLeaf): boolean {
  return type.type === "float" || type.type === "double";
}

function checkBloomFilter(file: Uint8Array, metadata: ThriftStruct, leaf: ParquetLeaf, values: readonly Value[]): void {
  const reader = new ThriftReader(file, metadata[14] as number);
  const header = reader.struct();
  const bits = file.subarray(reader.end, reader.end + (header[1] as number));
  strictEqual(reader.end + bits.length, (metadata[14] as number) + (metadata[15] as number));
  for (const value of values) {
    ok(mayContain(bits, plainBytes(leaf, value)), `${leaf.names}: ${value} is not in the filter`);
  }
  const strangers = Array.from({ length: 200 }, (_, i) => new TextEncoder().encode(`nobody wrote ${i}`));
  ok(strangers.filter((bytes) => mayContain(bits, bytes)).length < 40);
}

function plainBytes({ physical, type }: ParquetLeaf, value: Value): Uint8Array {
  if (type.type !== "decimal") return valueToBytes(type, value);
  if (physical === PHYSICAL.int32) return new Uint8Array(Int32Array.of(Number(value)).buffer);
  if (physical === PHYSICAL.int64) return new Uint8Array(BigInt64Array.of(value as bigint).buffer);
  return valueToBytes({ type: "fixed", length: 0 }, fixedDecimal(value as bigint, type));
}

function fixedDecimal(value: bigint, { precision }: PrimitiveType & { type: "decimal" }): Uint8Array {
  let length = 1;
  while (2n ** BigInt(8 * length - 1) <= 10n ** BigInt(precision) - 1n) length++;
  return Uint8Array.fromHex(BigInt.asUintN(length * 8, value).toString(16).padStart(length * 2, "0"));
}

const SALT = [0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31];

/** As the format tells it, word by word. */
function mayContain(bits: Uint8Array, value: Uint8Array): boolean {
  const hash = xxHash64(value);
  const blocks = BigInt(bits.length / 32);
  const block = Number(((hash >> 32n) * blocks) >> 32n) * 32;
  const view = new DataView(bits.buffer, bits.byteOffset);
  return SALT.every((salt, i) => {
    const bit = Math.imul(Number(hash & 0xffffffffn) | 0, salt) >>> 27;
    return (view.getUint32(block + i * 4, true) >>> bit & 1) === 1;
  });
}

const [P1, P2, P3, P4, P5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

/** XXH64 with seed 0, in big integers. */
function xxHash64(bytes: Uint8Array): bigint {
  const wide = (value: bigint) => BigInt.asUintN(64, value);
  const rotate = (value: bigint, by: bigint) => wide(wide(value) << by | wide(value) >> (64n - by));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const round = (sum: bigint, lane: bigint) => wide(rotate(sum + lane * P2, 31n) * P1);
  let at = 0, hash: bigint = P5;
  if (bytes.length >= 32) {
    const sums: bigint[] = [wide(P1 + P2), P2, 0n, wide(-P1)];
    for (; at + 32 <= bytes.length; at += 32) {
      for (const i of sums.keys()) sums[i] = round(sums[i]!, view.getBigUint64(at + i * 8, true));
    }
    hash = [1n, 7n, 12n, 18n].reduce((total, by, i) => wide(total + rotate(sums[i]!, by)), 0n);
    for (const sum of sums) hash = wide((hash ^ round(0n, sum)) * P1 + P4);
  }
  hash = wide(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = wide(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4);
  }
  if (at + 4 <= bytes.length) {
    hash = wide(rotate(hash ^ wide(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < bytes.length; at++) hash = wide(rotate(hash ^ wide(BigInt(bytes[at]!) * P5), 11n) * P1);
  hash = wide((hash ^ hash >> 33n) * P2);
  hash = wide((hash ^ hash >> 29n) * P3);
  return hash ^ hash >> 32n;
}

function statisticsOf(folder: string, type: PrimitiveType, values: readonly (Value | null)[]): ThriftStruct {
  const fields: Field[] = [{ id: 1, name: "x", required: false, type }];
  const rows = values.map((x): TableRow => ({ x }));
  const path = Deno.makeTempDirSync({ dir: folder }) + "/a.parquet";
  writeTable(path, fields, rows);
  const [group] = readFooter(Deno.readFileSync(path))[4] as ThriftStruct[];
  return ((group![1] as ThriftStruct[])[0]![3] as ThriftStruct)[12] as ThriftStruct;
}

Deno.test("a long text's bounds are cut at a character, the upper one rounded up", () =>
  inFolder((folder) => {
    const text = (value: ThriftValue | undefined) => value && new TextDecoder().decode(value as Uint8Array);
    const bounds = (value: string) => {
      const { 5: max, 6: min, 7: isMaxExact, 8: isMinExact } = statisticsOf(folder, { type: "string" }, [value, null]);
      return { min: text(min), max: text(max), isMinExact, isMaxExact };
    };
    const cases: [value: string, min: string, max: string | undefined][] = [
      ["a".repeat(64), "a".repeat(64), "a".repeat(64)],
      ["a".repeat(65), "a".repeat(64), "a".repeat(63) + "b"],
      ["é".repeat(300), "é".repeat(64), "é".repeat(63) + "ê"],
      ["\ud7ff".repeat(70), "\ud7ff".repeat(64), "\ud7ff".repeat(63) + "\ue000"],
      ["a" + "\u{10ffff}".repeat(70), "a" + "\u{10ffff}".repeat(63), "b"],
      ["\u{10ffff}".repeat(70), "\u{10ffff}".repeat(64), undefined],
      ["x".repeat(63) + "\u{1f600}y", "x".repeat(63) + "\u{1f600}", "x".repeat(63) + "\u{1f601}"],
      ["", "", ""],
    ];
    for (const [value, min, max] of cases) {
      const isMinExact = min === value, isMaxExact = max === undefined ? undefined : max === value;
      deepStrictEqual(bounds(value), { min, max, isMinExact, isMaxExact }, value.slice(0, 5));
    }
  }));

Deno.test("a zero is a bound below as -0.0 and above as 0.0, and NaN is none", () =>
  inFolder((folder) => {
    for (const type of ["float", "double"] as const) {
      const read = (value: ThriftValue | undefined) => {
        const view = new DataView((value as Uint8Array).buffer);
        return type === "float" ? view.getFloat32(0, true) : view.getFloat64(0, true);
      };
      for (const values of [[0, NaN], [-0, null], [0, -0]]) {
        const { 5: max, 6: min, 9: nans } = statisticsOf(folder, { type }, values);
        deepStrictEqual([read(min), read(max), nans], [-0, 0, values.filter(Number.isNaN).length]);
      }
      const { 5: max, 6: min, 9: nans } = statisticsOf(folder, { type }, [NaN, NaN]);
      deepStrictEqual([min, max, nans], [undefined, undefined, 2]);
    }
  }));
