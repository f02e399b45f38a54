import type { Attributes, Context, Meter, MetricOptions, Observable, Tracer } from "@opentelemetry/api";
import type { FinishedWork, Metric, MetricSample } from "./measurement.ts";

type Api = typeof import("@opentelemetry/api");

const SCOPE = "streamlab";
/** As OpenTelemetry spells them (UCUM), by the end of a metric's name. */
const UNITS = { "_seconds": "s", "_bytes": "By" } as const;

/** Whether the environment asks for it, as Deno reads it: Deno itself exports what is told here. */
export function wantsTelemetry(env: (name: string) => string | undefined): boolean {
  const says = (name: string) => env(name)?.toLowerCase() === "true";
  return says("OTEL_DENO") && !says("OTEL_SDK_DISABLED");
}

/**
 * OpenTelemetry's API, with the exporter that the runtime has. The package of the API is loaded for
 * whoever opens this, and for nobody else.
 */
export class OpenTelemetry {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #meter: Meter;

  private constructor(api: Api, version: string) {
    this.#api = api;
    this.#tracer = api.trace.getTracer(SCOPE, version);
    this.#meter = api.metrics.getMeter(SCOPE, version);
  }

  static async open(version: string): Promise<OpenTelemetry> {
    return new OpenTelemetry(await import("@opentelemetry/api"), version);
  }

  /** Whether the runtime takes what is told: a compiled program may have been made without it. */
  isHeard(): boolean {
    return this.#tracer.startSpan("probe").isRecording();
  }

  /** A span, and one within it for each part. */
  add(work: FinishedWork): void {
    this.#add(work, this.#api.ROOT_CONTEXT);
  }

  /**
   * Has these metrics read whenever the runtime exports them. `read` must not throw. What is
   * returned ends it.
   */
  observe(metrics: readonly Metric[], read: () => Promise<readonly MetricSample[]>): () => void {
    const instruments = new Map(metrics.map((metric): [Metric, Observable] => [metric, this.#observable(metric)]));
    const all = [...instruments.values()];
    const callback: Parameters<Meter["addBatchObservableCallback"]>[0] = async (result) => {
      for (const { metric, labels, value } of await read()) {
        const instrument = instruments.get(metric);
        if (instrument !== undefined) result.observe(instrument, value, attributesOf(metric, labels));
      }
    };
    this.#meter.addBatchObservableCallback(callback, all);
    return () => this.#meter.removeBatchObservableCallback(callback, all);
  }

  /** Tells these values once: for a run that ends before the runtime reads what it observes. */
  record(samples: readonly MetricSample[]): void {
    for (const [metric, own] of Map.groupBy(samples, ({ metric }) => metric)) {
      const options = optionsOf(metric);
      const tell = metric.type === "counter"
        ? this.#meter.createCounter(metric.name, options)
        : this.#meter.createGauge(metric.name, options);
      for (const { labels, value } of own) {
        const attributes = attributesOf(metric, labels);
        if ("add" in tell) tell.add(value, attributes);
        else tell.record(value, attributes);
      }
    }
  }

  #add({ name, startMs, endMs, attributes, error, parts }: FinishedWork, around: Context): void {
    const { SpanStatusCode, trace } = this.#api;
    const span = this.#tracer.startSpan(name, { startTime: startMs, attributes: { ...attributes } }, around);
    const within = trace.setSpan(around, span);
    for (const part of parts) this.#add(part, within);
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(endMs);
  }

  #observable(metric: Metric): Observable {
    const options = optionsOf(metric);
    return metric.type === "counter"
      ? this.#meter.createObservableCounter(metric.name, options)
      : this.#meter.createObservableGauge(metric.name, options);
  }
}

function optionsOf({ name, help }: Metric): MetricOptions {
  const base = name.replace(/_total$/, "");
  const unit = Object.entries(UNITS).find(([end]) => base.endsWith(end))?.[1];
  return unit === undefined ? { description: help } : { description: help, unit };
}

function attributesOf({ labels }: Metric, values: readonly string[]): Attributes {
  return Object.fromEntries(labels.map((label, index) => [label, values[index]!]));
}
