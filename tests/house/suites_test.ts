import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readSource, sourceFiles } from "./source_tree.ts";

/** What a test mentions that `deno task test` has no time for, and how its file is called then. */
const needs: [mentioned: RegExp, name: RegExp][] = [
  [/\b(s3Test|minioTest|canRunS3|canRunMinio)\(/, /_s3_test\.ts$/],
  [/\bcanRunDocker\(/, /_docker_test\.ts$/],
  [/\bisThorough\b/, /_(property|long|s3)_test\.ts$|^tests\/e2e\//],
];

function misnamed(path: string, text: string): boolean {
  // Folders that are run as a whole.
  if (!path.endsWith("_test.ts") || /^tests\/(interop|simulation|house)\//.test(path)) return false;
  return needs.some(([mentioned, name]) => mentioned.test(text) && !name.test(path));
}

Deno.test("a test that needs a server or many runs says so in its file's name", async () => {
  const tests = (await sourceFiles()).filter((path) => path.startsWith("tests/"));
  const texts = await Promise.all(tests.map(async (path) => [path, await readSource(path)] as const));
  deepStrictEqual(texts.filter(([path, text]) => misnamed(path, text)).map(([path]) => path), []);
});

Deno.test("whatever a test does at random, it does by a seed that it prints", async () => {
  const tests = (await sourceFiles()).filter((path) => /^tests\/(?!house\/|support\/(seed|property)\.ts)/.test(path));
  const texts = await Promise.all(tests.map(async (path) => [path, await readSource(path)] as const));
  const byChance = /Math\.random\(|crypto\.(getRandomValues|randomUUID)|seededRandom\(Date\.now/;
  deepStrictEqual(texts.filter(([, text]) => byChance.test(text)).map(([path]) => path), []);
});

Deno.test("no test works in a folder that others have, too", async () => {
  const tests = (await sourceFiles()).filter((path) => /^tests\/(?!house\/|lake\/fixtures\/)/.test(path));
  const texts = await Promise.all(tests.map(async (path) => [path, await readSource(path)] as const));
  const shared = /(temporaryFolder|TMPDIR)\W.*["`]\/tmp/;
  const isAboutIt = (path: string) => path === "tests/disk/ownership_test.ts";
  deepStrictEqual(texts.filter(([path, text]) => shared.test(text) && !isAboutIt(path)).map(([path]) => path), []);
});

Deno.test("the search for wrong names of tests finds one", () => {
  strictEqual(misnamed("tests/consume/x_test.ts", "s3Test(1)"), true);
  strictEqual(misnamed("tests/consume/x_s3_test.ts", "s3Test(1)"), false);
  strictEqual(misnamed("tests/consume/x_test.ts", "isThorough ? 5 : 1"), true);
  strictEqual(misnamed("tests/simulation/x_test.ts", "canRunS3()"), false);
});

Deno.test("another task runs what `deno task test` leaves out, and `deno task test:all` runs that task", async () => {
  const { tasks } = JSON.parse(await readSource("deno.json")) as { tasks: Record<string, { command: string }> };
  const leftOut = /--ignore=([^' ]+)/.exec(tasks["test"]!.command)![1]!.split(",");
  const others = Object.entries(tasks).filter(([name]) => tasks["test:all"]!.command.includes(`deno task ${name}`));
  const elsewhere = others.filter(([name]) => name !== "test").map(([, { command }]) => command.split(/[ ']+/)).flat();
  const runs = (pattern: string) => elsewhere.some((word) => word.startsWith(pattern.replace(/^\*\*/, "tests/**")));
  deepStrictEqual(leftOut.filter((pattern) => !runs(pattern)), []);
});
