import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { consume } from "../../commands/consume/consume.ts";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { METRICS } from "../../core/serve/metrics/metric.ts";
import { prometheusText } from "../../core/serve/metrics/prometheus_text.ts";
import { checkGolden } from "../support/golden.ts";
import { ServedLake } from "../support/lake_server.ts";
import { testWorld } from "../support/test_world.ts";
import { cutMetadata } from "./cut_metadata.ts";

/** A lake of two ingested files and one that waits; the target's files land in `in`. */
async function withLake(action: (lake: ServedLake, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-metrics-" });
  try {
    await Deno.mkdir(`${folder}/in`);
    const contract = { type: "object", properties: { id: { type: "integer" } }, required: ["id"] };
    await Deno.writeTextFile(`${folder}/contract.json`, JSON.stringify(contract));
    await Deno.writeTextFile(`${folder}/in/a.ndjson`, '{"id":1}\n{"id":2}\n{"id":"x"}\nbroken\n');
    await Deno.writeTextFile(`${folder}/in/b.ndjson`, '{"id":3,"more":1}\n');
    const world = testWorld({ commands: [consume], cwd: folder });
    const args = "consume --once --source lake --table orders.raw --raw in --contract contract.json".split(" ");
    const status = await runProgram(args, { ...world, clock: systemClock, random: systemRandom });
    strictEqual(status, 0, world.stderrText());
    await Deno.writeTextFile(`${folder}/in/c.ndjson`, '{"id":4}\n');
    await ServedLake.use((lake) => action(lake, folder), { folder: `${folder}/lake` });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The samples of an answer of `/metrics`. */
function samplesIn(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

Deno.test("the metrics are those of the lake's ledger, raw files and tables", () =>
  withLake(async (lake) => {
    const { status, text, headers } = await lake.ask("GET", "/metrics");
    strictEqual(status, 200);
    strictEqual(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const samples = samplesIn(text);
    const target = '{target="orders.raw"}';
    const expected: [string, number][] = [
      ['streamlab_build_info{version="0.0.0"}', 1],
      ["streamlab_lake_readable", 1],
      [`streamlab_target_lag_known${target}`, 1],
      [`streamlab_target_waiting_files${target}`, 1],
      [`streamlab_target_waiting_bytes${target}`, 9],
      [`streamlab_target_batches_total${target}`, 1],
      [`streamlab_target_last_batch_files${target}`, 2],
      [`streamlab_target_last_batch_records${target}`, 5],
      [`streamlab_target_last_batch_events${target}`, 2],
      [`streamlab_target_last_batch_dead_letters${target}`, 3],
      [`streamlab_target_plan_failures${target}`, 0],
      ['streamlab_dead_letters{table="dead_letters.orders_raw",reason="invalid_schema"}', 1],
      ['streamlab_dead_letters{table="dead_letters.orders_raw",reason="corrupted_record"}', 1],
      ['streamlab_dead_letters{table="dead_letters.orders_raw",reason="extra_fields"}', 1],
      ['streamlab_table_rows{table="orders.raw"}', 2],
      ['streamlab_table_rows{table="ingest.files"}', 2],
      ['streamlab_table_delete_files{table="orders.raw"}', 0],
    ];
    deepStrictEqual(expected.map(([name]) => [name, samples.get(name)]), expected, text);
    for (const name of ["lag_seconds", "last_commit_age_seconds", "last_batch_lag_seconds"]) {
      ok(samples.get(`streamlab_target_${name}${target}`)! >= 0);
    }
    const nowSeconds = systemClock.nowMs() / 1_000;
    const committed = samples.get(`streamlab_target_last_commit_timestamp_seconds${target}`)!;
    ok(committed > nowSeconds - 3_600 && committed <= nowSeconds + 1, String(committed));
    deepStrictEqual(lake.failures, []);
  }));

/** Names of metrics, each once, that a sample with this label is of. */
function namesWith(samples: Map<string, number>, label: string): string[] {
  const own = [...samples.keys()].filter((key) => key.includes(label));
  return [...new Set(own.map((key) => key.slice(0, key.indexOf("{"))))];
}

Deno.test("a table whose metadata is cut short is named, and the others are measured as ever", () =>
  withLake(async (lake, folder) => {
    await cutMetadata(`${folder}/lake`, "orders.raw");
    const samples = samplesIn((await lake.ask("GET", "/metrics")).text);
    deepStrictEqual(
      ["orders.raw", "dead_letters.orders_raw", "ingest.files"].map((table) =>
        samples.get(`streamlab_table_readable{table="${table}"}`)
      ),
      [0, 1, 1],
    );
    deepStrictEqual(namesWith(samples, 'table="orders.raw"'), ["streamlab_table_readable"]);
    strictEqual(samples.get('streamlab_table_rows{table="ingest.files"}'), 2);
    strictEqual(samples.get('streamlab_dead_letters{table="dead_letters.orders_raw",reason="extra_fields"}'), 1);
    const target = '{target="orders.raw"}';
    strictEqual(samples.get(`streamlab_target_lag_known${target}`), 0);
    strictEqual(samples.get(`streamlab_target_batches_total${target}`), 1);
    strictEqual(samples.get(`streamlab_target_records_total${target}`), 5);
    strictEqual(samples.get("streamlab_lake_readable"), 1);
    const { json } = await lake.ask("GET", "/readyz");
    deepStrictEqual(json, { ready: false, lakeIsReadable: true, lagIsUnknownOf: ["orders.raw"] });
    const { json: { unreadableTables } } = await lake.ask("GET", "/api/overview");
    const [{ table, problem }] = unreadableTables as [{ table: string; problem: string }];
    strictEqual(table, "orders.raw");
    match(problem, /^Cannot read .*orders\.raw/);
    strictEqual(lake.failures.length, 1, lake.failures.join("\n"));
  }));

Deno.test("a ledger whose metadata is cut short costs the samples that only it knows", () =>
  withLake(async (lake, folder) => {
    await cutMetadata(`${folder}/lake`, "ingest.files");
    const samples = samplesIn((await lake.ask("GET", "/metrics")).text);
    strictEqual(samples.get('streamlab_table_readable{table="ingest.files"}'), 0);
    strictEqual(samples.get('streamlab_table_rows{table="orders.raw"}'), 2);
    deepStrictEqual(namesWith(samples, 'target="orders.raw"'), ["streamlab_target_lag_known"]);
    strictEqual(samples.get('streamlab_target_lag_known{target="orders.raw"}'), 0);
    strictEqual((await lake.ask("GET", "/api/overview")).status, 200);
  }));

Deno.test("ready is: the lake can be read, and every target's lag is known", () =>
  withLake(async (lake, folder) => {
    await Deno.rename(`${folder}/in`, `${folder}/away`);
    const { status, json } = await lake.ask("GET", "/readyz");
    deepStrictEqual([status, json], [503, { ready: false, lakeIsReadable: true, lagIsUnknownOf: ["orders.raw"] }]);
    const { text } = await lake.ask("GET", "/metrics");
    match(text, /streamlab_target_lag_known\{target="orders.raw"\} 0\n/);
    ok(!text.includes("streamlab_target_lag_seconds{"), "an unknown lag is not 0");
  }));

Deno.test("a new lake is ready, and healthy means that the process answers", () =>
  ServedLake.use(async (lake) => {
    deepStrictEqual((await lake.ask("GET", "/readyz")).json, { ready: true, lakeIsReadable: true, lagIsUnknownOf: [] });
    strictEqual((await lake.ask("HEAD", "/healthz")).status, 204);
    strictEqual((await lake.ask("POST", "/healthz", {})).status, 405);
  }));

Deno.test("a label's value stays within its quotes, whatever it holds", () => {
  const text = prometheusText([{ metric: METRICS.lag, labels: ['a"b\\c\nd'], value: 1.5 }]);
  strictEqual(text.split("\n")[2], String.raw`streamlab_target_lag_seconds{target="a\"b\\c\nd"} 1.5`);
});

Deno.test("names of metrics follow Prometheus' conventions", () => {
  const all = Object.values(METRICS);
  strictEqual(new Set(all.map(({ name }) => name)).size, all.length);
  for (const { name, type, help } of all) {
    match(name, /^streamlab_[a-z0-9_]+$/);
    strictEqual(name.endsWith("_total"), type === "counter", name);
    match(help, /^[A-Z0-9].*\.$/);
  }
});

Deno.test("docs/metrics.md lists all of them", async () => {
  const rows = Object.values(METRICS).map(({ name, type, labels, help }) =>
    `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ") || "–"} | ${help} |`
  );
  const text = [
    "# Metrics",
    "",
    "`streamlab serve` offers these at `/metrics`, in Prometheus' text format, and so does a consumer on",
    "a port of its own: `consume --metrics-port 9464`. The lake is looked at when somebody asks, at most",
    "every 5 seconds; dead letters and the debt of upkeep are counted at most once a minute.",
    "",
    "To alert on: the lag, which is the age of the oldest file that waits. The age of the last commit",
    "goes on counting while a target is idle, and idle is no lag. Rules, a dashboard for Grafana and the",
    "settings of a Prometheus are in [examples/monitoring](../examples/monitoring); a test runs them in a",
    "real Prometheus over a consumer at work",
    "([prometheus_test.ts](../tests/interop/prometheus_test.ts)).",
    "",
    "| name | type | labels | meaning |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    "## OpenTelemetry",
    "",
    "With `OTEL_DENO=true` in the environment, `consume` and `serve` export the same metrics, under the",
    "same names, by OpenTelemetry's protocol (OTLP), and `consume` a trace of each batch: a span `batch`",
    "with the target, the number and the figures of the batch, and within it a span for each step, as",
    "`step` has them above. A batch that fails is a span whose status says why. Deno itself exports",
    "them, so its variables are the usual ones:",
    "",
    "| variable | what it does |",
    "| --- | --- |",
    "| `OTEL_DENO=true` | exports; without it nothing of this is even loaded |",
    "| `OTEL_EXPORTER_OTLP_ENDPOINT` | where to (default `http://localhost:4318`) |",
    "| `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf` (default) or `http/json` |",
    "| `OTEL_EXPORTER_OTLP_HEADERS` | what goes with each request, such as `authorization=…` |",
    "| `OTEL_SERVICE_NAME` | `streamlab`, say: without it the service is unknown |",
    "| `OTEL_METRIC_EXPORT_INTERVAL` | milliseconds between two looks at the metrics (default 60000) |",
    "| `OTEL_SDK_DISABLED=true` | nothing is exported |",
    "",
    "A `consume --once` may be over before the first look, so it tells its metrics once, at its end.",
    "Deno adds traces of HTTP requests and metrics of its own.",
    "",
    "A compiled program can export only if `OTEL_DENO=true` was set when it was compiled, too:",
    "`OTEL_DENO=true deno task build`, or `docker build --build-arg OTEL_DENO=true`. What Deno adds is",
    "then exported at every run. Any other program says at its start that it cannot: Deno takes the",
    "setting from the time of compilation",
    "([denoland/deno 28839](https://github.com/denoland/deno/issues/28839)). `/metrics` needs none of it.",
    "",
  ].join("\n");
  await checkGolden(new URL("../../docs/metrics.md", import.meta.url), text);
});
