import { deepStrictEqual, ok } from "node:assert/strict";
import type { Random } from "../../core/base/random.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import type { ScanFile } from "../../core/iceberg/scan/scan.ts";
import { mayBeJoined, rowGroupsOf } from "../../core/maintain/compaction/joinable.ts";
import { rewritePeakBytes } from "../../core/maintain/compaction/rewrite_peak.ts";
import { planJoins, planTiers, type TierRule } from "../../core/maintain/compaction/tiers.ts";
import { THRESHOLDS } from "../../core/maintain/upkeep/policy.ts";
import { withSeed } from "../support/seed.ts";
import { isThorough } from "../support/thorough.ts";

const rule: TierRule = {
  targetFileSize: 128e6,
  inputsMin: THRESHOLDS.inputsMin,
  inputsMax: THRESHOLDS.inputsMax,
  quietSequence: -1n,
  memoryBytes: 250e6,
  threads: 1,
};

let paths = 0;

function file(
  fileSizeBytes: number,
  facts: Partial<DataFile> & { sequenceNumber?: bigint; deletes?: DataFile[] } = {},
) {
  const { sequenceNumber = 0n, deletes = [], ...rest } = facts;
  const dataFile = {
    content: "data",
    path: `data/${paths++}.parquet`,
    format: "parquet",
    specId: 0,
    partition: [],
    recordCount: Math.ceil(fileSizeBytes / 100),
    fileSizeBytes,
    ...rest,
  } as unknown as DataFile;
  return { dataFile, sequenceNumber, deletes } as ScanFile;
}

const deletes = (rows: number, number: number) =>
  Array.from({ length: number }, () => file(1_000, { content: "position-deletes", recordCount: rows }).dataFile);

/** What the table holds after the groups were rewritten, and the bytes that were written for it. */
function rewrite(files: readonly ScanFile[], wanted: TierRule): { files: ScanFile[]; written: number; groups: number } {
  const groups = planTiers(files, wanted);
  const gone = new Set(groups.flatMap((group) => group.files));
  const made = groups.map((group) => file(group.bytes, { partition: group.partition, sequenceNumber: 0n }));
  return {
    files: [...files.filter((each) => !gone.has(each)), ...made],
    written: groups.reduce((sum, { bytes }) => sum + bytes, 0),
    groups: groups.length,
  };
}

Deno.test("however many batches come, few files are live, and each row is rewritten a few times", () => {
  const one = 3_000, batches = 40_000;
  let files: ScanFile[] = [];
  let written = 0, most = 0;
  for (let batch = 0; batch < batches; batch++) {
    files.push(file(one));
    if (files.length % 8 !== 0) continue;
    const result = rewrite(files, rule);
    files = result.files;
    written += result.written;
    most = Math.max(most, files.length);
  }
  ok(most <= 60, `${most} files`);
  ok(written / (one * batches) < 8, `every row was written ${written / (one * batches)} times`);
});

Deno.test("files that were joined are joined again while rows may not be read, a few times each", () => {
  const one = 8_000, batches = 20_000, batchesUntilRewrite = 2_000;
  let files: ScanFile[] = [];
  let joined = 0, most = 0, joinsAfter = -1n, readAt = 0;
  for (let batch = 1; batch <= batches; batch++) {
    files.push(file(one, { sequenceNumber: BigInt(batch), splitOffsets: [4] }));
    most = Math.max(most, files.length);
    if (batch % 5 !== 0) continue;
    const mayReadRows = batch >= readAt;
    const [group] = mayReadRows ? planTiers(files, rule) : planJoins(files, joinsAfter, rule);
    if (group === undefined) continue;
    const isJoined = mayBeJoined(group);
    const rowGroups = group.files.reduce((sum, { dataFile }) => sum + rowGroupsOf(dataFile), 0);
    const gone = new Set(group.files);
    const made = { sequenceNumber: BigInt(batch), splitOffsets: new Array(isJoined ? rowGroups : 1).fill(4) };
    files = [...files.filter((each) => !gone.has(each)), file(group.bytes, made)];
    if (isJoined) joined += group.bytes;
    else [readAt, joinsAfter] = [batch + batchesUntilRewrite, BigInt(batch)];
  }
  ok(most <= 60, `${most} files`);
  ok(joined / (one * batches) < 4, `every row was joined ${joined / (one * batches)} times`);
});

function randomFiles(random: Random): ScanFile[] {
  const below = (max: number) => Math.floor(random.next() * max);
  return Array.from({ length: below(200) }, () =>
    file(Math.round(10 ** (2 + 7 * random.next())), {
      partition: [below(3)],
      sequenceNumber: BigInt(below(100)),
      deletes: random.next() < 0.1 ? deletes(below(100), 1 + below(6)) : [],
      format: random.next() < 0.05 ? "avro" : "parquet",
    }));
}

Deno.test("groups are of one partition each, no file is in two, and none takes more memory than there is", () =>
  withSeed((random) => {
    for (let turn = 0; turn < (isThorough ? 3_000 : 300); turn++) {
      const files = randomFiles(random);
      const wanted = {
        ...rule,
        quietSequence: BigInt(Math.floor(random.next() * 120)),
        memoryBytes: 40e6 + 2e8 * random.next(),
      };
      const groups = planTiers(files, wanted);
      const all = groups.flatMap((group) => group.files);
      deepStrictEqual(new Set(all).size, all.length);
      for (const group of groups) {
        ok(
          group.files.every(({ dataFile }) =>
            dataFile.partition[0] === group.partition[0] && dataFile.format === "parquet"
          ),
        );
        ok(
          group.files.length > 1 || group.files[0]!.deletes.length > 0,
          "a single file is rewritten only for its deletes",
        );
        ok(group.files.length <= wanted.inputsMax);
        const inputs = group.files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]);
        const bytes = inputs.reduce((sum, { fileSizeBytes }) => sum + fileSizeBytes, 0);
        const records = group.files.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0);
        const peak = rewritePeakBytes({ files: inputs.length, bytes, records, partitions: 1, threads: wanted.threads });
        ok(peak <= wanted.memoryBytes, `${peak} of ${wanted.memoryBytes}`);
      }
    }
    return Promise.resolve();
  }));

Deno.test("rewriting comes to an end: what a rewrite leaves is not rewritten for ever", () =>
  withSeed((random) => {
    for (let turn = 0; turn < (isThorough ? 1_000 : 100); turn++) {
      let files = randomFiles(random).map((each) => ({ ...each, deletes: [] }));
      const wanted = { ...rule, quietSequence: 1_000n, memoryBytes: 1e12 };
      for (let round = 0;; round++) {
        const result = rewrite(files, wanted);
        if (result.groups === 0) break;
        ok(round < 20, "it goes on and on");
        files = result.files.map((each) => ({ ...each, deletes: [] }));
      }
    }
    return Promise.resolve();
  }));

Deno.test("a partition that has gone quiet is merged from two files on", () => {
  const two = [file(1_000, { sequenceNumber: 5n }), file(1_000, { sequenceNumber: 6n })];
  deepStrictEqual(planTiers(two, { ...rule, quietSequence: 5n }), []);
  deepStrictEqual(planTiers(two, { ...rule, quietSequence: 6n }).map(({ files }) => files.length), [2]);
  const unequal = [file(50e6, { sequenceNumber: 5n }), file(1_000, { sequenceNumber: 6n })];
  deepStrictEqual(
    planTiers(unequal, { ...rule, quietSequence: 6n }),
    [],
    "a large file is not written anew for a small one",
  );
});

Deno.test("delete files are applied when they are many, or take many rows, or nothing else comes", () => {
  const large = (facts: Parameters<typeof file>[1]) =>
    file(100e6, { recordCount: 1_000, sequenceNumber: 9n, ...facts });
  const isRewritten = (each: ScanFile, quietSequence = 0n) =>
    planTiers([each], { ...rule, quietSequence, memoryBytes: 1e12 }).length === 1;
  deepStrictEqual(isRewritten(large({})), false);
  deepStrictEqual(isRewritten(large({ deletes: deletes(1, 1) })), false);
  deepStrictEqual(isRewritten(large({ deletes: deletes(1, 5) })), true);
  deepStrictEqual(isRewritten(large({ deletes: deletes(100, 1) })), true);
  deepStrictEqual(isRewritten(large({ deletes: deletes(1, 1) }), 9n), true);
});

Deno.test("partitions that are written at once count in the estimate", () => {
  const size = { files: 10, bytes: 100e6, records: 10e6, threads: 2 };
  const one = rewritePeakBytes({ ...size, partitions: 1 }), many = rewritePeakBytes({ ...size, partitions: 50 });
  ok(many > 10 * one, `${one} and ${many}`);
});
