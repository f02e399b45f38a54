import { StreamlabError } from "../core/base/errors.ts";
import { Meter } from "../core/base/meter.ts";
import type { ConsumerReport } from "../core/consume/batch_report.ts";
import type { ConsumeSession } from "../core/consume/consume_session.ts";
import type { LoadedTable } from "../core/iceberg/catalog/catalog.ts";
import { removedRepeats } from "../core/lake/removed_repeats.ts";
import type { RawZone } from "../core/lake/raw_zone.ts";
import type { TargetRecord } from "../core/lake/target_record.ts";
import type { KnownTarget } from "../core/lake/targets.ts";
import type { Surroundings } from "../core/maintain/surroundings.ts";
import type { Store } from "../core/storage/store.ts";
import type { MachineSettings } from "./machine.ts";

/** What it takes. */
export interface JudgingTools {
  surroundings: Surroundings;
  machine: MachineSettings;
  /** Of a batch, as `consume --memory`: that of the program is in it. */
  batchMemory: string;
  /** The store of raw files that are not the lake's. */
  openRaw(root: string): Promise<Store>;
  note(text: string): Promise<void> | void;
}

/** What the target has ingested is judged once more, by what feeds it today. */
export interface JudgingAgain {
  tools: JudgingTools;
  target: KnownTarget;
  /** For messages. */
  verb: "replay letters" | "reingest files";
}

/**
 * By what; fails where nothing is to be judged again, or could not be proven. `table`: of events,
 * a newer version than the target was found with.
 */
export async function recordToJudgeBy(
  { tools, target, verb }: JudgingAgain,
  table: Pick<LoadedTable, "identifier" | "metadata"> = target.table,
): Promise<TargetRecord> {
  const { name } = target;
  const [{ identifiersOf }, { dedupeHistory }] = await Promise.all([
    import("../core/lake/table_names.ts"),
    import("../core/lake/dedupe_rule.ts"),
  ]);
  const ledger = await tools.surroundings.catalog.loadTable(
    identifiersOf(table.identifier, table.metadata.properties).ledger,
  );
  const rules = ledger === undefined ? [] : dedupeHistory(ledger.metadata.properties, name);
  const record = target.record();
  if (record === undefined) {
    throw new StreamlabError(
      "usage",
      `Cannot ${verb} of ${name}: an older streamlab has not written down what feeds it`,
      {
        hint: `Run consume --table ${name} once, with the flags that it was fed with`,
      },
    );
  }
  if (record.options.upsert !== undefined) {
    throw new StreamlabError(
      "usage",
      `Cannot ${verb} of ${name}: it holds the newest record of each key, and others have made way for it`,
      {
        hint: "Give the records to consume in a new file",
      },
    );
  }
  if (record.options.dedupe !== undefined || rules.some(({ rule }) => rule !== null)) {
    throw new StreamlabError(
      "usage",
      `Cannot ${verb} of ${name}: its batches drop repeats, or have dropped some, and a record may be one`,
      {
        hint: "Only targets that were never fed with --dedupe-by can be judged again",
      },
    );
  }
  // Which of the file's records are to be missing would be known no more.
  if (verb === "reingest files" && removedRepeats(table.metadata.properties, name).length > 0) {
    throw new StreamlabError(
      "usage",
      `Cannot reingest files of ${name}: maintain --dedupe-by has removed repeats from it, which would come back`,
      { hint: "Only targets whose repeats were kept can be reingested" },
    );
  }
  return record;
}

/**
 * A consumer may have begun to drop repeats, or to judge by another contract: the plan is of the
 * batch after what it has done.
 */
export async function checkRecord(judging: JudgingAgain, record: TargetRecord): Promise<void> {
  const { tools, target: { name, table: { identifier } }, verb } = judging;
  const [{ requireTable }, { targetRecordOf }] = await Promise.all([
    import("../core/iceberg/catalog/catalog.ts"),
    import("../core/lake/target_record.ts"),
  ]);
  const newest = await requireTable(tools.surroundings.catalog, identifier);
  if (JSON.stringify(targetRecordOf(newest.metadata.properties, name)) !== JSON.stringify(record)) {
    throw new StreamlabError(
      "conflict",
      `Cannot ${verb} of ${name}: a consumer has changed its contract or its rules meanwhile`,
      { hint: "What was judged again stays; run again to go on by the new ones" },
    );
  }
  await recordToJudgeBy(judging, newest);
}

/** Where the raw files of the target are. */
export async function zoneOf({ surroundings, openRaw }: JudgingTools, record: TargetRecord): Promise<RawZone> {
  const { rawPlaceOf } = await import("../core/lake/target_record.ts");
  const { store } = surroundings;
  const { root, prefix, base } = rawPlaceOf(store.root, record);
  const raw = root === store.root ? store : await openRaw(root);
  const { format, onEmpty, recordsAt, pathColumns } = record.options;
  return { store: raw, prefix, nameBase: base, format, onEmpty, recordsAt, pathColumns };
}

/** A consumer of the target, which plans nothing by itself. */
export async function openSession(
  { tools, target }: JudgingAgain,
  record: TargetRecord,
  report: Pick<ConsumerReport, "batch" | "file">,
): Promise<ConsumeSession> {
  const { surroundings: { catalog, store, clock, random }, machine, batchMemory, note } = tools;
  const [{ ConsumeSession }, { parseContract }] = await Promise.all([
    import("../core/consume/consume_session.ts"),
    import("../core/contract/json_schema.ts"),
  ]);
  return await ConsumeSession.open({
    catalog,
    sink: store,
    zone: await zoneOf(tools, record),
    target: target.table.identifier,
    contract: parseContract(record.contract),
    partitionBy: [],
    keepsRecord: true,
    onExtraFields: record.options.onExtraFields,
    onWrongType: record.options.onWrongType,
    onChangedFile: "ignore",
    maxFilesPerBatch: 1,
    maxBytesPerBatch: 1,
    clock,
    random,
    meter: new Meter(clock),
    ...machine,
    memory: batchMemory,
    holder: "",
    // A consumer may hold the lock: the protocol needs none.
    leavesLake: true,
    report: { ...report, note: (text) => void note(text) },
  });
}
