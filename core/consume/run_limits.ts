import { counted } from "../base/counted.ts";
import { StreamlabError } from "../base/errors.ts";
import type { BatchReport } from "./batch_report.ts";
import type { FileOutcome } from "../lake/routed_batch.ts";

export interface RunLimitsOptions {
  onChangedFile: "ignore" | "ingest" | "fail";
  /** Dead letters that a run may have; undefined: unlimited. */
  maxDeadLetters?: number;
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
  check({ deadLetters }: BatchReport, missed: readonly FileOutcome[]): void {
    const { onChangedFile, maxDeadLetters, deadLettersTable } = this.#options;
    this.#deadLetters += deadLetters;
    const rewritten = missed.find(({ status }) => status === "changed");
    if (rewritten !== undefined && onChangedFile === "fail") {
      throw new StreamlabError("conflict", `Cannot continue: ${rewritten.name} was rewritten while it was read`, {
        hint: "The rest of its batch is committed; run again, and its new content is ingested",
      });
    }
    if (maxDeadLetters === undefined || this.#deadLetters <= maxDeadLetters) return;
    throw new StreamlabError(
      "limit",
      `Stopped: ${
        counted(this.#deadLetters, "dead letter is", "dead letters are")
      } more than --max-dead-letters ${maxDeadLetters}`,
      { hint: `What was ingested is committed; look into ${deadLettersTable}` },
    );
  }
}
