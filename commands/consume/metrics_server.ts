import { parseLocation } from "../../core/storage/location.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import type { Context } from "../line/command.ts";
import { listenError, tellFailure } from "../listening.ts";
import { type MachineSettings } from "../machine.ts";
import { openLake } from "../open_lake.ts";
import denoJson from "../../deno.json" with { type: "json" };

/** Of a consumer: /metrics, /healthz and /readyz, as `serve` has them. */
export interface MetricsServer {
  /** `http://127.0.0.1:9464` */
  address: string;
  close(): Promise<void>;
}

/** Listens on this machine only. */
export async function openMetricsServer(
  context: Context,
  port: number,
  surroundings: Surroundings,
  machine: MachineSettings,
): Promise<MetricsServer> {
  const [{ LakeServer }, { Guard }, { LakeWatch }, { BatchWatch }] = await Promise.all([
    import("../../core/serve/lake_server.ts"),
    import("../../core/serve/guard.ts"),
    import("../../core/serve/metrics/lake_watch.ts"),
    import("../../core/serve/metrics/batch_watch.ts"),
  ]);
  const { clock } = context;
  const server = new LakeServer({
    catalog: undefined,
    console: undefined,
    watch: new LakeWatch(surroundings, {
      ...machine,
      openRaw: (root) => openLake(context, parseLocation(root)),
      onFailure: (error) => void tellFailure(context, error, "look at the lake"),
    }),
    batches: new BatchWatch(surroundings.catalog, clock),
    guard: new Guard({ hosts: [], tokens: undefined, hostFlag: undefined }),
    clock,
    version: denoJson.version,
    onFailure: (error, request) => void tellFailure(context, error, request),
  });
  const end = new AbortController(), listening = Promise.withResolvers<number>();
  const place = { hostname: "127.0.0.1", port };
  const serving = server.serve(place, end.signal, (address) => listening.resolve(address.port))
    .catch((error) => listening.reject(listenError(error, { ...place, portFlag: "--metrics-port" })));
  const address = `http://127.0.0.1:${await listening.promise}`;
  return {
    address,
    close: async () => {
      end.abort();
      await serving;
    },
  };
}
