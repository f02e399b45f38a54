import type { SampleSource } from "../core/serve/metrics/lake_samples.ts";
import { OpenTelemetry, wantsTelemetry } from "../core/telemetry/open_telemetry.ts";
import type { Context } from "./line/command.ts";
import { printNote } from "./line/output.ts";
import { tellFailure } from "./listening.ts";
import denoJson from "../deno.json" with { type: "json" };

/** OpenTelemetry, where the environment asks for it and the program has it. */
export async function openTelemetry(context: Context): Promise<OpenTelemetry | undefined> {
  if (!wantsTelemetry(context.env)) return undefined;
  const telemetry = await OpenTelemetry.open(denoJson.version);
  if (telemetry.isHeard()) return telemetry;
  await printNote(
    context,
    "OTEL_DENO is set, but this program was compiled without OpenTelemetry: docs/metrics.md says how to have it",
  );
  return undefined;
}

/**
 * Has a lake's metrics exported. A run that is over by itself may be so before the runtime exports
 * for the first time, so it tells them at its end.
 */
export async function observeLake(
  context: Context,
  telemetry: OpenTelemetry,
  source: SampleSource,
  once: boolean,
): Promise<{ end(): Promise<void> }> {
  const [{ readSamples }, { METRICS }] = await Promise.all([
    import("../core/serve/metrics/lake_samples.ts"),
    import("../core/serve/metrics/metric.ts"),
  ]);
  const read = async () => {
    try {
      return await readSamples(source);
    } catch (error) {
      await tellFailure(context, error, "export metrics");
      return [];
    }
  };
  if (once) return { end: async () => telemetry.record(await read()) };
  const end = telemetry.observe(Object.values(METRICS), read);
  return { end: () => Promise.resolve(end()) };
}
