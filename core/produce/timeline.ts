import type { Clock } from "../base/clock.ts";
import { periodMs, type ProduceOptions } from "./options.ts";

/** When the events of one file happened: [fromMs, toMs), and when the file was written: toMs. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/** Hands out each file's span in turn; they never overlap. */
export type Timeline = () => Span;

/** The spacing of events where no pace says it (`--interval 0`). */
const EVENT_MS = 1;

/**
 * The stream's own time. With `startMs` it is simulated: files follow each other by the pace,
 * whatever the machine does, an event a millisecond where there is no pace. Else it is the clock's:
 * a file's events happened since the last file.
 */
export function timelineOf(options: ProduceOptions, clock: Clock): Timeline {
  const spanMs = periodMs(options.pace, options.batchSize) || options.batchSize * EVENT_MS;
  const { startMs } = options;
  if (startMs !== undefined) {
    let file = 0;
    return () => ({ fromMs: startMs + spanMs * file++, toMs: startMs + spanMs * file });
  }
  let lastMs = clock.nowMs() - spanMs;
  return () => {
    const span = { fromMs: lastMs, toMs: Math.max(lastMs, clock.nowMs()) };
    lastMs = span.toMs;
    return span;
  };
}
