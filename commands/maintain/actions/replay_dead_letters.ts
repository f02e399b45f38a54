import { counted, formatCount } from "../../../core/base/counted.ts";
import { isKind, StreamlabError } from "../../../core/base/errors.ts";
import { Meter } from "../../../core/base/meter.ts";
import type { BatchReport } from "../../../core/consume/batch_report.ts";
import type { ConsumeSession } from "../../../core/consume/consume_session.ts";
import { identifierText, type TableIdentifier } from "../../../core/iceberg/catalog/catalog.ts";
import { LEDGER_COLUMNS, OUR_COLUMNS } from "../../../core/lake/our_columns.ts";
import type { TargetRecord } from "../../../core/lake/target_record.ts";
import type { KnownTarget } from "../../../core/lake/targets.ts";
import type { ChosenLetters, LetterChoice, ReplayedLetter } from "../../../core/maintain/letters/letter_choice.ts";
import { parseLocation } from "../../../core/storage/location.ts";
import { flag } from "../../line/flags.ts";
import { printNote, printResult } from "../../line/output.ts";
import { openLake } from "../../open_lake.ts";
import { type Job, lakeAction } from "../action.ts";
import { letterTargets } from "../letter_targets.ts";

const SECTION = "REPLAY";

const REPLAY_FLAGS = {
  reason: flag.choice(["invalid_schema", "extra_fields"], {
    section: SECTION,
    doc: "with --replay-dead-letters: only letters of this reason",
  }),
  where: flag.text({
    section: SECTION,
    doc: "with --replay-dead-letters: only letters that this SQL condition takes, by columns of their table",
    placeholder: "SQL",
  }),
};

type ReplayFlags = typeof REPLAY_FLAGS;

export const replayDeadLetters = lakeAction({
  name: "replay-dead-letters",
  doc: "judge dead letters again by the contract of today: those that are valid now become events, exactly once",
  flags: REPLAY_FLAGS,
  check({ reason, where }, isWanted) {
    const given = reason !== undefined ? "--reason" : where !== undefined ? "--where" : undefined;
    if (isWanted || given === undefined) return;
    throw new StreamlabError("usage", `${given} says nothing without --replay-dead-letters`, {
      hint: "Give --replay-dead-letters beside it",
    });
  },
  run: replayTargets,
});

async function replayTargets(job: Job<ReplayFlags>): Promise<boolean> {
  const { context, surroundings: { catalog }, flags } = job;
  const targets = await letterTargets(catalog, flags.table);
  for (const { target, letters } of targets) {
    if (context.signal.aborted) return true;
    if (await catalog.loadTable(letters) === undefined) continue;
    try {
      await new Replay(job, target, letters).run();
    } catch (error) {
      // One that cannot be replayed keeps no other from it, unless it was asked for.
      if (flags.table !== undefined || targets.length === 1 || !isKind(error, "usage")) throw error;
      await printNote(context, error.message);
    }
  }
  return true;
}

/** What became of the letters of a target. */
interface Replayed {
  reasons: ChosenLetters[];
  batches: number;
  events: number;
  changed: number;
}

class Replay {
  readonly #job: Job<ReplayFlags>;
  readonly #target: KnownTarget;
  readonly #letters: TableIdentifier;

  constructor(job: Job<ReplayFlags>, target: KnownTarget, letters: TableIdentifier) {
    this.#job = job;
    this.#target = target;
    this.#letters = letters;
  }

  async run(): Promise<void> {
    const { context, flags: { dryRun } } = this.#job;
    const record = await this.#record();
    const table = identifierText(this.#letters);
    const done: Replayed = { reasons: [], batches: 0, events: 0, changed: 0 };
    if (dryRun) done.reasons = (await this.#choose(record, undefined)).reasons;
    else await this.#replay(record, done);
    const { reasons, ...figures } = done;
    const lists = { reasons: reasons.map((each) => ({ ...each })) };
    await printResult(
      context,
      { action: "replay-dead-letters", table, dryRun, ...figures, ...lists },
      textOf(table, done, dryRun),
    );
  }

  /** Fails where nothing is to be replayed, or could not be proven. */
  async #record(): Promise<TargetRecord> {
    const { name, table } = this.#target;
    const [{ identifiersOf }, { dedupeHistory }] = await Promise.all([
      import("../../../core/lake/table_names.ts"),
      import("../../../core/lake/dedupe_rule.ts"),
    ]);
    const ledger = await this.#job.surroundings.catalog.loadTable(
      identifiersOf(table.identifier, table.metadata.properties).ledger,
    );
    const rules = ledger === undefined ? [] : dedupeHistory(ledger.metadata.properties, name);
    const record = this.#target.record();
    if (record === undefined) {
      throw new StreamlabError(
        "usage",
        `Cannot replay letters of ${name}: an older streamlab has not written down what feeds it`,
        {
          hint: `Run consume --table ${name} once, with the flags that it was fed with`,
        },
      );
    }
    if (record.options.dedupe === undefined && rules.every(({ rule }) => rule === null)) return record;
    throw new StreamlabError(
      "usage",
      `Cannot replay letters of ${name}: its batches drop repeats, or have dropped some, and a letter may be one`,
      {
        hint: "Replay those of targets that were never fed with --dedupe-by",
      },
    );
  }

  async #replay(record: TargetRecord, done: Replayed): Promise<void> {
    const { context, surroundings: { catalog } } = this.#job;
    let last: bigint | undefined;
    const session = await this.#open(record, (batch) => this.#count(batch, done));
    try {
      for (let isCut = true; isCut && !context.signal.aborted;) {
        let choice: LetterChoice | undefined;
        const isOurs = await session.replay(async (doneBatchId) => {
          await this.#checkRecord(record);
          // Letters of this replay's own batches are not looked at again.
          choice = await this.#choose(record, last ??= doneBatchId);
          return choice.files;
        }, context.signal);
        if (choice === undefined) return;
        if (done.reasons.length === 0) done.reasons = choice.reasons;
        isCut = choice.isCut || (!isOurs && choice.files.length > 0);
      }
    } finally {
      session.close();
      await catalog.settle();
    }
  }

  /** Also what an earlier replay had begun, which ends with this one. */
  #count({ batchId, replayed, events, resumed, files }: BatchReport, done: Replayed): void {
    if (resumed) void printNote(this.#job.context, finishedText(batchId, files, replayed));
    if (replayed === undefined) return;
    done.batches++;
    done.events += events;
    done.changed += replayed - events;
  }

  /**
   * A consumer may have begun to drop repeats, or to judge by another contract: the plan is of the
   * batch after what it has done.
   */
  async #checkRecord(record: TargetRecord): Promise<void> {
    const { name, table: { identifier } } = this.#target;
    const [{ requireTable }, { targetRecordOf }] = await Promise.all([
      import("../../../core/iceberg/catalog/catalog.ts"),
      import("../../../core/lake/target_record.ts"),
    ]);
    const { metadata } = await requireTable(this.#job.surroundings.catalog, identifier);
    const newest = targetRecordOf(metadata.properties, name);
    if (JSON.stringify(newest) !== JSON.stringify(record)) {
      throw new StreamlabError(
        "conflict",
        `Cannot go on replaying letters of ${name}: a consumer has changed its contract or its rules meanwhile`,
        { hint: "What was replayed stays; run again to go on by the new ones" },
      );
    }
    await this.#record();
  }

  async #open(record: TargetRecord, onBatch: (report: BatchReport) => void): Promise<ConsumeSession> {
    const { context, surroundings, machine } = this.#job;
    const { catalog, store, clock, random } = surroundings;
    const [{ ConsumeSession }, { rawPlaceOf }, { parseContract }] = await Promise.all([
      import("../../../core/consume/consume_session.ts"),
      import("../../../core/lake/target_record.ts"),
      import("../../../core/contract/json_schema.ts"),
    ]);
    const { root, prefix, base } = rawPlaceOf(store.root, record);
    const raw = root === store.root ? store : await openLake(context, parseLocation(root));
    const { options } = record;
    const { format, onEmpty, recordsAt, pathColumns } = options;
    return await ConsumeSession.open({
      catalog,
      sink: store,
      zone: { store: raw, prefix, nameBase: base, format, onEmpty, recordsAt, pathColumns },
      target: this.#target.table.identifier,
      contract: parseContract(record.contract),
      partitionBy: [],
      keepsRecord: true,
      onExtraFields: options.onExtraFields,
      onWrongType: options.onWrongType,
      onChangedFile: "ignore",
      maxFilesPerBatch: 1,
      maxBytesPerBatch: 1,
      clock,
      random,
      meter: new Meter(clock),
      ...machine,
      threads: machine.threads ?? navigator.hardwareConcurrency,
      memory: machine.memory ?? "1GB",
      holder: "",
      // A consumer may hold the lock: the protocol needs none.
      leavesLake: true,
      report: { batch: onBatch, file: () => {}, note: (text) => void printNote(context, text) },
    });
  }

  async #choose({ contract, options }: TargetRecord, last: bigint | undefined): Promise<LetterChoice> {
    const { context, surroundings, machine } = this.#job;
    const [{ Session }, { LetterChoice }, { Judge }, { parseContract }] = await Promise.all([
      import("../../../core/query/sql_session.ts"),
      import("../../../core/maintain/letters/letter_choice.ts"),
      import("../../../core/contract/judge.ts"),
      import("../../../core/contract/json_schema.ts"),
    ]);
    const { catalog, clock, random } = surroundings;
    const session = new Session({ openCatalog: () => Promise.resolve(catalog), clock, random, ...machine });
    const choice = new LetterChoice(new Judge(parseContract(contract), options.onExtraFields, options.onWrongType));
    await session.ask(await this.#sql(last), { signal: context.signal }, async ({ chunks }) => {
      for await (const rows of chunks) {
        for (const [reason, detail, raw, file, position, batchId, etag, size] of rows) {
          choice.add({
            reason: reason as ReplayedLetter["reason"],
            detail: detail as string,
            raw: raw as string,
            file: file as string,
            position: position as bigint | null,
            batchId: Number(batchId),
            etag: etag as string,
            size: Number(size),
          });
        }
      }
    });
    return choice;
  }

  /** Letters of a changed version of a file are told from others by their batch. */
  async #sql(last: bigint | undefined): Promise<string> {
    const [{ quoteName, quoteText }, { LEDGER }] = await Promise.all([
      import("../../../core/engine/duckdb.ts"),
      import("../../../core/lake/table_names.ts"),
    ]);
    const { reason, where } = this.#job.flags;
    const named = ({ namespace, name }: TableIdentifier) => [...namespace, name].map(quoteName).join(".");
    const { deadLetterReason, deadLetterDetail, rawRecord, sourceFile, sourcePosition, batchId } = OUR_COLUMNS;
    const columns = [deadLetterReason, deadLetterDetail, rawRecord, sourceFile, sourcePosition, batchId];
    const conditions = [
      ...last === undefined ? [] : [`${batchId} <= ${last}`],
      ...reason === undefined ? [] : [`${deadLetterReason} = ${quoteText(reason)}`],
      // On lines of its own: it may end with a comment.
      ...where === undefined ? [] : [`(\n${where}\n)`],
    ];
    const ledger = LEDGER_COLUMNS;
    return `SELECT ${columns.map((name) => `l.${name}`).join(", ")}, f.${ledger.etag}, f.${ledger.size}
FROM (SELECT * FROM ${named(this.#letters)}${conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`}) l
JOIN ${named(LEDGER)} f ON f.${ledger.sourceFile} = l.${sourceFile} AND f.${ledger.batchId} = l.${batchId}
  AND f.${quoteName(ledger.table)} = ${quoteText(this.#target.name)}`;
  }
}

function finishedText(batchId: number, files: number, replayed: number | undefined): string {
  const what = replayed === undefined ? `of ${counted(files, "file")}` : `of ${counted(replayed, "dead letter")}`;
  return `Finished batch ${batchId} ${what}, which another run had begun`;
}

function textOf(table: string, { reasons, batches, events, changed }: Replayed, dryRun: boolean): string {
  const sum = (pick: (each: ChosenLetters) => number) => reasons.reduce((total, each) => total + pick(each), 0);
  const letters = sum((each) => each.letters);
  if (letters === 0 && batches === 0) return `${table}: no dead letters to judge again`;
  const [taken, other] = dryRun ? [sum((each) => each.taken), sum((each) => each.changed)] : [events, changed];
  const would = dryRun ? "would become" : "became";
  const more = other === 0 ? "" : `, ${formatCount(other)} ${dryRun ? "would have" : "have"} another reason or detail`;
  const how = dryRun || batches === 0 ? "" : `, in ${counted(batches, "batch", "batches")}`;
  // Those of a replay that was finished first are among them no more.
  return `${table}: of ${counted(Math.max(letters, taken + other), "dead letter")} ${formatCount(taken)} ${would} ${
    taken === 1 ? "an event" : "events"
  }${more}${how}`;
}
