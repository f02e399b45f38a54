import { deepStrictEqual as assertEquals, ok as assert } from "node:assert/strict";
import fc from "../../support/property.ts";
import { buildDataFile } from "../../../core/iceberg/data_file_builder.ts";
import { FilePruner } from "../../../core/iceberg/scan/file_pruner.ts";
import { summarizeManifest } from "../../../core/iceberg/manifest/manifest_summary.ts";
import type { DataFile } from "../../../core/iceberg/format/data_file.ts";
import type { PartitionSpec } from "../../../core/iceberg/format/partition_spec.ts";
import { bindPredicate, type Comparison, type Predicate } from "../../../core/iceberg/format/predicate.ts";
import type { Schema } from "../../../core/iceberg/format/schema.ts";
import type { Value } from "../../../core/iceberg/format/single_value.ts";
import { applyTransform, transformAccepts, transformFromText } from "../../../core/iceberg/format/transform.ts";
import type { PlainTypeName } from "../../../core/iceberg/format/type.ts";
import { compareCodePoints, compareValues } from "../../../core/iceberg/format/value_order.ts";

const day = 86_400_000_000n;
/** Few different values, many of them at edges, so that files and predicates often nearly meet. */
const columns: { name: string; type: PlainTypeName; values: fc.Arbitrary<Value> }[] = [
  { name: "i", type: "int", values: fc.integer({ min: -12, max: 12 }) },
  { name: "l", type: "long", values: fc.bigInt({ min: -12n, max: 12n }) },
  { name: "d", type: "double", values: fc.constantFrom(-1, -0, 0, 0.5, 1, NaN, Infinity, -Infinity) },
  {
    name: "s",
    type: "string",
    values: fc.string({ unit: fc.constantFrom("a", "b", "\uffff", "\u{1f600}", "z".repeat(9)), maxLength: 4 }),
  },
  {
    name: "t",
    type: "timestamptz",
    values: fc.tuple(fc.integer({ min: -40, max: 40 }), fc.constantFrom(0n, 1n, -1n)).map(([n, e]) =>
      BigInt(n) * day / 4n + e
    ),
  },
  { name: "day", type: "date", values: fc.integer({ min: -400, max: 400 }) },
];
const schema: Schema = {
  schemaId: 0,
  fields: columns.map(({ name, type }, i) => ({ id: i + 1, name, required: false, type: { type } })),
};
const transforms = ["identity", "bucket[3]", "truncate[3]", "year", "month", "day", "hour", "void"].map(
  transformFromText,
);

type Row = (Value | null)[];
const row: fc.Arbitrary<Row> = fc.tuple(...columns.map(({ values }) => fc.option(values, { freq: 4 })));

const spec: fc.Arbitrary<PartitionSpec> = fc.array(
  fc.tuple(fc.nat(columns.length - 1), fc.constantFrom(...transforms)),
  {
    maxLength: 3,
  },
).map((choices) => ({
  specId: 0,
  fields: choices.filter(([column, transform]) =>
    transformAccepts(transform, schema.fields[column]!.type as { type: PlainTypeName })
  )
    .map(([column, transform], i) => ({ sourceId: column + 1, fieldId: 1000 + i, name: `p${i}`, transform })),
}));

const term: fc.Arbitrary<Predicate> = fc.nat(columns.length - 1).chain((at) => {
  const { name: column, values } = columns[at]!;
  const comparisons: Comparison[] = ["=", "!=", "<", "<=", ">", ">="];
  return fc.oneof(
    fc.record({ op: fc.constantFrom(...comparisons), column: fc.constant(column), value: values }),
    fc.record({
      op: fc.constantFrom("in" as const, "not-in" as const),
      column: fc.constant(column),
      values: fc.array(values, { maxLength: 3 }),
    }),
    fc.record({ op: fc.constantFrom("is-null" as const, "is-not-null" as const), column: fc.constant(column) }),
    fc.record({
      op: fc.constantFrom("starts-with" as const, "not-starts-with" as const),
      column: fc.constant("s"),
      prefix: fc.string({ unit: fc.constantFrom("a", "b", "\u{1f600}", "z"), maxLength: 3 }),
    }),
  );
});
const predicate: fc.Arbitrary<Predicate> = fc.letrec<{ node: Predicate }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    term,
    fc.record({
      op: fc.constantFrom("and" as const, "or" as const),
      of: fc.array(tie("node"), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ op: fc.constant("not" as const), of: tie("node") }),
  ),
})).node;

/**
 * True, false or null as SQL has it, with NaN equal to itself and above all numbers, as DuckDB has
 * it.
 */
function holds(condition: Predicate, values: Row): boolean | null {
  if (condition.op === "always") return true;
  if (condition.op === "never") return false;
  if (condition.op === "not") {
    const inner = holds(condition.of as Predicate, values);
    return inner === null ? null : !inner;
  }
  if (condition.op === "and" || condition.op === "or") {
    const parts = (condition.of as Predicate[]).map((part) => holds(part, values));
    if (parts.includes(condition.op === "or")) return condition.op === "or";
    return parts.includes(null) ? null : condition.op === "and";
  }
  const { column } = condition as { column: string };
  const value = values[columns.findIndex(({ name }) => name === column)]!;
  if (condition.op === "is-null") return value === null;
  if (condition.op === "is-not-null") return value !== null;
  return value === null ? null : holdsFor(condition as Predicate & { column: string }, value);
}

function holdsFor(condition: Predicate, value: Value): boolean {
  const order = (other: Value) => value === other ? 0 : compareValues(value, other);
  if ("values" in condition) return condition.values.some((item) => order(item) === 0) === (condition.op === "in");
  if ("prefix" in condition) return (value as string).startsWith(condition.prefix) === (condition.op === "starts-with");
  const other = order((condition as { value: Value }).value);
  const outcomes: Record<string, boolean> = {
    "=": other === 0,
    "!=": other !== 0,
    "<": other < 0,
    "<=": other <= 0,
    ">": other > 0,
    ">=": other >= 0,
  };
  return outcomes[condition.op]!;
}

/** One file for each partition that the rows fall into, with its rows. */
function filesOf(rows: Row[], { fields }: PartitionSpec): { file: DataFile; rows: Row[] }[] {
  const partitionOf = (values: Row) =>
    fields.map(({ sourceId, transform }) =>
      applyTransform(transform, schema.fields[sourceId - 1]!.type as { type: PlainTypeName }, values[sourceId - 1]!)
    );
  const key = (values: Row) =>
    partitionOf(values).map((value) => Object.is(value, -0) ? "-0" : String(value)).join("/");
  return [...Map.groupBy(rows, key).values()].map((group) => ({
    rows: group,
    file: buildDataFile({
      path: "x",
      specId: 0,
      partition: partitionOf(group[0]!),
      recordCount: group.length,
      fileSizeBytes: 1,
      columns: columns.map((_column, i) => {
        const values = group.map((values) => values[i]!).filter((value) => value !== null);
        const real = values.filter((value) => !Number.isNaN(value)).sort(compareValues);
        return {
          fieldId: i + 1,
          valueCount: group.length,
          nullCount: group.length - values.length,
          nanCount: values.length - real.length,
          ...(real.length === 0 ? {} : { min: real[0]!, max: real.at(-1)! }),
        };
      }),
    }, schema),
  }));
}

Deno.test("no file and no manifest with a row that is asked for is ever left out", () => {
  let skipped = 0, total = 0;
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), spec, predicate, (rows, partitioning, condition) => {
      const pruner = new FilePruner(bindPredicate(condition, schema), [partitioning], [schema]);
      const files = filesOf(rows, partitioning);
      for (const { file, rows } of files) {
        const isWanted = rows.some((values) => holds(condition, values) === true);
        const reason = pruner.skipReason(file);
        if (isWanted) assertEquals(reason, undefined);
        total++;
        if (reason) skipped++;
      }
      const manifest = summarizeManifest(
        {
          schema,
          schemas: [],
          spec: partitioning,
          content: "data",
          entries: files.map(({ file }) => ({ status: "added", dataFile: file })),
          snapshotId: 1n,
          sequenceNumber: 1n,
        },
        "m",
        1,
      );
      if (rows.some((values) => holds(condition, values) === true)) assert(pruner.manifestMayMatch(manifest));
    }),
    { numRuns: 5000 },
  );
  assert(skipped > total / 4, `pruning is of use: ${skipped} of ${total}`);
});

Deno.test("where all rows of a file are said to match, they do", () => {
  let matched = 0;
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), spec, predicate, (rows, partitioning, condition) => {
      const pruner = new FilePruner(bindPredicate(condition, schema), [partitioning], [schema]);
      for (const { file, rows: own } of filesOf(rows, partitioning)) {
        if (!pruner.allRowsMatch(file)) continue;
        for (const values of own) assertEquals(holds(condition, values), true);
        matched++;
      }
    }),
    { numRuns: 3000 },
  );
  assert(matched > 1_000, `only ${matched} files matched: the test shows nothing`);
});

Deno.test("a long text that a file is partitioned by is known whole", () => {
  const byText: PartitionSpec = {
    specId: 0,
    fields: [{ sourceId: 4, fieldId: 1000, name: "s", transform: { name: "identity" } }],
  };
  const text = "a".repeat(30);
  const { file } = filesOf([[null, null, null, text, null, null]], byText)[0]!;
  const asks = (value: string) =>
    new FilePruner(bindPredicate({ op: "=", column: "s", value }, schema), [byText], [schema]).allRowsMatch(file);
  assertEquals([asks(text), asks(`${text}a`)], [true, false]);
});

Deno.test("a day's query reads that day's manifest and files, and says why the others are left out", () => {
  const byDay: PartitionSpec = {
    specId: 0,
    fields: [{ sourceId: 5, fieldId: 1000, name: "t_day", transform: { name: "day" } }],
  };
  const condition: Predicate = {
    op: "and",
    of: [{ op: ">=", column: "t", value: 5n * day }, { op: "<", column: "t", value: 6n * day }, {
      op: "=",
      column: "i",
      value: 1,
    }],
  };
  const pruner = new FilePruner(bindPredicate(condition, schema), [byDay], [schema]);
  const rows = [4, 5, 6].flatMap((n) => [[1, null, null, null, BigInt(n) * day, null]]);
  const files = filesOf([...rows, [7, null, null, null, 5n * day - 1n, null]] as Row[], byDay);
  assertEquals(files.map(({ file }) => pruner.skipReason(file)), ["partition", undefined, "partition"]);
  const [other] = filesOf([[9, null, null, null, 5n * day, null]], byDay);
  assertEquals(pruner.skipReason(other!.file), "column bounds");
});

Deno.test("a predicate's prefix may end within what the order of UTF-16 units gets wrong", () => {
  assert(compareCodePoints("\u{1f600}", "\uffff") > 0);
  const condition: Predicate = { op: "<", column: "s", value: "\u{1f600}" };
  const none: PartitionSpec = { specId: 0, fields: [] };
  const pruner = new FilePruner(bindPredicate(condition, schema), [none], [schema]);
  const [file] = filesOf([[null, null, null, "\uffff", null, null]], none);
  assertEquals(pruner.skipReason(file!.file), undefined);
});
