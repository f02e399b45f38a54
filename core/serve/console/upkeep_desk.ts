import { StreamlabError } from "../../base/errors.ts";
import { Gate } from "../../base/gate.ts";
import { Meter } from "../../base/meter.ts";
import { identifierText, requireTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import type { Surroundings } from "../../maintain/surroundings.ts";
import { type Recorder, runRecorded } from "../../maintain/recorded_action.ts";
import type { ActionWork, TableActionName } from "../../maintain/table_actions.ts";

/** What `maintain` does to a table, for a console whose users may. One piece of work at once. */
export class UpkeepDesk {
  readonly #surroundings: Surroundings;
  readonly #machine: ActionWork["machine"];
  readonly #note: Recorder["note"];
  readonly #gate = new Gate(1);

  constructor(surroundings: Surroundings, machine: ActionWork["machine"], note: Recorder["note"]) {
    this.#surroundings = surroundings;
    this.#machine = machine;
    this.#note = note;
  }

  run(action: TableActionName, identifier: TableIdentifier, dryRun: boolean, signal: AbortSignal): Promise<object> {
    const surroundings = this.#surroundings, machine = this.#machine;
    return this.#gate.pass(1, async () => {
      // Nobody is left to see what it did.
      if (signal.aborted) {
        throw new StreamlabError(
          "interrupted",
          `Cannot run ${action} on ${identifierText(identifier)}: the client has gone`,
        );
      }
      const table = await requireTable(surroundings.catalog, identifier);
      const meter = new Meter(surroundings.clock);
      const work = { surroundings, machine, dryRun, signal, meter };
      return await runRecorded(action, work, table, { by: "serve", note: this.#note });
    });
  }
}
