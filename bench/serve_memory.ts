// deno-lint-ignore-file no-console
/**
 * What `serve` holds of memory while all its endpoints are asked again and again, over a lake that
 * a producer and a consumer go on filling. It prints the memory every five minutes, and in the end
 * the most that was held while each endpoint was asked; Linux only.
 *
 *     deno task bench:serve --minutes 60 --program dist/streamlab
 */
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock as clock } from "../core/base/clock.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    /** Milliseconds between the starts of two rounds, each of which asks every endpoint once. */
    every: { type: "string", default: "1000" },
    "say-every": { type: "string", default: "5" },
    /** Between two files of the producer, and two batches of the consumer. */
    trigger: { type: "string", default: "1s" },
    /** Who ask at once, each for every endpoint. */
    clients: { type: "string", default: "1" },
    /** A compiled program, or a module such as dist/program/main.js; without it the source. */
    program: { type: "string" },
    /** A lake that is there, in a folder called lake, to be filled further; it stays. */
    lake: { type: "string" },
    /** Further flags of serve, as one text. */
    serve: { type: "string", default: "" },
  },
});
const folder = values.lake === undefined
  ? await Deno.makeTempDir({ prefix: "streamlab-serve-memory-" })
  : dirname(resolve(values.lake));
const program = resolve(values.program ?? new URL("../main.ts", import.meta.url).pathname);
const UP_MS_MAX = 180_000;
/** A page that looks on is closed and opened again after so many rounds. */
const STREAM_ROUNDS = 60;
/** Nobody exports all dead letters as often as pages ask for what is new. */
const EXPORT_ROUNDS = 12;
/** The most that was held while a path was asked, in megabytes. */
const peaks = new Map<string, number>();
let requests = 0, failures = 0;

type Letter = { sourceFile: string; sourcePosition: number | null; batchId: number };

function start(args: string[]): Deno.ChildProcess {
  const isModule = /\.[jt]s$/.test(program);
  const command = new Deno.Command(isModule ? Deno.execPath() : program, {
    args: isModule ? ["run", "--quiet", "--no-check", "--allow-all", program, ...args] : args,
    cwd: folder,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  return command.spawn();
}

async function ask(path: string, body?: unknown): Promise<Record<string, unknown>> {
  requests++;
  samplePeak();
  const method = body === undefined ? "GET" : "POST";
  const headers = { "content-type": "application/json" };
  try {
    const response = await fetch(address + path, { method, headers, body: JSON.stringify(body) });
    const text = await response.text();
    samplePeak(path.split("?", 1)[0]);
    if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
    return response.headers.get("content-type") === "application/json" ? JSON.parse(text) : {};
  } catch (error) {
    if (failures++ < 20) console.log(`${new Date().toISOString()} ${path}: ${error}`);
    return {};
  }
}

/** What a person who has every page open asks for, and what monitoring does. */
async function askAll(round: number): Promise<void> {
  const target = "target=bronze.events", table = "table=dead_letters.events";
  const { letters = [] } = await ask(`/api/letters?${table}`);
  const [letter] = letters as Letter[];
  const paths = [
    "/",
    "/api/overview",
    `/api/batches?${target}&limit=1000`,
    "/api/upkeep/history?table=bronze.events",
    "/api/tables",
    ...["bronze.events", "dead_letters.events", "ingest.files"].map((name) => `/api/table?table=${name}`),
    `/api/letters/reasons?${table}`,
    `/api/letters/over-time?${table}&by=hour`,
    ...round % EXPORT_ROUNDS === 0 ? [`/api/letters/export?${table}`] : [],
    ...letter === undefined ? [] : [`/api/letter?${table}&${keyOf(letter)}`],
    "/api/files?limit=500",
    `/api/contract?${target}`,
    "/metrics",
    "/healthz",
    "/readyz",
    "/catalog/v1/config",
    "/catalog/v1/namespaces/bronze/tables/events",
  ];
  for (const path of paths) await ask(path);
  await ask("/api/sql", { sql: "select event_type, count(*) from bronze.events group by 1", rows: 1_000 });
}

/** A server wants a lake to be there. */
async function firstBatch(): Promise<void> {
  const upBy = performance.now() + UP_MS_MAX;
  for (;;) {
    try {
      Deno.statSync(`${folder}/lake/warehouse/ingest/files/metadata`);
      return;
    } catch {
      if (performance.now() > upBy) throw new Error("No batch comes");
      await clock.sleep(500);
    }
  }
}

async function lookOn(end: AbortSignal): Promise<void> {
  requests++;
  const { body } = await fetch(`${address}/api/live?target=bronze.events`, { signal: end });
  await body!.pipeTo(new WritableStream()).catch(() => undefined);
}

function megabytes(name: "VmRSS" | "VmHWM" | "RssAnon"): number {
  const status = Deno.readTextFileSync(`/proc/${serve.pid}/status`);
  return Math.round(Number(new RegExp(`${name}:\\s*(\\d+) kB`).exec(status)![1]) * 1024 / 1e6);
}

/** The system's own mark of the most that was held, since the last call; then it begins anew. */
function samplePeak(path = "between"): void {
  const peak = megabytes("VmHWM");
  peaks.set(path, Math.max(peak, peaks.get(path) ?? 0));
  Deno.writeTextFileSync(`/proc/${serve.pid}/clear_refs`, "5");
}

const errors = new Map<string, string>();
/** Addresses a letter. */
function keyOf(letter: Letter): string {
  const position = letter.sourcePosition === null ? "" : `&position=${letter.sourcePosition}`;
  return `file=${encodeURIComponent(letter.sourceFile)}&batch=${letter.batchId}${position}`;
}

const children = [
  start(["produce", "--dirty", "--batch-size", "200", "--interval", values.trigger]),
  start(["consume", "--create", "--trigger", values.trigger]),
];
await firstBatch();
const serve = start(["serve", "--port", "0", ...values.serve.split(" ").filter((flag) => flag !== "")]);
let address = "";
for (const [name, { stderr }] of Object.entries({ produce: children[0]!, consume: children[1]!, serve })) {
  const lines = stderr.pipeThrough(new TextDecoderStream());
  lines.pipeTo(
    new WritableStream({
      write(text) {
        errors.set(name, ((errors.get(name) ?? "") + text).slice(-2_000));
        if (name === "serve") address ||= /http:\/\/127\.0\.0\.1:\d+/.exec(errors.get(name)!)?.[0] ?? "";
      },
    }),
  );
}
try {
  const upBy = performance.now() + UP_MS_MAX;
  while (address === "") {
    if (performance.now() > upBy) throw new Error(`serve does not start: ${errors.get("serve")}`);
    await clock.sleep(100);
  }
  const began = performance.now();
  const endMs = began + Number(values.minutes) * 60_000, sayMs = Number(values["say-every"]) * 60_000;
  let stream = new AbortController(), said = began;
  for (let round = 0; performance.now() < endMs; round++) {
    const nextMs = performance.now() + Number(values.every);
    if (round % STREAM_ROUNDS === 0) {
      stream.abort();
      stream = new AbortController();
      void lookOn(stream.signal).catch(() => undefined);
    }
    await Promise.all(Array.from({ length: Number(values.clients) }, () => askAll(round)));
    if (performance.now() - said >= sayMs) {
      said = performance.now();
      const minutes = Math.round((said - began) / 60_000);
      console.log(
        `${minutes} min: ${megabytes("VmRSS")} MB, ${megabytes("RssAnon")} of them its own, at most ${
          Math.max(...peaks.values())
        } MB; ${requests} requests, ${failures} failed`,
      );
    }
    await clock.sleep(Math.max(0, nextMs - performance.now()));
  }
  stream.abort();
  for (const [path, peak] of [...peaks].sort(([, a], [, b]) => b - a)) console.log(`${peak} MB  ${path}`);
} finally {
  for (const child of [...children, serve]) {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await child.status;
  }
  console.log([...errors].map(([name, text]) => `${name}: ${text.trim()}`).join("\n"));
  if (values.lake === undefined) await Deno.remove(folder, { recursive: true });
}
