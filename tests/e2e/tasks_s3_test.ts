import { match, ok, strictEqual } from "node:assert/strict";
import { minioTest } from "../support/s3_servers.ts";
import { inFolder } from "./program.ts";
import { denoFolder } from "./s3_lake.ts";

const root = new URL("../..", import.meta.url).pathname;

/** A task of deno.json by its own words, with more behind; in a folder of its own. */
function task(folder: string, name: string, more: string[], env: Record<string, string> = {}): Deno.Command {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${root}deno.json`)) as {
    tasks: Record<string, { command: string }>;
  };
  const [program, ...words] = tasks[name]!.command.split(" ");
  strictEqual(program, "deno");
  const args = words.map((word) => word.endsWith(".ts") ? root + word : word).flatMap((word) =>
    word === "run" ? ["run", "--no-check", "--config", `${root}deno.json`] : [word]
  );
  return new Deno.Command(Deno.execPath(), {
    args: [...args, ...more],
    cwd: folder,
    env: { NO_COLOR: "1", DENO_DIR: denoFolder, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

minioTest("the tasks minio and demo do what they say, without Docker, in a bucket", () =>
  inFolder(async (folder) => {
    const minio = task(folder, "minio", ["--port", "0", "--console-port", "0"]).spawn();
    const lines = minio.stdout.pipeThrough(new TextDecoderStream()).getReader();
    try {
      const { value = "" } = await lines.read();
      const [, endpoint = ""] = /^MinIO on (http:\/\/127\.0\.0\.1:\d+), console on http:/.exec(value) ?? [];
      ok(endpoint !== "", value);
      const env = { AWS_ENDPOINT_URL: endpoint, XDG_CACHE_HOME: `${folder}/cache` };
      const { success, stdout, stderr } = await task(folder, "demo", ["--sink", "s3"], env).output();
      const said = new TextDecoder().decode(stdout);
      ok(success, said + new TextDecoder().decode(stderr));
      strictEqual(said.match(/The tables hold exactly what the truth says/g)?.length, 2, said);
      match(said, /plain Iceberg in s3:\/\/lake\/demo-/);
    } finally {
      minio.kill("SIGINT");
      strictEqual((await minio.status).code, 0);
      await Promise.all([lines.cancel(), minio.stderr.cancel()]);
    }
    ok((await Deno.stat(`${folder}/.cache/minio/lake`)).isDirectory, "its data stay");
  }));
