import type { Clock } from "../../base/clock.ts";
import type { Meter } from "../../base/meter.ts";
import type { Random } from "../../base/random.ts";
import { Scratch } from "../../disk/scratch.ts";
import type { BatchPlan, ReplayedFile } from "../../lake/batch_plan.ts";
import { batchStem, newAttempt } from "../../lake/data_file_name.ts";
import type { RoutedBatch } from "../../lake/routed_batch.ts";
import type { TargetTables } from "../../lake/target.ts";
import type { Store } from "../../storage/store.ts";
import type { RowRemoval } from "../row_removal.ts";
import type { RoutingEngine } from "../routing_engine.ts";
import { PlacedRemoval } from "./placed_removal.ts";
import { type RoutedLetters, routeLetters } from "./route_letters.ts";
import { SqlRowPlaces } from "./sql_row_places.ts";

export interface LetterRouterOptions {
  clock: Clock;
  random: Random;
  scratchFolder: string;
}

/** Replays dead letters, in this process: they are few, whatever routes the batches of files. */
export class LetterRouter {
  readonly #engine: RoutingEngine;
  readonly #options: LetterRouterOptions;

  constructor(engine: RoutingEngine, options: LetterRouterOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  async route(
    plan: BatchPlan,
    files: readonly ReplayedFile[],
    tables: TargetTables,
    meter: Meter,
  ): Promise<RoutedLetters> {
    const attempt = newAttempt(this.#options.random);
    const ingestedAtMicros = BigInt(this.#options.clock.nowMs()) * 1000n;
    const scratch = this.#scratch(plan.batchId, attempt);
    try {
      return await routeLetters(plan, files, tables, {
        engine: this.#engine,
        scratch,
        meter,
        attempt,
        ingestedAtMicros,
      });
    } finally {
      scratch.remove();
    }
  }

  /** For one table. */
  async removal(routed: RoutedBatch, sink: Store): Promise<RowRemoval> {
    const { clock, random } = this.#options;
    const connection = await this.#engine.connect();
    const scratch = this.#scratch(routed.batchId, newAttempt(random));
    return new PlacedRemoval({ sink, clock, random }, new SqlRowPlaces(connection, scratch, routed));
  }

  #scratch(batchId: number, attempt: string): Scratch {
    return Scratch.create(`${this.#options.scratchFolder}/${batchStem(batchId, attempt)}`);
  }
}
