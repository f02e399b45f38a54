import type { Clock } from "../base/clock.ts";
import type { StepTime } from "../base/meter.ts";
import type { FinishedWork } from "../telemetry/measurement.ts";
import type { BatchReport, ConsumerReport } from "./batch_report.ts";

/** With it each round begins: what was timed before belongs to no batch. */
const FIRST_STEP = "discover";

interface UnderWay {
  batchId: number;
  files: number;
  resumed: boolean;
  startedMs: number;
}

/** A target's batches as traces: each batch a span, with one for each of its steps. */
export class BatchSpans {
  #steps: StepTime[] = [];
  #underWay: UnderWay | undefined;
  readonly #target: string;
  readonly #clock: Clock;
  readonly #add: (work: FinishedWork) => void;

  constructor(target: string, clock: Clock, add: (work: FinishedWork) => void) {
    this.#target = target;
    this.#clock = clock;
    this.#add = add;
  }

  /** For the meter that times the batches. */
  step(time: StepTime): void {
    if (time.step === FIRST_STEP) this.#steps = [];
    this.#steps.push(time);
  }

  /** Hears what is told to `report`, too. */
  besides(report: ConsumerReport): Required<ConsumerReport> {
    return {
      started: (batch) => {
        this.#underWay = { ...batch, startedMs: this.#clock.nowMs() };
        report.started?.(batch);
      },
      batch: (batch) => {
        this.#finish(batch);
        report.batch(batch);
      },
      idle: () => report.idle?.(),
      file: (name, what, detail) => report.file(name, what, detail),
      note: (text) => report.note(text),
    };
  }

  /** The batch under way, if there is one, goes no further. */
  failed(reason: string): void {
    if (this.#underWay === undefined) return;
    const { batchId, files, resumed } = this.#underWay;
    this.#end({ batchId, files, resumed }, reason);
  }

  #finish({ batchId, files, resumed, bytes, records, events, deadLetters, duplicates }: BatchReport): void {
    this.#end({ batchId, files, resumed, bytes, records, events, dead_letters: deadLetters, duplicates });
  }

  #end({ batchId, ...figures }: Record<string, number | boolean>, error?: string): void {
    const endMs = this.#clock.nowMs();
    const starts = [this.#underWay?.startedMs ?? endMs, ...this.#steps.map(({ startMs }) => startMs)];
    const parts = this.#steps.map(({ step, startMs, endMs, hasFailed }) => ({
      name: step,
      startMs,
      endMs,
      attributes: {},
      error: hasFailed ? "it failed" : undefined,
      parts: [],
    }));
    const attributes = Object.fromEntries(
      Object.entries({ target: this.#target, batch_id: batchId!, ...figures }).map((
        [name, value],
      ) => [`streamlab.${name}`, value]),
    );
    this.#steps = [];
    this.#underWay = undefined;
    this.#add({ name: "batch", startMs: Math.min(...starts), endMs, attributes, error, parts });
  }
}
