import { Scratch } from "../../disk/scratch.ts";
import { SqlRewriting } from "../compaction/compact_table.ts";
import type { Rewriting } from "../compaction/rewriting.ts";
import type { Surroundings } from "../surroundings.ts";
import { Workshop, type WorkshopOptions } from "../workshop.ts";

/** A workshop that is opened by the first rewrite, and serves all that follow. */
export class UpkeepWorkshop {
  #opened: Promise<Workshop> | undefined;
  #pieces = 0;
  readonly #surroundings: Surroundings;
  readonly #options: Omit<WorkshopOptions, "leavesLake">;

  constructor(surroundings: Surroundings, options: Omit<WorkshopOptions, "leavesLake">) {
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /** Each with scratch of its own: DuckDB keeps what it has read of a path. */
  async openRewriting(): Promise<Rewriting> {
    this.#opened ??= Workshop.open(this.#surroundings, { ...this.#options, leavesLake: false });
    let workshop: Workshop;
    try {
      workshop = await this.#opened;
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
    const scratch = Scratch.create(workshop.scratch.path(`piece-${this.#pieces++}`));
    return new SqlRewriting({ connection: workshop.connection, scratch }, [], () => scratch.remove());
  }

  async close(): Promise<void> {
    (await this.#opened)?.close();
  }
}
