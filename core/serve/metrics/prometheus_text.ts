import type { Metric, MetricSample } from "../../telemetry/measurement.ts";

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Prometheus' text format: each metric once, with all of its samples below it. */
export function prometheusText(samples: readonly MetricSample[]): string {
  const byMetric = Map.groupBy(samples, ({ metric }) => metric);
  return [...byMetric].map(([metric, own]) =>
    `# HELP ${metric.name} ${escape(metric.help)}\n# TYPE ${metric.name} ${metric.type}\n${own.map(line).join("")}`
  ).join("");
}

function line({ metric, labels, value }: MetricSample): string {
  return `${metric.name}${labelText(metric, labels)} ${Number.isNaN(value) ? "NaN" : value}\n`;
}

function labelText({ labels: names }: Metric, values: readonly string[]): string {
  if (names.length === 0) return "";
  return `{${names.map((name, i) => `${name}="${escape(values[i]!).replaceAll('"', '\\"')}"`).join(",")}}`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
