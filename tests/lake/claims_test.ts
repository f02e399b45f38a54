import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { z } from "zod";
import { seededRandom } from "../../core/base/random.ts";
import { PLAN_FORMAT } from "../../core/lake/batch_plan.ts";
import { Claims } from "../../core/lake/claims.ts";
import { batchStem, dataFileName } from "../../core/lake/data_file_name.ts";
import { INTENT_FORMAT } from "../../core/lake/intent.ts";
import { batchRecordPath, intentPath, removalPath } from "../../core/lake/layout.ts";
import { REMOVAL_FORMAT } from "../../core/lake/removal.ts";
import { ROUTED_FORMAT } from "../../core/lake/routed_batch.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";
import { withSeed } from "../support/seed.ts";
import { arbitraryRecord } from "./arbitrary_record.ts";

const target = "bronze.events";
const batchId = 7n;

interface RecordKind {
  path: string;
  /** Of all formats that are written, and of none that is only read. */
  shapes: readonly z.ZodType[];
  /** What the place says of the record. */
  place: Record<string, unknown>;
  /** Texts that name no file. Every other one does, those of fields yet to come included. */
  noFiles: readonly string[];
}

const kinds: Record<string, RecordKind> = {
  plan: {
    path: batchRecordPath(target, batchId, "plan"),
    shapes: PLAN_FORMAT.shapes,
    place: { batchId: Number(batchId), table: target },
    // A raw file is known by its name.
    noFiles: [
      ...[
        "sequenceId",
        "plannedAt",
        "table",
        "raw",
        "contract",
        "options.recordsAt",
        "options.pathColumns[]",
        "options.dedupe.by[]",
        "options.dedupe.at",
        "options.upsert.by[]",
        "options.upsert.newest",
        "options.upsert.deleteWhen.column",
        "options.upsert.deleteWhen.is",
      ],
      ...["files[].etag", "files[].path", "changed[].etag", "changed[].path"],
      ...["replay[].etag", "reingest[].etag"],
    ],
  },
  routed: {
    path: batchRecordPath(target, batchId, "routed"),
    shapes: ROUTED_FORMAT.shapes,
    place: { batchId: Number(batchId) },
    noFiles: [
      ...["sequenceId", "attempt", "files[].etag"],
      ...["events", "deadLetters", "ledger", "tombstones"].flatMap((table) =>
        ["partition[]", "columns[].path[]", "columns[].min", "columns[].max"].map((part) => `${table}.files[].${part}`)
      ),
    ],
  },
  intent: {
    path: intentPath("compact-1"),
    shapes: INTENT_FORMAT.shapes.slice(-1),
    place: { id: "compact-1" },
    noFiles: ["id", "table", "tableUuid", "startedAt"],
  },
  removal: {
    path: removalPath("remove-1"),
    shapes: REMOVAL_FORMAT.shapes.slice(-1),
    place: { id: "remove-1" },
    noFiles: ["id", "table", "tableUuid", "writtenAt", "snapshots[]"],
  },
};

async function useStore(action: (store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-claims-" });
  try {
    await action(openLocalStore(folder, { random: seededRandom(1), durable: false }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function write(store: Store, path: string, record: unknown): Promise<void> {
  await store.write(path, new TextEncoder().encode(JSON.stringify(record)));
}

/** Whether the claims know of a file that is named so, whatever kind of name it is. */
function isClaimed(claims: Claims, name: string, properties: Record<string, string> = {}): boolean {
  const other = { pathInTable: "", path: "", uri: "" };
  return claims.hasRaw(name) ||
    (["pathInTable", "path", "uri"] as const).some((key) => claims.has({ ...other, [key]: name }, properties));
}

for (const [kind, { path, shapes, place, noFiles }] of Object.entries(kinds)) {
  Deno.test(`whatever file a record of kind ${kind} names is claimed`, () =>
    withSeed((random) =>
      useStore(async (store) => {
        const seen = new Set<string>();
        const areAllSeen = () => noFiles.every((place) => seen.has(place));
        for (let turn = 0; turn < 50 || (turn < 2_000 && !areAllSeen()); turn++) {
          const { record, texts } = arbitraryRecord(shapes[turn % shapes.length]!, random);
          await write(store, path, { ...record, ...place });
          const claims = await Claims.read(store, new Set());
          for (const { place, text } of texts) {
            seen.add(place);
            strictEqual(isClaimed(claims, text), !noFiles.includes(place), `${place}: ${text}`);
          }
        }
        deepStrictEqual(noFiles.filter((place) => !seen.has(place)), [], "all of them are in the record");
      })
    ));
}

const routed = { ...arbitraryRecord(ROUTED_FORMAT.shapes[0], seededRandom(1)).record };
const none = { specId: 0, schema: {}, lastColumnIdBefore: 0, files: [] };

function recordOf(batch: number, path: string): unknown {
  const files = [{ path, records: "1", size: "1", partition: [], columns: [] }];
  return {
    ...routed,
    batchId: batch,
    events: { ...none, files },
    deadLetters: none,
    ledger: none,
    tombstones: undefined,
  };
}

Deno.test("a file is claimed as long as any batch that names it is not in the table", () =>
  useStore(async (store) => {
    const path = "data/x.parquet";
    await write(store, batchRecordPath("a.open", 3n, "routed"), recordOf(3, path));
    await write(store, batchRecordPath("b.done", 2n, "routed"), recordOf(2, path));
    const claims = await Claims.read(store, new Set());
    const done = { "streamlab.batch-id.b.done": "2" };
    ok(isClaimed(claims, path, done));
    ok(!isClaimed(claims, path, { ...done, "streamlab.batch-id.a.open": "3" }));
  }));

Deno.test("any attempt at a batch that is planned is claimed, until it is routed", () =>
  useStore(async (store) => {
    const file = `data/${dataFileName(batchStem(7, "0123456789ab"), 0)}`;
    const { record } = arbitraryRecord(PLAN_FORMAT.shapes[0], seededRandom(1));
    await write(store, kinds.plan!.path, { ...record, ...kinds.plan!.place });
    ok(isClaimed(await Claims.read(store, new Set()), file));
    ok(!isClaimed(await Claims.read(store, new Set()), file, { "streamlab.batch-id.bronze.events": "7" }));
    await write(store, kinds.routed!.path, recordOf(7, "data/another.parquet"));
    ok(!isClaimed(await Claims.read(store, new Set()), file));
  }));

Deno.test("files of deletes of a batch with upserts are claimed until the table has it, in any folder", () =>
  useStore(async (store) => {
    const deletes = `data/day=3/${dataFileName(batchStem(7, "0123456789ab"), 0)}`;
    const record = { ...recordOf(7, "data/day=1/x.parquet") as object, format: 3, tombstones: none };
    await write(store, kinds.routed!.path, record);
    const claims = await Claims.read(store, new Set());
    ok(isClaimed(claims, deletes));
    ok(!isClaimed(claims, deletes.replace("07-", "08-")));
    ok(!isClaimed(claims, deletes, { "streamlab.batch-id.bronze.events": "7" }));
  }));

Deno.test("copies of a routed batch's files are claimed until the table has it, if it brings fields", () =>
  useStore(async (store) => {
    const other = `data/day=1/${dataFileName(batchStem(7, "0123456789ab"), 0)}`;
    const field = { id: 5, name: "a", required: false, type: "string" };
    for (const [lastColumnIdBefore, isBrought] of [[4, true], [5, false]] as const) {
      const files = [{ path: "data/day=1/x.parquet", records: "1", size: "1", partition: [], columns: [] }];
      const events = {
        specId: 0,
        schema: { type: "struct", "schema-id": 0, fields: [field] },
        lastColumnIdBefore,
        files,
      };
      const record = { ...routed, batchId: 7, events, deadLetters: none, ledger: none, tombstones: undefined };
      await write(store, kinds.routed!.path, record);
      const claims = await Claims.read(store, new Set());
      const has = (pathInTable: string, properties = {}) =>
        claims.has({ pathInTable, path: `warehouse/bronze/events/${pathInTable}`, uri: "" }, properties);
      strictEqual(has(other), isBrought);
      ok(!has(other.replace("day=1", "day=2")));
      ok(!has(other.replace("07-", "08-")));
      ok(!has(other, { "streamlab.batch-id.bronze.events": "7" }));
    }
  }));

Deno.test("an intent that is settled claims nothing", () =>
  useStore(async (store) => {
    const { record } = arbitraryRecord(INTENT_FORMAT.shapes.at(-1)!, seededRandom(1));
    await write(store, intentPath("compact-1"), { ...record, id: "compact-1", stem: "t/data/compact-1-" });
    ok(isClaimed(await Claims.read(store, new Set()), "t/data/compact-1-0.parquet"));
    ok(!isClaimed(await Claims.read(store, new Set(["compact-1"])), "t/data/compact-1-0.parquet"));
  }));

Deno.test("nothing is claimed, and so nothing removed, where a record is damaged, misplaced or a newer streamlab's", () =>
  useStore(async (store) => {
    const { record } = arbitraryRecord(PLAN_FORMAT.shapes[0], seededRandom(1));
    const plan = { ...record, ...kinds.plan!.place };
    const { path } = kinds.plan!;
    const refused = async (at: string, content: unknown, kind: string, message: RegExp) => {
      await write(store, at, content);
      await rejects(() => Claims.read(store, new Set()), { kind, message });
      await store.deletePaths([at]);
    };
    await refused(
      path,
      { ...plan, files: "none" },
      "corrupt",
      /Cannot read the plan .*000000000007\.plan\.json: files: /,
    );
    await refused(path, { ...plan, more: 1 }, "corrupt", /"more"/);
    await refused(path, "plan", "corrupt", /Cannot read the plan/);
    await refused(path, { ...plan, format: 0 }, "corrupt", /format/);
    await refused(path, { ...plan, batchId: 8 }, "corrupt", /it is about batch 8, not batch 7$/);
    await refused(path, { ...plan, table: "a.b" }, "corrupt", /it is about a\.b, not bronze\.events$/);
    const newer = { ...plan, format: PLAN_FORMAT.shapes.length + 1, files: { list: "elsewhere" } };
    await refused(
      path,
      newer,
      "newer",
      /plan\.json: it was made by a newer streamlab \(its format is 5, .* up to 4\)$/,
    );
    for (const [kind, each] of Object.entries(kinds)) {
      await refused(each.path, { format: 99 }, "newer", new RegExp(`Cannot read the ${kind}.*newer streamlab`));
    }
    const unknown = path.replace("plan", "replay");
    await refused(unknown, {}, "newer", /replay\.json: it was made by a newer streamlab/);
    deepStrictEqual(isClaimed(await Claims.read(store, new Set()), "data/x"), false);
  }));
