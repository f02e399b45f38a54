/** A measurement that is offered. Labels are few: each combination is its own series. */
export interface Metric {
  name: string;
  type: "gauge" | "counter";
  /** One sentence; goes to the readers and into the documentation. */
  help: string;
  labels: readonly string[];
}

export interface MetricSample {
  metric: Metric;
  /** The labels' values, in their order. */
  labels: readonly string[];
  value: number;
}

/** Work that is over, with the work that it was made of. */
export interface FinishedWork {
  name: string;
  /** Milliseconds since 1970. */
  startMs: number;
  endMs: number;
  attributes: Readonly<Record<string, string | number | boolean>>;
  /** Why it failed. */
  error?: string | undefined;
  parts: readonly FinishedWork[];
}
