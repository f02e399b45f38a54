import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { METRICS } from "../../core/serve/metrics/metric.ts";
import { inFolder, startStreamlab, streamlab, succeed } from "./program.ts";

const isCompiled = Deno.env.get("STREAMLAB_BIN") !== undefined;
const CONSUME = ["consume", "--once", "--max-files-per-batch", "1"];

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status: { code: number; message: string };
}

interface Attribute {
  key: string;
  value: Record<string, string | number>;
}

interface Points {
  dataPoints: { attributes: Attribute[]; asDouble: number }[];
  isMonotonic?: boolean;
}

interface Told {
  name: string;
  unit: string;
  description: string;
  gauge?: Points;
  sum?: Points;
}

/** What a collector was sent, by OpenTelemetry's protocol over HTTP. */
class Collector {
  readonly spans: Span[] = [];
  readonly metrics: Told[] = [];
  readonly services = new Set<string>();
  readonly env: Record<string, string>;
  #waiting: { isMet: () => boolean; resolve: () => void } | undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      this.#take(await request.json());
      return Response.json({});
    });
    this.env = {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_SERVICE_NAME: "streamlab",
    };
  }

  static async use(action: (collector: Collector) => Promise<void>): Promise<void> {
    const collector = new Collector();
    try {
      await action(collector);
    } finally {
      await collector.#server.shutdown();
    }
  }

  /** What arrives may meet a condition. */
  until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => this.#waiting = { isMet, resolve });
  }

  #take({ resourceSpans = [], resourceMetrics = [] }: {
    resourceSpans?: { resource: { attributes: Attribute[] }; scopeSpans: Scope<"spans", Span>[] }[];
    resourceMetrics?: { scopeMetrics: Scope<"metrics", Told>[] }[];
  }): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.services.add(String(valuesOf(resource.attributes)["service.name"]));
      for (const { scope, spans } of scopeSpans) if (scope.name === "streamlab") this.spans.push(...spans);
    }
    for (const { scope, metrics } of resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)) {
      if (scope.name === "streamlab") this.metrics.push(...metrics);
    }
    if (this.#waiting?.isMet()) this.#waiting.resolve();
  }

  /** The newest value of a metric that was told with these labels. */
  valueOf(name: string, labels: Record<string, string> = {}): number | undefined {
    const points = this.metrics.filter((told) => told.name === name)
      .flatMap(({ gauge, sum }) => (gauge ?? sum)!.dataPoints);
    const fits = ({ attributes }: Points["dataPoints"][number]) => {
      const told = valuesOf(attributes);
      return Object.entries(labels).every(([label, value]) => told[label] === value);
    };
    return points.findLast(fits)?.asDouble;
  }
}

type Scope<K extends string, T> = { scope: { name: string; version: string } } & Record<K, T[]>;

function valuesOf(attributes: Attribute[]): Record<string, string | number | undefined> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

async function produce(folder: string): Promise<void> {
  await succeed(folder, ["produce", "--batches", "2", "--seed", "1", "--interval", "0s"]);
  await Deno.writeTextFile(`${folder}/lake/raw/events/zz.json`, '[{"user_id":1}]');
}

Deno.test({
  name: "each batch is a span with one for each of its steps, and the metrics of /metrics are exported",
  ignore: isCompiled,
  fn: () =>
    inFolder((folder) =>
      Collector.use(async (collector) => {
        await produce(folder);
        await succeed(folder, CONSUME, { env: collector.env });
        deepStrictEqual([...collector.services], ["streamlab"]);
        const batches = collector.spans.filter(({ name }) => name === "batch");
        deepStrictEqual(
          new Set(batches.map(({ attributes }) => Number(valuesOf(attributes)["streamlab.batch_id"]))),
          new Set([1, 2, 3]),
        );
        for (const batch of batches) {
          const told = valuesOf(batch.attributes);
          deepStrictEqual([told["streamlab.target"], Number(told["streamlab.files"])], ["bronze.events", 1]);
          deepStrictEqual([batch.parentSpanId, batch.status.code], ["", 0]);
          const parts = collector.spans.filter(({ parentSpanId }) => parentSpanId === batch.spanId);
          const steps = ["plan", "route", "place", "commitEvents", "commitDeadLetters", "commitLedger"];
          for (const step of steps) {
            ok(parts.some(({ name }) => name === step), `${step} of ${told["streamlab.batch_id"]}`);
          }
          for (const part of parts) {
            strictEqual(part.traceId, batch.traceId);
            ok(BigInt(part.startTimeUnixNano) >= BigInt(batch.startTimeUnixNano));
            ok(BigInt(part.endTimeUnixNano) <= BigInt(batch.endTimeUnixNano));
          }
        }
        const steps = collector.spans.filter(({ name }) => name !== "batch");
        const ids = new Set(batches.map(({ spanId }) => spanId));
        ok(steps.every(({ parentSpanId }) => ids.has(parentSpanId)), "no span stands alone");

        const target = { target: "bronze.events" };
        strictEqual(collector.valueOf("streamlab_target_files_total", target), 3);
        strictEqual(collector.valueOf("streamlab_target_lag_seconds", target), 0);
        strictEqual(
          collector.valueOf("streamlab_target_dead_letters_total", { ...target, reason: "invalid_schema" }),
          1,
        );
        const kinds = new Map<string, string>(Object.values(METRICS).map(({ name, type }) => [name, type]));
        for (const { name, unit, description, sum } of collector.metrics) {
          strictEqual(kinds.get(name), sum === undefined ? "gauge" : "counter", name);
          strictEqual(unit, /_seconds(_total)?$/.test(name) ? "s" : /_bytes(_total)?$/.test(name) ? "By" : "", name);
          ok(description.length > 0);
        }
      })
    ),
});

Deno.test({
  name: "a batch that fails is a span that says why, without secrets",
  ignore: isCompiled,
  fn: () =>
    inFolder((folder) =>
      Collector.use(async (collector) => {
        await produce(folder);
        await succeed(folder, CONSUME);
        await Deno.writeTextFile(`${folder}/lake/raw/events/zzz.json`, '[{"user_id":"a"}]');
        // A link to nowhere stands where its data files go, in a folder whose name is a secret.
        const data = `${folder}/lake/warehouse/dead_letters/events/data`;
        await Deno.remove(data, { recursive: true });
        await Deno.symlink(`${folder}/nowhere`, data);
        const secret = folder.slice(folder.lastIndexOf("/") + 1);
        const { status } = await streamlab(folder, CONSUME, {
          env: { ...collector.env, AWS_SECRET_ACCESS_KEY: secret },
        });
        strictEqual(status, 1);
        const [batch] = collector.spans.filter(({ name }) => name === "batch");
        strictEqual(batch!.status.code, 2);
        match(batch!.status.message, /\/\*\*\*\/lake\/warehouse\/dead_letters/);
        ok(!JSON.stringify(collector.spans).includes(secret));
      })
    ),
});

for (const args of [["consume"], ["serve", "--port", "0"]]) {
  Deno.test({
    name: `${args[0]} has the metrics read whenever they are exported, for as long as it runs`,
    ignore: isCompiled,
    fn: () =>
      inFolder((folder) =>
        Collector.use(async (collector) => {
          await produce(folder);
          await succeed(folder, CONSUME);
          const env = { ...collector.env, OTEL_METRIC_EXPORT_INTERVAL: "100" };
          const child = startStreamlab(folder, args, { env });
          const said = Promise.all([child.stdout, child.stderr].map((stream) => new Response(stream).text()));
          const idle = () => collector.valueOf("streamlab_target_idle", { target: "bronze.events" });
          await collector.until(() => idle() === 1);
          // They are read anew: the age goes on.
          const age = () => collector.valueOf("streamlab_target_last_commit_age_seconds", { target: "bronze.events" })!;
          const first = age();
          await collector.until(() => age() > first);
          child.kill("SIGTERM");
          const [{ code }] = await Promise.all([child.status, said, child.stdin.close()]);
          strictEqual(code, 0, (await said).join());
        })
      ),
  });
}

Deno.test({
  name: "a compiled program without OpenTelemetry says so where it is asked for it",
  ignore: !isCompiled,
  fn: () =>
    inFolder(async (folder) => {
      await produce(folder);
      const { stderr, status } = await streamlab(folder, CONSUME, { env: { OTEL_DENO: "true" } });
      strictEqual(status, 0);
      match(stderr, /OTEL_DENO is set, but this program was compiled without OpenTelemetry/);
    }),
});
