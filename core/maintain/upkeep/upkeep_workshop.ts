import { Scratch } from "../../disk/scratch.ts";
import { SqlRewriting } from "../compaction/compact_table.ts";
import { JoiningRewriting } from "../compaction/join_group.ts";
import type { Rewriting } from "../compaction/rewriting.ts";
import type { Surroundings } from "../surroundings.ts";
import { Workshop, type WorkshopOptions } from "../workshop.ts";

/** A workshop that is opened by the first rewrite that needs it, and serves all that follow. */
export class UpkeepWorkshop {
  #opened: Promise<Workshop> | undefined;
  #pieces = 0;
  /** Fulfilled when the rewriting that was opened last is closed. */
  #last: Promise<void> = Promise.resolve();
  readonly #surroundings: Surroundings;
  readonly #options: Omit<WorkshopOptions, "leavesLake">;

  constructor(surroundings: Surroundings, options: Omit<WorkshopOptions, "leavesLake">) {
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /** Small files are joined without a workshop. `stop` ends it in the middle of a group. */
  openRewriting(stop?: AbortSignal): Rewriting {
    return new JoiningRewriting(() => this.#openSql(stop), stop);
  }

  /**
   * Each with scratch of its own: DuckDB keeps what it has read of a path. One after another: a
   * connection has one statement at a time, and memory was admitted for one rewrite.
   */
  async #openSql(stop: AbortSignal | undefined): Promise<Rewriting> {
    const before = this.#last;
    const { promise, resolve: end } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      const workshop = await this.#open();
      const scratch = Scratch.create(workshop.scratch.path(`piece-${this.#pieces++}`));
      const close = () => {
        end();
        scratch.remove();
      };
      const { connection } = workshop;
      return new SqlRewriting({ connection, connect: () => workshop.connect(), scratch }, [], close, stop);
    } catch (error) {
      end();
      throw error;
    }
  }

  async #open(): Promise<Workshop> {
    // One thread reads file after file, so rows keep their order all the same.
    this.#opened ??= Workshop.open(this.#surroundings, { ...this.#options, keepsOrder: false, leavesLake: false });
    try {
      return await this.#opened;
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    (await this.#opened)?.close();
  }
}
