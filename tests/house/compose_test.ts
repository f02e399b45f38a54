import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { parse } from "@std/yaml";
import { loadCommands } from "../../commands/line/command.ts";
import { commands as listed } from "../../main.ts";
import { flagsOf } from "../../commands/line/flags.ts";
import { SPARK_VERSIONS } from "../support/spark.ts";
import { readSource, repositoryFiles } from "./source_tree.ts";

/** What can be wrong in these files, as far as it shows without a Docker engine. */
interface Service {
  image?: string;
  build?: string | { context: string; target: string };
  command?: string | string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  profiles?: string[];
}

interface ComposeFile {
  services: Record<string, Service>;
  volumes: Record<string, null>;
}

const commands = await loadCommands(listed);
const texts = [await readSource("compose.yaml"), await readSource("compose.spark.yaml")];
const [compose, overlay] = texts.map((text) => parse(text) as ComposeFile) as [ComposeFile, ComposeFile];
/** Of either file; a service may be in both. */
const services = [compose, overlay].flatMap((file) => Object.entries(file.services));

Deno.test("what runs on in compose.yaml and can be asked has a health check", () => {
  for (const name of ["minio", "consumer"]) ok((compose.services[name]!.healthcheck?.test.length ?? 0) > 1, name);
  const [, program, verb, ...args] = compose.services.consumer!.healthcheck!.test;
  deepStrictEqual([program, verb], ["/usr/local/bin/streamlab", "maintain"]);
  const known = flagsOf(commands.find(({ name }) => name === verb)!.flags).flags.map((flag) => `--${flag.name}`);
  for (const arg of args.filter((arg) => arg.startsWith("--"))) ok(known.includes(arg), arg);
});

Deno.test("images are pinned where they can be pulled, or built here", () => {
  for (const [name, { image, build }] of services) {
    // Docker Hub has none of MinIO's any more.
    const isMinio = /^quay\.io\/minio\/minio:RELEASE\.\d{4}-\d\d-\d\dT[\d-]+Z$/.test(image!);
    ok(build !== undefined || isMinio || image === `apache/spark:${SPARK_VERSIONS.at(-1)!.spark}-python3`, name);
  }
});

Deno.test("the driver and the executors of compose.spark.yaml have one Spark, with one Python", async () => {
  const { "spark-master": master, "spark-worker": worker, consumer } = overlay.services;
  strictEqual(master!.image, worker!.image);
  const { target } = consumer!.build as { target: string };
  match(await readSource("Dockerfile"), new RegExp(`^FROM ${master!.image} AS ${target}$`, "m"));
});

Deno.test("services wait for services that can become what they wait for", () => {
  for (const [name, service] of services) {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const target = compose.services[other] ?? overlay.services[other];
      ok(target !== undefined, `${name} waits for ${other}`);
      if (condition === "service_healthy") ok(target.healthcheck !== undefined, `${other} has no health check`);
    }
  }
});

Deno.test("the habits of compose have task names, each once", async () => {
  const text = await readSource("deno.json");
  const { tasks } = JSON.parse(text) as { tasks: Record<string, { command: string; description: string }> };
  const names = [...text.slice(text.indexOf('"tasks"')).matchAll(/^ {4}"([\w:]+)":/gm)].map(([, name]) => name!);
  deepStrictEqual(names, Object.keys(tasks));
  for (const [name, { description }] of Object.entries(tasks)) ok(description.length > 5, name);
  for (const verb of ["up", "start", "stop", "down", "logs"]) {
    match(tasks[`compose:${verb}`]!.command, new RegExp(`^docker compose ${verb}`));
  }
  match(tasks["compose:clean"]!.command, /^docker compose down --volumes$/);
  match(tasks["compose:console"]!.command, /^docker compose port minio 9001 && docker compose port serve 4180$/);
});

Deno.test("volumes are named and declared", () => {
  for (const file of [compose, overlay]) {
    const volumes = Object.values(file.services).flatMap(({ volumes }) => volumes ?? []);
    const used = volumes.map((volume) => volume.split(":", 1)[0]!);
    deepStrictEqual([...new Set(used)].sort(), Object.keys(file.volumes).sort());
  }
});

Deno.test("the files for compose and .env.example name the same variables with the same defaults", async () => {
  const text = texts.join("");
  const used = [...text.matchAll(/\$\{(\w+):-([^}]*)\}/g)].map(([, name, value]) => `${name}=${value}`);
  const offered = (await readSource(".env.example")).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  deepStrictEqual([...new Set(used)].sort(), offered.sort());
  deepStrictEqual(text.match(/\$\{\w+\}|\$\w+/g), null, "a variable without a default");
});

Deno.test("services call streamlab with commands and flags that it has", () => {
  for (const [name, { build, command, entrypoint }] of services) {
    if (build === undefined) continue;
    const [verb, ...args] = [...(entrypoint ?? []).slice(1), ...(command ?? [])];
    const found = commands.find((candidate) => candidate.name === verb);
    ok(found !== undefined, `${name} calls ${verb}`);
    const known = flagsOf(found.flags).flags.map((flag) => `--${flag.name}`);
    for (const arg of args.filter((arg) => arg.startsWith("--"))) ok(known.includes(arg), `${name}: ${verb} ${arg}`);
  }
});

Deno.test("the Dockerfile builds on pinned images from what is in the repository", async () => {
  const lines = (await readSource("Dockerfile")).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const stages = lines.filter((line) => line.startsWith("FROM"));
  for (const stage of stages) match(stage, /^FROM \S+:[\w.-]*\d[\w.-]*( AS \w+)?$|^FROM \S+:nonroot$/);
  match(stages[0]!, new RegExp(`denoland/deno:debian-${await denoVersion()} `));
  const entry = lines.find((line) => line.startsWith("ENTRYPOINT"))!;
  ok(lines.some((line) => line.startsWith("COPY --from=build") && line.endsWith(JSON.parse(entry.slice(11))[0])));
  const ignored = (await readSource(".dockerignore")).split("\n").filter((line) => line !== "");
  deepStrictEqual((await repositoryFiles()).filter((path) => ignored.includes(path.split("/", 1)[0]!)), []);
});

/** The one that CI and the README use. */
async function denoVersion(): Promise<string> {
  return /deno@([\d.]+)/.exec(await readSource(".ci/run"))![1]!;
}
