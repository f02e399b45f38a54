import { messageOf } from "../../core/base/errors.ts";
import type { Meter } from "../../core/base/meter.ts";
import type { ConsumerReport } from "../../core/consume/batch_report.ts";
import { BatchSpans } from "../../core/consume/batch_spans.ts";
import type { OpenTelemetry } from "../../core/telemetry/open_telemetry.ts";
import type { Context } from "../line/command.ts";
import { scrub } from "../line/errors.ts";
import { secretsIn } from "../line/program.ts";

/** The traces of a target's batches, without the secrets that an error may hold. */
export class TargetSpans {
  readonly #context: Context;
  readonly #batches: BatchSpans;

  constructor(context: Context, telemetry: OpenTelemetry, target: string, meter: Meter) {
    this.#context = context;
    this.#batches = new BatchSpans(target, context.clock, (work) => telemetry.add(work));
    meter.onStep((time) => this.#batches.step(time));
  }

  besides(report: ConsumerReport): ConsumerReport {
    return this.#batches.besides(report);
  }

  failed(error: unknown): void {
    this.#batches.failed(scrub(messageOf(error), secretsIn(this.#context)));
  }
}
