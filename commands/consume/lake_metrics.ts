import { parseLocation } from "../../core/storage/location.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import type { SampleSource } from "../../core/serve/metrics/lake_samples.ts";
import type { OpenTelemetry } from "../../core/telemetry/open_telemetry.ts";
import type { Context } from "../line/command.ts";
import { printNote } from "../line/output.ts";
import { listenError, tellFailure } from "../listening.ts";
import { type MachineSettings } from "../machine.ts";
import { openLake } from "../open_lake.ts";
import { observeLake } from "../telemetry.ts";
import denoJson from "../../deno.json" with { type: "json" };

export interface MetricsWishes {
  /** To offer /metrics, /healthz and /readyz at, as `serve` has them. */
  port: number | undefined;
  telemetry: OpenTelemetry | undefined;
  /** The run ends by itself. */
  once: boolean;
}

/** What a consumer tells of its lake while it runs. */
export interface LakeMetrics {
  /** `http://127.0.0.1:9464`; undefined where nothing is offered. */
  address: string | undefined;
  close(): Promise<void>;
}

/** Undefined where nobody wishes any. */
export async function openLakeMetrics(
  context: Context,
  { port, telemetry, once }: MetricsWishes,
  surroundings: Surroundings,
  machine: MachineSettings,
): Promise<LakeMetrics | undefined> {
  if (port === undefined && telemetry === undefined) return undefined;
  const source = await openSource(context, surroundings, machine);
  const exporting = telemetry && await observeLake(context, telemetry, source, once);
  const server = port === undefined ? undefined : await openServer(context, port, source);
  return {
    address: server?.address,
    close: async () => {
      await Promise.all([exporting?.end(), server?.close()]);
    },
  };
}

async function openSource(
  context: Context,
  surroundings: Surroundings,
  machine: MachineSettings,
): Promise<SampleSource> {
  const [{ LakeWatch }, { BatchWatch }] = await Promise.all([
    import("../../core/serve/metrics/lake_watch.ts"),
    import("../../core/serve/metrics/batch_watch.ts"),
  ]);
  const { clock } = context;
  const onFailure = (error: unknown) => void tellFailure(context, error, "look at the lake");
  const watch = new LakeWatch(surroundings, {
    ...machine,
    openRaw: (root) => openLake(context, parseLocation(root)),
    onFailure,
  });
  return { watch, batches: new BatchWatch(surroundings.catalog, clock, onFailure), clock, version: denoJson.version };
}

/** Listens on this machine only. */
async function openServer(context: Context, port: number, source: SampleSource) {
  const [{ LakeServer }, { Guard }] = await Promise.all([
    import("../../core/serve/lake_server.ts"),
    import("../../core/serve/guard.ts"),
  ]);
  const server = new LakeServer({
    ...source,
    catalog: undefined,
    console: undefined,
    guard: new Guard({ hosts: [], tokens: undefined, hostAdvice: "ask for 127.0.0.1" }),
    onFailure: (error, request) => void tellFailure(context, error, request),
  });
  const end = new AbortController(), listening = Promise.withResolvers<number>();
  const place = { hostname: "127.0.0.1", port };
  const serving = server.serve(place, end.signal, (address) => listening.resolve(address.port))
    .catch((error) => listening.reject(listenError(error, { ...place, portFlag: "--metrics-port" })));
  const address = `http://127.0.0.1:${await listening.promise}`;
  await printNote(context, `Metrics at ${address}/metrics`);
  return {
    address,
    close: async () => {
      end.abort();
      await serving;
    },
  };
}
