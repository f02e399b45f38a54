import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import type { ScanFile } from "../../core/iceberg/scan/scan.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { type CompactionRule, planGroups } from "../../core/maintain/compaction/compaction_plan.ts";

const rule: CompactionRule = { targetFileSize: 100, inputsMin: 2, sorts: false };

function file(bytes: number, facts: Partial<DataFile> = {}, deletes: DataFile[] = []): ScanFile {
  const dataFile: DataFile = {
    content: "data",
    path: `${facts.partition?.join() ?? ""}/${bytes}-${count++}`,
    format: "parquet",
    specId: 0,
    partition: [],
    recordCount: 1,
    fileSizeBytes: bytes,
    ...facts,
  };
  return { dataFile, sequenceNumber: 1n, deletes };
}

let count = 0;

/** Sizes of the files of each group. */
function sizes(files: ScanFile[], changes: Partial<CompactionRule> = {}): number[][] {
  return planGroups(files, { ...rule, ...changes }).map((group) =>
    group.files.map((each) => each.dataFile.fileSizeBytes)
  );
}

Deno.test("any two small files of a partition and spec belong together", () => {
  deepStrictEqual(sizes([file(10), file(10)]), [[10, 10]]);
  deepStrictEqual(sizes([file(10)]), []);
  deepStrictEqual(sizes([file(74), file(74)]), [[74, 74]]);
  deepStrictEqual(sizes([file(10, { partition: [1] }), file(10, { partition: [2] })]), []);
  deepStrictEqual(sizes([file(10, { specId: 0 }), file(10, { specId: 1 })]), []);
  deepStrictEqual(sizes([file(10, { partition: [null] }), file(10, { partition: ["null"] })]), []);
});

Deno.test("files of about the target size are left alone, larger ones are split", () => {
  deepStrictEqual(sizes([file(75), file(100), file(180)]), []);
  const [group] = planGroups([file(181), file(75)], rule);
  deepStrictEqual([group!.files.length, group!.outputs], [1, 2]);
  strictEqual(planGroups([file(1_000)], rule)[0]!.outputs, 10);
});

Deno.test("a file with deleted rows is rewritten on its own, whatever its size", () => {
  const deletes = [file(1, { content: "position-deletes" }).dataFile];
  deepStrictEqual(sizes([file(100, {}, deletes), file(100)]), [[100]]);
  deepStrictEqual(sizes([file(10, {}, deletes)]), [[10]]);
});

Deno.test("runs that nobody asked for wait for more files, unless there are enough bytes for one", () => {
  const four = [file(10), file(10), file(10), file(10)];
  deepStrictEqual(sizes(four, { inputsMin: 5 }), []);
  deepStrictEqual(sizes([...four, file(10)], { inputsMin: 5 }), [[10, 10, 10, 10, 10]]);
  deepStrictEqual(sizes([file(60), file(60)], { inputsMin: 5 }), [[60, 60]]);
});

Deno.test("a sort takes every file of a partition", () => {
  deepStrictEqual(sizes([file(100), file(10), file(300)], { sorts: true }), [[100, 10, 300]]);
  deepStrictEqual(sizes([file(100)], { sorts: true }), [[100]]);
});

Deno.test("files of other formats are left alone", () => {
  deepStrictEqual(sizes([file(10, { format: "orc" }), file(10, { format: "avro" }), file(10)]), []);
});

Deno.test("no file is in two groups, groups are of one partition, and what comes of them is left alone or alone", () => {
  const files = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 400 }), day: fc.integer({ min: 0, max: 2 }) }), {
    maxLength: 60,
  });
  fc.assert(fc.property(files, (given) => {
    const groups = planGroups(given.map(({ bytes, day }) => file(bytes, { partition: [day] })), rule);
    const paths = groups.flatMap((group) => group.files.map(({ dataFile }) => dataFile.path));
    strictEqual(new Set(paths).size, paths.length);
    const small = new Map<number, number>();
    for (const group of groups) {
      ok(group.files.every(({ dataFile }) => dataFile.partition[0] === group.partition[0]));
      if (group.outputs === 1) ok(group.bytes <= 180);
      if (group.bytes < 75) small.set(group.partition[0] as number, (small.get(group.partition[0] as number) ?? 0) + 1);
    }
    for (const times of small.values()) ok(times <= 1);
  }));
});
