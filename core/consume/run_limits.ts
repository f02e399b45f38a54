import { counted } from "../base/counted.ts";
import { StreamlabError } from "../base/errors.ts";
import type { Limit } from "../base/limit.ts";
import type { BatchReport } from "./batch_report.ts";
import type { FileOutcome } from "../lake/routed_batch.ts";

/** Of fewer records a part says nothing: one bad file may be all that came. */
const PERCENT_OF_RECORDS_MIN = 1_000;

export interface RunLimitsOptions {
  onChangedFile: "ignore" | "ingest" | "fail";
  /** Of a run, or of the records of each batch; undefined: unlimited. */
  maxDeadLetters?: Limit;
  /** The table that has them: `dead_letters.events`. */
  deadLettersTable: string;
}

/** What stops a run. A batch is committed before it is checked. */
export class RunLimits {
  readonly #options: RunLimitsOptions;
  #deadLetters = 0;

  constructor(options: RunLimitsOptions) {
    this.#options = options;
  }

  /** Fails with `conflict` or `limit` after the batch that exceeds a limit. */
  check(report: BatchReport, missed: readonly FileOutcome[]): void {
    const { onChangedFile, deadLettersTable } = this.#options;
    this.#deadLetters += report.deadLetters;
    const rewritten = missed.find(({ status }) => status === "changed");
    if (rewritten !== undefined && onChangedFile === "fail") {
      throw new StreamlabError("conflict", `Cannot continue: ${rewritten.name} was rewritten while it was read`, {
        hint: "The rest of its batch is committed; run again, and its new content is ingested",
      });
    }
    const excess = this.#excess(report);
    if (excess === undefined) return;
    throw new StreamlabError("limit", `Stopped: ${excess}`, {
      hint: `What was ingested is committed; look into ${deadLettersTable}: streamlab maintain --dead-letters`,
    });
  }

  /** What is too much; undefined where nothing is. */
  #excess({ batchId, records, deadLetters }: BatchReport): string | undefined {
    const limit = this.#options.maxDeadLetters;
    if (limit === undefined) return undefined;
    if (limit.kind === "count") {
      if (this.#deadLetters <= limit.count) return undefined;
      const found = counted(this.#deadLetters, "dead letter is", "dead letters are");
      return `${found} more than --max-dead-letters ${limit.count}`;
    }
    if (records < PERCENT_OF_RECORDS_MIN || deadLetters * 100 <= limit.percent * records) return undefined;
    const found = `${counted(deadLetters, "dead letter")} of ${counted(records, "record")} in batch ${batchId}`;
    return `${found} are more than --max-dead-letters ${limit.percent}%`;
  }
}
