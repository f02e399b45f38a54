import { ok, strictEqual } from "node:assert/strict";

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
