import { parse } from "@std/yaml";
import { findGoProgram, type GoProgram } from "./go_program.ts";
import { SHORT_LIVED_JAVA } from "./java.ts";
import { minioProgram } from "./minio.ts";
import { cacheFolder, isFile } from "./python.ts";
import { findSpark, SPARK_VERSIONS } from "./spark.ts";

const root = new URL("../../", import.meta.url);
/** MinIO's own, which its image has beside it. */
export const clientProgram: GoProgram = {
  name: "mc",
  package: "github.com/minio/mc",
  version: "v0.0.0-20250313080218-cf909e1063a9",
};
const BASE = "streamlab-test/base:bookworm";

/**
 * Makes what the Dockerfile and compose.yaml take from registries, under the same names, out of
 * what a test can have without them: Debian's packages, and the programs that run here.
 */
export async function makeStandIns(env: Record<string, string>, scratch: string): Promise<void> {
  await docker(env, ["import", await findBase(), BASE]);
  const [deno, spark, small] = [...(await Deno.readTextFile(new URL("Dockerfile", root))).matchAll(/^FROM (\S+)/gm)]
    .map(([, name]) => name!);
  const compose = parse(await Deno.readTextFile(new URL("compose.yaml", root))) as {
    services: Record<string, { image: string }>;
  };
  await build(env, deno!, await denoContext(`${scratch}/deno`));
  await build(env, spark!, await sparkContext(`${scratch}/spark`));
  await build(env, small!, await context(`${scratch}/small`, `FROM ${BASE}\nUSER 65532:65532\n`, {}));
  await build(env, compose.services.minio!.image, await minioContext(`${scratch}/minio`));
}

/** A small Debian with certificates, libstdc++, Python and Java, made once. */
export async function findBase(): Promise<string> {
  const cached = `${cacheFolder}/docker-base-bookworm-java.tar`;
  if (isFile(cached)) return cached;
  await Deno.mkdir(cacheFolder, { recursive: true });
  const scratch = await Deno.makeTempDir({ prefix: "streamlab-debian-" });
  try {
    const include = "--include=ca-certificates,libstdc++6,python3,openjdk-17-jre-headless";
    await run("debootstrap", ["--variant=minbase", include, "bookworm", `${scratch}/root`]);
    await run("tar", ["-C", `${scratch}/root`, "-cf", `${cached}.part`, "."]);
    await Deno.rename(`${cached}.part`, cached);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  return cached;
}

/** Deno with the packages that it has fetched here, and the one to compile with, if set. */
async function denoContext(folder: string): Promise<string> {
  const info = await run(Deno.execPath(), ["info", "--json"]);
  const { denoDir } = JSON.parse(info) as { denoDir: string };
  await fetchBundler(folder);
  const files: Record<string, string> = {
    "deno": Deno.execPath(),
    "npm": `${denoDir}/npm`,
    "dl": `${denoDir}/dl`,
  };
  const lines = [
    `FROM ${BASE}`,
    "ENV DENO_DIR=/deno-dir",
    "COPY deno /usr/local/bin/",
    "COPY npm /deno-dir/npm",
    "COPY dl /deno-dir/dl",
  ];
  for (const [name, file] of [["COMPILE_DENO", "compile-deno"], ["DENORT_BIN", "denort"]] as const) {
    const path = Deno.env.get(name);
    if (path === undefined) continue;
    files[file] = path;
    lines.push(`COPY ${file} /usr/local/bin/`, `ENV ${name}=/usr/local/bin/${file}`);
  }
  return await context(folder, lines.join("\n"), files);
}

/** What `deno bundle` works with comes at its first use; images are built without a network. */
async function fetchBundler(folder: string): Promise<void> {
  const [entry, bundle] = [`${folder}-entry.ts`, `${folder}-bundle.js`];
  await Deno.writeTextFile(entry, "export {};\n");
  await run(Deno.env.get("COMPILE_DENO") ?? Deno.execPath(), ["bundle", "--quiet", "--output", bundle, entry]);
  await Promise.all([entry, bundle].map((path) => Deno.remove(path)));
}

/** Its image starts `minio` with whatever it is given. */
async function minioContext(folder: string): Promise<string> {
  const files = { minio: await findGoProgram(minioProgram), mc: await findGoProgram(clientProgram) };
  return await context(folder, `FROM ${BASE}\nCOPY minio mc /usr/bin/\nENTRYPOINT ["/usr/bin/minio"]\n`, files);
}

/** Its image runs what it is given as a user of its own; of Python it has no more than PySpark. */
async function sparkContext(folder: string): Promise<string> {
  const { home } = await findSpark(SPARK_VERSIONS.at(-1)!);
  const lines = [
    `FROM ${BASE}`,
    "RUN useradd --system --uid 185 spark",
    "COPY spark /opt/spark",
    "RUN mkdir /opt/spark/work-dir && chown spark /opt/spark/work-dir",
    `ENV SPARK_HOME=/opt/spark JDK_JAVA_OPTIONS="${SHORT_LIVED_JAVA.join(" ")}"`,
    "USER spark",
    "WORKDIR /opt/spark/work-dir",
    'ENTRYPOINT ["/usr/bin/env"]',
  ];
  return await context(folder, lines.join("\n"), { spark: home });
}

async function context(folder: string, dockerfile: string, files: Record<string, string>): Promise<string> {
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/Dockerfile`, dockerfile);
  for (const [name, path] of Object.entries(files)) await run("cp", ["-rL", path, `${folder}/${name}`]);
  return folder;
}

/** Builds an image, and removes what it was built from. */
async function build(env: Record<string, string>, name: string, folder: string): Promise<void> {
  await docker(env, ["build", "--quiet", "--tag", name, folder]);
  await Deno.remove(folder, { recursive: true });
}

async function docker(env: Record<string, string>, args: string[]): Promise<void> {
  await run("docker", args, env);
}

async function run(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const command = new Deno.Command(program, { args, env, stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} ${args[0]} failed: ${decoder.decode(stderr).slice(-2000)}`);
  return decoder.decode(stdout);
}
