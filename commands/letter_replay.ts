import { counted } from "../core/base/counted.ts";
import { StreamlabError } from "../core/base/errors.ts";
import { Meter } from "../core/base/meter.ts";
import type { BatchReport } from "../core/consume/batch_report.ts";
import type { ConsumeSession } from "../core/consume/consume_session.ts";
import type { TableIdentifier } from "../core/iceberg/catalog/catalog.ts";
import { LEDGER_COLUMNS, OUR_COLUMNS } from "../core/lake/our_columns.ts";
import type { TargetRecord } from "../core/lake/target_record.ts";
import type {
  LetterChoice,
  ReplayedLetter,
  ReplayProgress,
  ReplayReport,
} from "../core/maintain/letters/letter_choice.ts";
import type { Surroundings } from "../core/maintain/surroundings.ts";
import type { Replay } from "../core/serve/console/upkeep_desk.ts";
import type { Store } from "../core/storage/store.ts";
import { type LetterTarget, letterTargets } from "./letter_targets.ts";
import type { MachineSettings } from "./machine.ts";

/** What a replay works with. */
export interface ReplayTools {
  surroundings: Surroundings;
  machine: MachineSettings;
  /** Of a batch, as `consume --memory`: that of the program is in it. */
  batchMemory: string;
  /** The store of raw files that are not the lake's. */
  openRaw(root: string): Promise<Store>;
  note(text: string): Promise<void> | void;
}

/** Which letters of a table: conditions over its columns, in SQL, that must all hold. */
export type LetterConditions = readonly string[];

/** Judges dead letters of a target again, by the contract of today. */
export class LetterReplay {
  readonly #tools: ReplayTools;
  readonly #fed: LetterTarget;
  readonly #conditions: LetterConditions;
  readonly #signal: AbortSignal;
  readonly #told: (progress: ReplayProgress) => void;

  /** `signal` ends it after the batch under way; what was replayed stays. */
  constructor(
    tools: ReplayTools,
    fed: LetterTarget,
    conditions: LetterConditions,
    signal: AbortSignal,
    told: (progress: ReplayProgress) => void = () => {},
  ) {
    this.#tools = tools;
    this.#fed = fed;
    this.#conditions = conditions;
    this.#signal = signal;
    this.#told = told;
  }

  /** In a dry run the letters are counted, and nothing is changed. */
  async run(dryRun: boolean): Promise<ReplayReport> {
    const record = await this.#record();
    const done: ReplayReport = { reasons: [], batches: 0, events: 0, changed: 0 };
    if (dryRun) done.reasons = (await this.#choose(record, undefined, done)).reasons;
    else await this.#replay(record, done);
    return done;
  }

  /** Fails where nothing is to be replayed, or could not be proven. */
  async #record(): Promise<TargetRecord> {
    const { name, table } = this.#fed.target;
    const [{ identifiersOf }, { dedupeHistory }] = await Promise.all([
      import("../core/lake/table_names.ts"),
      import("../core/lake/dedupe_rule.ts"),
    ]);
    const ledger = await this.#tools.surroundings.catalog.loadTable(
      identifiersOf(table.identifier, table.metadata.properties).ledger,
    );
    const rules = ledger === undefined ? [] : dedupeHistory(ledger.metadata.properties, name);
    const record = this.#fed.target.record();
    if (record === undefined) {
      throw new StreamlabError(
        "usage",
        `Cannot replay letters of ${name}: an older streamlab has not written down what feeds it`,
        {
          hint: `Run consume --table ${name} once, with the flags that it was fed with`,
        },
      );
    }
    if (record.options.upsert !== undefined) {
      throw new StreamlabError(
        "usage",
        `Cannot replay letters of ${name}: it holds the newest record of each key, and a letter may be an older one`,
        {
          hint: "Give the records to consume in a new file",
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

  async #replay(record: TargetRecord, done: ReplayReport): Promise<void> {
    const { surroundings: { catalog } } = this.#tools;
    const signal = this.#signal;
    let last: bigint | undefined;
    const session = await this.#open(record, (batch) => this.#count(batch, done));
    try {
      for (let isCut = true; isCut && !signal.aborted;) {
        let choice: LetterChoice | undefined;
        const isOurs = await session.replay(async (doneBatchId) => {
          await this.#checkRecord(record);
          // Letters of this replay's own batches are not looked at again.
          choice = await this.#choose(record, last ??= doneBatchId, done);
          this.#told({ ...figuresOf(done), step: "moving", letters: choice.chosen });
          return choice.files;
        }, signal);
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
  #count({ batchId, replayed, events, resumed, files }: BatchReport, done: ReplayReport): void {
    if (resumed) void this.#tools.note(finishedText(batchId, files, replayed));
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
    const { name, table: { identifier } } = this.#fed.target;
    const [{ requireTable }, { targetRecordOf }] = await Promise.all([
      import("../core/iceberg/catalog/catalog.ts"),
      import("../core/lake/target_record.ts"),
    ]);
    const { metadata } = await requireTable(this.#tools.surroundings.catalog, identifier);
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
    const { surroundings, machine, batchMemory, openRaw, note } = this.#tools;
    const { catalog, store, clock, random } = surroundings;
    const [{ ConsumeSession }, { rawPlaceOf }, { parseContract }] = await Promise.all([
      import("../core/consume/consume_session.ts"),
      import("../core/lake/target_record.ts"),
      import("../core/contract/json_schema.ts"),
    ]);
    const { root, prefix, base } = rawPlaceOf(store.root, record);
    const raw = root === store.root ? store : await openRaw(root);
    const { options } = record;
    const { format, onEmpty, recordsAt, pathColumns } = options;
    return await ConsumeSession.open({
      catalog,
      sink: store,
      zone: { store: raw, prefix, nameBase: base, format, onEmpty, recordsAt, pathColumns },
      target: this.#fed.target.table.identifier,
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
      memory: batchMemory,
      holder: "",
      // A consumer may hold the lock: the protocol needs none.
      leavesLake: true,
      report: { batch: onBatch, file: () => {}, note: (text) => void note(text) },
    });
  }

  async #choose(
    { contract, options }: TargetRecord,
    last: bigint | undefined,
    done: ReplayReport,
  ): Promise<LetterChoice> {
    const { surroundings, machine } = this.#tools;
    const [{ Session }, { LetterChoice }, { Judge }, { parseContract }] = await Promise.all([
      import("../core/query/sql_session.ts"),
      import("../core/maintain/letters/letter_choice.ts"),
      import("../core/contract/judge.ts"),
      import("../core/contract/json_schema.ts"),
    ]);
    const { catalog, clock, random } = surroundings;
    const session = new Session({ openCatalog: () => Promise.resolve(catalog), clock, random, ...machine });
    const choice = new LetterChoice(new Judge(parseContract(contract), options.onExtraFields, options.onWrongType));
    await session.ask(await this.#sql(last), { signal: this.#signal }, async ({ chunks }) => {
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
        this.#told({ ...figuresOf(done), step: "judging", letters: choice.judged });
      }
    });
    return choice;
  }

  /** Letters of a changed version of a file are told from others by their batch. */
  async #sql(last: bigint | undefined): Promise<string> {
    const [{ quoteName, quoteText }, { LEDGER }] = await Promise.all([
      import("../core/engine/duckdb.ts"),
      import("../core/lake/table_names.ts"),
    ]);
    const { target, letters } = this.#fed;
    const named = ({ namespace, name }: TableIdentifier) => [...namespace, name].map(quoteName).join(".");
    const { deadLetterReason, deadLetterDetail, rawRecord, sourceFile, sourcePosition, batchId } = OUR_COLUMNS;
    const columns = [deadLetterReason, deadLetterDetail, rawRecord, sourceFile, sourcePosition, batchId];
    const conditions = [
      ...last === undefined ? [] : [`${batchId} <= ${last}`],
      // On lines of its own: it may end with a comment.
      ...this.#conditions.map((condition) => `(\n${condition}\n)`),
    ];
    const ledger = LEDGER_COLUMNS;
    return `SELECT ${columns.map((name) => `l.${name}`).join(", ")}, f.${ledger.etag}, f.${ledger.size}
FROM (SELECT * FROM ${named(letters)}${conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`}) l
JOIN ${named(LEDGER)} f ON f.${ledger.sourceFile} = l.${sourceFile} AND f.${ledger.batchId} = l.${batchId}
  AND f.${quoteName(ledger.table)} = ${quoteText(target.name)}`;
  }
}

/** As the console's desk orders it: in a server, beside all else that it does. */
export function replayBy(tools: Omit<ReplayTools, "batchMemory">): Replay {
  return async ({ table, conditions, dryRun, signal, told }) => {
    const { besideProgram } = await import("../core/routing/memory_shares.ts");
    const { namespace, name } = table;
    const [fed] = await letterTargets(tools.surroundings.catalog, { namespace: namespace.join("."), name });
    const batchMemory = besideProgram(tools.machine.memory);
    return await new LetterReplay({ ...tools, batchMemory }, fed!, conditions, signal, told).run(dryRun);
  };
}

function figuresOf({ batches, events, changed }: ReplayReport): Pick<ReplayProgress, "batches" | "events" | "changed"> {
  return { batches, events, changed };
}

function finishedText(batchId: number, files: number, replayed: number | undefined): string {
  const what = replayed === undefined ? `of ${counted(files, "file")}` : `of ${counted(replayed, "dead letter")}`;
  return `Finished batch ${batchId} ${what}, which another run had begun`;
}
