import type { Measured } from "./measured_process.ts";

/** Timed from process start to exit. */
export interface WayRun extends Measured {
  /** Without the start, of a way that takes long for it and tells. */
  workSeconds?: number;
}

/** One way to do a work. */
export interface Way {
  name: string;
  run(output: string): Promise<WayRun>;
}

/** Ways on the same input; figures are those of each against the last. */
export interface PairedWork {
  ways: [Way, ...Way[], Way];
  /** Events that all read. */
  events: number;
  bytes: number;
}
