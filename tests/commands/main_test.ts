import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { HOSTILE_TEXT, obeyed } from "../support/hostile_text.ts";

const main = new URL("../../main.ts", import.meta.url).pathname;

async function deno(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("the process ends with the command's exit status and writes where it should", async () => {
  const wrong = await deno(["run", "-A", main, "halp"]);
  strictEqual(wrong.code, 2);
  strictEqual(wrong.stdout, "");
  ok(wrong.stderr.includes("did you mean help?"));
  const right = await deno(["run", "-A", main, "--version"]);
  strictEqual(right.code, 0);
  strictEqual(right.stderr, "");
  const { version, deno: runtime, duckdb } = JSON.parse(
    (await deno(["run", "-A", main, "--version", "--json"])).stdout,
  );
  strictEqual(right.stdout, `streamlab ${version}\n`);
  deepStrictEqual([runtime, /^\d+\.\d+\.\d+$/.test(duckdb)], [Deno.version.deno, true]);
});

Deno.test("as a task the program takes paths from the folder where the user is", async () => {
  const cwd = await Deno.makeTempDir({ prefix: "streamlab task " });
  try {
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { INIT_CWD: _place, ...withoutPlace } = Deno.env.toObject();
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "--config", config, "streamlab", "query", "--source", "no lake", "select 1"],
      cwd,
      // The tests may themselves be a task, which tells those that it starts where it was started.
      clearEnv: true,
      env: withoutPlace,
    }).output();
    strictEqual(code, 1);
    const said = new TextDecoder().decode(stderr);
    ok(said.includes(`There is no lake at ${await Deno.realPath(cwd)}/no lake`), said);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("what nothing has caught is said like any error, without secrets and escape sequences", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const fails of ["Promise.reject(error)", "queueMicrotask(() => { throw error; })"]) {
      const text = JSON.stringify(`${HOSTILE_TEXT} a-secret-that-is-known`);
      // Once the program listens.
      await Deno.writeTextFile(
        `${folder}/fail.ts`,
        `const error = new Error(${text});
const listen = globalThis.addEventListener;
globalThis.addEventListener = (name, ...rest) => {
  listen(name, ...rest);
  if (name === "error") setTimeout(() => ${fails}, 0);
};
`,
      );
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", `--preload=${folder}/fail.ts`, main, "consume", "--create", "--source", `${folder}/lake`],
        env: { AWS_SECRET_ACCESS_KEY: "a-secret-that-is-known", NO_COLOR: "1" },
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      deepStrictEqual([code, obeyed(said)], [1, []], said);
      match(said, /streamlab: something went wrong that should not: .*\\u202e.* \*\*\*/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a reader that goes away ends the program quietly", async () => {
  const script = `set -o pipefail; "$0" run -A "$1" completions bash | true`;
  const { code, stderr } = await new Deno.Command("bash", { args: ["-c", script, Deno.execPath(), main] }).output();
  strictEqual(new TextDecoder().decode(stderr), "");
  strictEqual(code, 0);
});

/** Modules that starting the program loads at once: all that `--help` pays for. */
Deno.test("the program starts without loading anything heavy", async () => {
  const { stdout } = await deno(["info", "--json", main]);
  const graph = JSON.parse(stdout) as { modules: Module[] };
  const modules = new Map(graph.modules.map((module) => [module.specifier, module]));
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    if (seen.has(specifier)) return;
    seen.add(specifier);
    for (const dependency of modules.get(specifier)?.dependencies ?? []) {
      if (!dependency.isDynamic && dependency.code !== undefined) visit(dependency.code.specifier);
    }
  };
  visit(new URL(`file://${main}`).href);
  const packages = [...seen].filter((specifier) => specifier.startsWith("npm:"));
  const light = packages.every((specifier) => /^npm:(zod@|deno-std@.*\/parse_args\.js$)/.test(specifier));
  strictEqual(light, true, packages.join(" "));
});

interface Module {
  specifier: string;
  dependencies?: { isDynamic?: boolean; code?: { specifier: string } }[];
}
