import { StreamlabError } from "../../base/errors.ts";
import { Gate } from "../../base/gate.ts";
import { Meter } from "../../base/meter.ts";
import { identifierText, requireTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import type { ReplayProgress, ReplayReport } from "../../maintain/letters/letter_choice.ts";
import type { Surroundings } from "../../maintain/surroundings.ts";
import { type Recorder, runRecorded } from "../../maintain/recorded_action.ts";
import type { ActionWork, TableActionName } from "../../maintain/table_actions.ts";

/** Letters of a table that are to be judged again. */
export interface ReplayOrder {
  table: TableIdentifier;
  /** Over the table's columns, in SQL; they must all hold. */
  conditions: readonly string[];
  dryRun: boolean;
  /** Ends it after the batch under way. */
  signal: AbortSignal;
  told(progress: ReplayProgress): void;
}

/** A replay is a batch of `consume`'s, of which the console knows nothing. */
export type Replay = (order: ReplayOrder) => Promise<ReplayReport>;

/** What `maintain` does to a table, for a console whose users may. One piece of work at once. */
export class UpkeepDesk {
  readonly #surroundings: Surroundings;
  readonly #machine: ActionWork["machine"];
  readonly #note: Recorder["note"];
  readonly #replay: Replay;
  readonly #gate = new Gate(1);

  constructor(surroundings: Surroundings, machine: ActionWork["machine"], note: Recorder["note"], replay: Replay) {
    this.#replay = replay;
    this.#surroundings = surroundings;
    this.#machine = machine;
    this.#note = note;
  }

  run(action: TableActionName, identifier: TableIdentifier, dryRun: boolean, signal: AbortSignal): Promise<object> {
    const surroundings = this.#surroundings, machine = this.#machine;
    return this.#inTurn(action, identifier, signal, async () => {
      const table = await requireTable(surroundings.catalog, identifier);
      const meter = new Meter(surroundings.clock);
      const work = { surroundings, machine, dryRun, signal, meter };
      return await runRecorded(action, work, table, { by: "serve", note: this.#note });
    });
  }

  replay(order: ReplayOrder): Promise<ReplayReport> {
    return this.#inTurn("replay-dead-letters", order.table, order.signal, () => this.#replay(order));
  }

  #inTurn<R>(action: string, table: TableIdentifier, signal: AbortSignal, work: () => Promise<R>): Promise<R> {
    return this.#gate.pass(1, async () => {
      // Nobody is left to see what it did.
      if (!signal.aborted) return await work();
      throw new StreamlabError(
        "interrupted",
        `Cannot run ${action} on ${identifierText(table)}: the client has gone`,
      );
    });
  }
}
