import { History, type HistoryTools, UPKEEP } from "../../lake/history.ts";
import type { UpkeepRecord } from "../../lake/upkeep_history.ts";

const RECORDS_MAX = 100;
const WAIT_MS_MAX = 5 * 60_000;
/** A store that takes none for long must not fill the memory. */
const KEPT_MAX = 1_000;

/** Records of a consumer's upkeep, written down together, not each by itself. */
export class UpkeepLog {
  readonly #tools: HistoryTools;
  #records: UpkeepRecord[] = [];
  #sinceMs = 0;

  constructor(tools: HistoryTools) {
    this.#tools = tools;
  }

  keep(record: UpkeepRecord): void {
    if (this.#records.length === 0) this.#sinceMs = this.#tools.clock.nowMs();
    this.#records.push(record);
  }

  /** Writes them down if there are many, or one has waited for long. */
  async flush(): Promise<void> {
    const { length } = this.#records;
    const hasWaited = length > 0 && this.#tools.clock.nowMs() - this.#sinceMs >= WAIT_MS_MAX;
    if (length >= RECORDS_MAX || hasWaited) await this.close();
  }

  /** Writes all of them down; where that fails they wait for the next time. */
  async close(): Promise<void> {
    const records = this.#records.splice(0);
    try {
      await new History(UPKEEP, this.#tools).add(records);
    } catch (error) {
      this.#records = [...records, ...this.#records].slice(-KEPT_MAX);
      this.#sinceMs = this.#tools.clock.nowMs();
      throw error;
    }
  }
}
