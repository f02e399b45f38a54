import type { Measured } from "./measured_process.ts";

/** One way to do a work, timed from process start to exit. */
export interface Way {
  name: string;
  run(output: string): Promise<Measured>;
}

/** Two ways on the same input; figures are the first's against the second's. */
export interface PairedWork {
  ways: [Way, Way];
  /** Events that both read. */
  events: number;
  bytes: number;
}
