import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { METRICS } from "../../core/serve/metrics/metric.ts";
import { inFolder, startStreamlab, succeed } from "../e2e/program.ts";
import { prometheusTest } from "../support/prometheus.ts";
import { runOrThrow } from "../support/python.ts";
import { freePort } from "../support/server.ts";

const monitoring = new URL("../../examples/monitoring/", import.meta.url).pathname;
const waitMsMax = 60_000;

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}

async function dashboardExpressions(): Promise<string[]> {
  const { panels } = JSON.parse(await Deno.readTextFile(`${monitoring}dashboard.json`)) as Dashboard;
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "1m")));
}

Deno.test("alerts and dashboard ask for metrics that there are", async () => {
  const known = new Set<string>(Object.values(METRICS).map(({ name }) => name));
  const texts = [await Deno.readTextFile(`${monitoring}alerts.yaml`), ...await dashboardExpressions()];
  const named = new Set(texts.flatMap((text) => text.match(/\bstreamlab_\w+/g) ?? []));
  ok(named.size > 10, [...named].join());
  deepStrictEqual([...named].filter((name) => !known.has(name)), []);
});

prometheusTest("each alert comes when it should, and none of a target that is idle", async ({ promtool }) => {
  for (const args of [["check", "rules", "alerts.yaml"], ["check", "config", "prometheus.yaml"]]) {
    await runOrThrow(promtool, args, { cwd: monitoring });
  }
  await runOrThrow(promtool, ["test", "rules", "alerts_test.yaml"], { cwd: monitoring });
});

prometheusTest(
  "a real Prometheus scrapes a consumer at work, evaluates the alerts, and answers the dashboard",
  ({ prometheus }) =>
    inFolder(async (folder) => {
      await succeed(folder, ["produce", "--sink", "lake", "--batches", "5", "--interval", "0"]);
      const consumer = startStreamlab(folder, ["consume", "--source", "lake", "--metrics-port", "0"]);
      const reader = consumer.stderr.pipeThrough(new TextDecoderStream()).getReader();
      try {
        let said = "";
        while (!/\/metrics\n/.test(said)) said += (await reader.read()).value ?? "/metrics\n";
        const address = /http:\/\/(127\.0\.0\.1:\d+)\/metrics/.exec(said)?.[1] ?? said;
        strictEqual((await fetch(`http://${address}/readyz`)).status, 200);
        strictEqual((await fetch(`http://${address}/api/overview`)).status, 404, "it has no console");
        await usePrometheus(prometheus, folder, address, checkAnswers);
      } finally {
        consumer.kill("SIGINT");
        await Promise.all([reader.cancel(), consumer.stdin.close(), consumer.stdout.cancel(), consumer.status]);
      }
    }),
);

interface Rule {
  name: string;
  health: string;
  lastError?: string;
  state: string;
}

async function checkAnswers(ask: (path: string) => Promise<unknown>): Promise<void> {
  const query = async (expr: string) =>
    (await ask(`query?query=${encodeURIComponent(expr)}`) as { result: { value: [number, string] }[] }).result;
  await until(async () => (await query('streamlab_target_batches_total{target="bronze.events"} > 0')).length === 1);
  await until(async () => (await query("streamlab_target_records_total"))[0]?.value[1] === "50");
  await until(async () => {
    const { groups } = await ask("rules") as { groups: { rules: Rule[] }[] };
    return groups.flatMap(({ rules }) => rules).every(({ health }) => health !== "unknown");
  });
  const { groups } = await ask("rules") as { groups: { rules: Rule[] }[] };
  const rules = groups.flatMap(({ rules }) => rules);
  deepStrictEqual(rules.filter(({ health, state }) => health !== "ok" || state !== "inactive"), []);
  strictEqual(rules.length, 9);
  for (const expr of await dashboardExpressions()) ok(Array.isArray(await query(expr)), expr);
  // What a busy machine did not answer in time has no value until the next look.
  await until(async () => (await query("count by (kind) (streamlab_table_upkeep_debt)")).length === 7);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + waitMsMax;
  while (!await isSo()) {
    if (performance.now() > endMs) throw new Error("It does not come to be so");
    await systemClock.sleep(200);
  }
}

async function usePrometheus(
  program: string,
  folder: string,
  target: string,
  action: (ask: (path: string) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const example = await Deno.readTextFile(`${monitoring}prometheus.yaml`);
  const config = example.replace("127.0.0.1:4180", target).replace("alerts.yaml", `${monitoring}alerts.yaml`)
    .replace("scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s");
  await Deno.writeTextFile(`${folder}/prometheus.yaml`, config);
  const address = `127.0.0.1:${freePort()}`;
  const child = new Deno.Command(program, {
    args: [
      `--config.file=${folder}/prometheus.yaml`,
      `--storage.tsdb.path=${folder}/prometheus`,
      `--web.listen-address=${address}`,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await until(async () =>
      await fetch(`http://${address}/-/ready`).then(async (answer) => {
        await answer.body?.cancel();
        return answer.ok;
      }, () => false)
    );
    await action(async (path) => {
      const answer = await (await fetch(`http://${address}/api/v1/${path}`)).json();
      strictEqual(answer.status, "success", JSON.stringify(answer));
      return answer.data;
    });
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}
