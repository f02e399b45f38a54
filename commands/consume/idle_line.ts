import type { Context } from "../line/command.ts";
import { formatDuration, type ScriptRecord } from "../line/output.ts";

/** How often a line is redrawn on a terminal, and how often it is printed elsewhere. */
const REDRAWN_MS = 1_000, PRINTED_MS = 300_000;

export interface IdleOptions {
  /** A line that stands on a terminal, else one now and then. */
  redraws: boolean;
  say(record: ScriptRecord, text: string): void;
}

/** Shows that a consumer waits for files: nothing lags behind, and how long ago the last came. */
export class IdleLine {
  lastBatch: { batchId: number; doneMs: number } | undefined;
  readonly #context: Context;
  readonly #options: IdleOptions;
  #waiting: AbortController | undefined;
  #sinceMs = 0;
  #written: Promise<void> = Promise.resolve();
  #isDrawn = false;

  constructor(context: Context, options: IdleOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Goes on where it had begun. */
  begin(): void {
    if (this.#waiting !== undefined) return;
    this.#waiting = new AbortController();
    this.#sinceMs = this.#context.clock.nowMs();
    void this.#show(this.#waiting.signal);
  }

  end(): void {
    this.#waiting?.abort();
    this.#waiting = undefined;
    void this.clear();
  }

  /** Removes the drawn line, so that another starts on a clean one. */
  clear(): Promise<void> {
    if (this.#isDrawn) this.#draw("");
    this.#isDrawn = false;
    return this.#written;
  }

  async #show(signal: AbortSignal): Promise<void> {
    const { redraws, say } = this.#options;
    const { clock } = this.#context;
    while (!signal.aborted) {
      if (redraws) {
        this.#isDrawn = true;
        this.#draw(this.#text());
      }
      await clock.sleep(redraws ? REDRAWN_MS : PRINTED_MS, signal);
      if (!redraws && !signal.aborted) say(this.#record(), this.#text());
    }
  }

  #record(): ScriptRecord {
    const idleMs = Math.round(this.#context.clock.nowMs() - this.#sinceMs);
    return { action: "idle", waitingFiles: 0, lagMs: 0, lastBatchId: this.lastBatch?.batchId ?? null, idleMs };
  }

  #text(): string {
    const nowMs = this.#context.clock.nowMs();
    const since = ` for ${ago(nowMs - this.#sinceMs)}`;
    if (this.lastBatch === undefined) return `Nothing waits (lag 0s)${since}`;
    const { batchId, doneMs } = this.lastBatch;
    return `Nothing waits (lag 0s)${since}; batch ${batchId} was done ${ago(nowMs - doneMs)} ago`;
  }

  #draw(line: string): void {
    const { columns } = this.#context.terminalSize();
    this.#written = this.#written.then(() => this.#context.stderr.redraw(line.slice(0, columns - 1))).catch(() => {});
  }
}

/** In whole seconds: it is redrawn each second. */
function ago(ms: number): string {
  return ms < 60_000 ? `${Math.floor(Math.max(0, ms) / 1_000)}s` : formatDuration(ms);
}
