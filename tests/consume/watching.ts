import { strictEqual } from "node:assert/strict";
import type { BatchReport } from "../../core/consume/batch_report.ts";
import { ConsumeSession, type ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import type { ConsumeWorld } from "./consume_world.ts";

export const event = (id: string): string =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}`;

/** A consumer that watches; what it has committed can be waited for. */
export class Watching {
  events = 0;
  #waiting: (() => void)[] = [];
  readonly batches: BatchReport[] = [];
  /** Of the run. */
  ended: Promise<void> = Promise.resolve();

  static async use(
    world: ConsumeWorld,
    changes: Partial<ConsumeSessionOptions>,
    action: (watching: Watching) => Promise<void>,
    triggerMs = 0,
  ): Promise<void> {
    const watching = new Watching();
    const report = {
      batch: (batch: BatchReport) => watching.#note(batch),
      file: (name: string, what: string) => void world.remarks.push(`${name} ${what}`),
      note: (text: string) => void world.remarks.push(text),
    };
    const session = await ConsumeSession.open(world.options({ ...changes, report }));
    const stop = new AbortController();
    const running = session.run(stop.signal, triggerMs, (error) => void world.remarks.push(error.message));
    watching.ended = running;
    try {
      // What ends the run early ends the test as well, instead of a wait for ever.
      await Promise.race([action(watching), running.then(() => Promise.reject(new Error("The run has ended")))]);
    } finally {
      stop.abort();
      await running.catch(() => {});
      session.close();
    }
  }

  /** Resolves when so many events have been committed since the start. */
  async total(events: number): Promise<void> {
    while (this.events < events) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    strictEqual(this.events, events);
  }

  /** Resolves when there are so many batches. */
  async reached(batches: number): Promise<void> {
    while (this.batches.length < batches) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Fails as soon as there are more batches than that. */
  async noMoreThan(batches: number): Promise<never> {
    while (this.batches.length <= batches) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    throw new Error(`There are ${this.batches.length} batches, not ${batches}`);
  }

  #note(batch: BatchReport): void {
    this.batches.push(batch);
    this.events += batch.events;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
