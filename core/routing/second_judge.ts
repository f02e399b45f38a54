import type { Clock } from "../base/clock.ts";
import { Meter } from "../base/meter.ts";
import type { Random } from "../base/random.ts";
import type { Contract, OnExtraFields } from "../contract/contract.ts";
import { removeTree } from "../disk/removal.ts";
import { identifierText } from "../iceberg/catalog/catalog.ts";
import { openLocalStore } from "../storage/local/local_store.ts";
import type { Store } from "../storage/store.ts";
import type { PlannedFile } from "../lake/batch_plan.ts";
import type { RawZone } from "../lake/raw_zone.ts";
import { EmbeddedRouter } from "./router.ts";
import type { TargetTables } from "../lake/target.ts";

export interface SecondJudgeOptions {
  tables: TargetTables;
  contract: Contract;
  onExtraFields: OnExtraFields;
  zone: RawZone;
  clock: Clock;
  random: Random;
  threads: number;
  /** DuckDB's memory limit, as it writes it. */
  memory: string;
  /** Local folder, made here and removed at the end. */
  folder: string;
}

/**
 * What routing makes of raw files: local Parquet files with the rows that belong into the two
 * tables.
 */
export interface SecondJudgement {
  events: string[];
  deadLetters: string[];
  /** Names of files that are not what they were when they were looked at. */
  missing: string[];
}

/**
 * Judges raw files once more, for an audit: by the same routing as consume, into a folder that no
 * table knows of.
 */
export class SecondJudge {
  #batches = 0;
  readonly #options: SecondJudgeOptions;
  readonly #sink: Store;
  readonly #router: EmbeddedRouter;

  private constructor(options: SecondJudgeOptions, sink: Store, router: EmbeddedRouter) {
    this.#options = options;
    this.#sink = sink;
    this.#router = router;
  }

  static async open(options: SecondJudgeOptions): Promise<SecondJudge> {
    const { zone, clock, random, threads, memory, folder } = options;
    const sink = openLocalStore(`${folder}/judged`, { random, clock, durable: false });
    const scratchFolder = `${folder}/scratch`;
    const router = await EmbeddedRouter.open({ raw: zone.store, sink, clock, random, threads, memory, scratchFolder });
    return new SecondJudge(options, sink, router);
  }

  /** What it returns lies there until the next call. */
  async judge(files: readonly PlannedFile[]): Promise<SecondJudgement> {
    removeTree(this.#sink.root);
    const { tables, contract, onExtraFields, zone, clock } = this.#options;
    const { routed, paths } = await this.#router.route(
      {
        format: 1,
        sequenceId: "audit",
        batchId: ++this.#batches,
        plannedAt: new Date(clock.nowMs()).toISOString(),
        table: identifierText(tables.events.identifier),
        raw: zone.nameBase,
        contract: contract.text,
        options: { onExtraFields, ...(zone.format === undefined ? {} : { format: zone.format }) },
        files: [...files],
        changed: [],
      },
      tables,
      new Meter(clock),
    );
    const local = paths.map((path) => this.#sink.localPath(path)!);
    const eventsEnd = routed.events.files.length;
    return {
      events: local.slice(0, eventsEnd),
      deadLetters: local.slice(eventsEnd, eventsEnd + routed.deadLetters.files.length),
      missing: routed.files.filter(({ status }) => status !== "ingested").map(({ name }) => name),
    };
  }

  close(): void {
    this.#router.close();
    removeTree(this.#options.folder);
  }
}
