import { counted } from "../core/base/counted.ts";
import type { BatchReport } from "../core/consume/batch_report.ts";
import type { TableIdentifier } from "../core/iceberg/catalog/catalog.ts";
import { LEDGER_COLUMNS, OUR_COLUMNS } from "../core/lake/our_columns.ts";
import type { TargetRecord } from "../core/lake/target_record.ts";
import type {
  LetterChoice,
  ReplayedLetter,
  ReplayProgress,
  ReplayReport,
} from "../core/maintain/letters/letter_choice.ts";
import type { Replay } from "../core/serve/console/upkeep_desk.ts";
import { checkRecord, type JudgingAgain, type JudgingTools, openSession, recordToJudgeBy } from "./judging_again.ts";
import { type LetterTarget, letterTargets } from "./letter_targets.ts";

/** Which letters of a table: conditions over its columns, in SQL, that must all hold. */
export type LetterConditions = readonly string[];

/** Judges dead letters of a target again, by the contract of today. */
export class LetterReplay {
  readonly #tools: JudgingTools;
  readonly #fed: LetterTarget;
  readonly #judging: JudgingAgain;
  readonly #conditions: LetterConditions;
  readonly #signal: AbortSignal;
  readonly #told: (progress: ReplayProgress) => void;

  /** `signal` ends it after the batch under way; what was replayed stays. */
  constructor(
    tools: JudgingTools,
    fed: LetterTarget,
    conditions: LetterConditions,
    signal: AbortSignal,
    told: (progress: ReplayProgress) => void = () => {},
  ) {
    this.#tools = tools;
    this.#fed = fed;
    this.#judging = { tools, target: fed.target, verb: "replay letters" };
    this.#conditions = conditions;
    this.#signal = signal;
    this.#told = told;
  }

  /** In a dry run the letters are counted, and nothing is changed. */
  async run(dryRun: boolean): Promise<ReplayReport> {
    const record = await recordToJudgeBy(this.#judging);
    const done: ReplayReport = { reasons: [], batches: 0, events: 0, changed: 0 };
    if (dryRun) done.reasons = (await this.#choose(record, undefined, done)).reasons;
    else await this.#replay(record, done);
    return done;
  }

  async #replay(record: TargetRecord, done: ReplayReport): Promise<void> {
    const { surroundings: { catalog } } = this.#tools;
    const signal = this.#signal;
    let last: bigint | undefined;
    const session = await openSession(this.#judging, record, {
      batch: (batch) => this.#count(batch, done),
      file: () => {},
    });
    try {
      for (let isCut = true; isCut && !signal.aborted;) {
        let choice: LetterChoice | undefined;
        const isOurs = await session.takeAgain(async (doneBatchId) => {
          await checkRecord(this.#judging, record);
          // Letters of this replay's own batches are not looked at again.
          choice = await this.#choose(record, last ??= doneBatchId, done);
          this.#told({ ...figuresOf(done), step: "moving", letters: choice.chosen });
          const { files } = choice;
          return files.length === 0 ? undefined : { format: 2, replay: files };
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
  AND f.${quoteName(ledger.table)} = ${quoteText(target.name)} AND f.${ledger.status} <> 'reingested'`;
  }
}

/** As the console's desk orders it: in a server, beside all else that it does. */
export function replayBy(tools: Omit<JudgingTools, "batchMemory">): Replay {
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
