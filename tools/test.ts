/**
 * `deno task test` and `deno task test:threads`: many small tests. Files of one folder are run a
 * dozen at a time in one isolate, which loads and compiles once what they all test: apart they take
 * a quarter more processor. `--in-memory` has their small lakes in memory, where it is offered as a
 * folder and large enough: on a disk some take a fifth longer. `--ignore` names patterns of files
 * that other tasks run, `--only` one of the files that are run. `--reaching` names a module: files
 * that do not import it, directly or by others, are left out, for what it changes cannot change
 * them. All else goes to `deno test`.
 */
import { statfsSync } from "node:fs";
import { matchesGlob } from "node:path";
import { removeFolder } from "../tests/support/own_folder.ts";

const FILES_MAX = 12;
/** It changes what all modules see before they are loaded. */
const ALONE = "tests/commands/main_test.ts";
/** Linux has it; a container's is often too small. */
const MEMORY_FOLDER = "/dev/shm", MEMORY_FREE_MIN = 6e9;

const ignored = valuesOf("ignore"), [only] = valuesOf("only"), [reached] = valuesOf("reaching");
const isInMemory = Deno.args.includes("--in-memory");
const passedOn = Deno.args.filter((arg) => !/^--(ignore=|only=|reaching=|in-memory$)/.test(arg));
const entries = await Deno.makeTempDir({ prefix: "streamlab-test-entries-" });
const lakes = await Deno.makeTempDir({ dir: isInMemory ? memoryFolder() : undefined, prefix: "streamlab-test-lakes-" });
// The runner below answers it with its report; we wait for that.
Deno.addSignalListener("SIGINT", () => {});
try {
  const found = await testFiles("tests");
  const files = reached === undefined ? found : await filesReaching(reached, found);
  const rooms = Map.groupBy(files, (path) => path === ALONE ? "alone" : path.split("/").slice(0, -1).join("_"));
  for (const [room, paths] of rooms) await writeEntries(room, paths);
  const flags = ["test", "--no-check", "--allow-all", "--parallel", ...passedOn];
  const env = { TMPDIR: lakes };
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...flags, entries], env }).spawn().status;
  Deno.exitCode = code;
} finally {
  await removeFolder(entries);
  await removeFolder(lakes);
}

function memoryFolder(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    return bavail * bsize >= MEMORY_FREE_MIN ? MEMORY_FOLDER : undefined;
  } catch {
    return undefined;
  }
}

function valuesOf(name: string): string[] {
  const start = `--${name}=`;
  return Deno.args.filter((arg) => arg.startsWith(start)).flatMap((arg) => arg.slice(start.length).split(","));
}

async function testFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (ignored.some((pattern) => matchesGlob(path, pattern))) continue;
    if (isDirectory) found.push(...await testFiles(path));
    else if (name.endsWith("_test.ts") && (only === undefined || matchesGlob(path, only))) found.push(path);
  }
  return found.sort();
}

/** Of a module graph, as `deno info --json` tells it. */
interface GraphModule {
  specifier: string;
  dependencies?: { code?: { specifier?: string }; type?: { specifier?: string } }[];
}

/** By the module graph of all these files at once. */
async function filesReaching(module: string, files: readonly string[]): Promise<string[]> {
  const entry = `${entries}/all.ts`;
  await Deno.writeTextFile(entry, files.map((path) => `import "${urlOf(path)}";\n`).join(""));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry] })
    .output();
  if (!success) throw new Error(`Cannot read what tests import: ${new TextDecoder().decode(stderr)}`);
  await Deno.remove(entry);
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: GraphModule[] };
  const importers = new Map<string, string[]>();
  for (const { specifier, dependencies = [] } of modules) {
    for (const { code, type } of dependencies) {
      const imported = code?.specifier ?? type?.specifier ?? "";
      importers.set(imported, [...importers.get(imported) ?? [], specifier]);
    }
  }
  const reaching = new Set([urlOf(module)]);
  for (const each of reaching) importers.get(each)?.forEach((importer) => reaching.add(importer));
  const chosen = files.filter((path) => reaching.has(urlOf(path)));
  if (chosen.length === 0) throw new Error(`No test imports ${module}`);
  return chosen;
}

function urlOf(path: string): string {
  return new URL(`../${path}`, import.meta.url).href;
}

async function writeEntries(room: string, files: readonly string[]): Promise<void> {
  for (let at = 0; at < files.length; at += FILES_MAX) {
    const imports = files.slice(at, at + FILES_MAX).map((path) => `import "${urlOf(path)}";\n`);
    await Deno.writeTextFile(`${entries}/${room}_${at / FILES_MAX + 1}_test.ts`, imports.join(""));
  }
}
