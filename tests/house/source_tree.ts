import { relative } from "node:path";

export const root = new URL("../../", import.meta.url).pathname;

/** The files that git knows or would take, by their path in the repository. */
export async function repositoryFiles(): Promise<string[]> {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { success, stdout } = await new Deno.Command("git", { args, cwd: root, stderr: "null" }).output();
  const listed = success
    ? new TextDecoder().decode(stdout).split("\0").filter((path) => path !== "")
    : await walk(root);
  const present = await Promise.all(listed.map(async (path) => await isFile(`${root}${path}`) ? [path] : []));
  return present.flat().sort();
}

export async function sourceFiles(): Promise<string[]> {
  return (await repositoryFiles()).filter((path) => path.endsWith(".ts"));
}

export function readSource(path: string): Promise<string> {
  return Deno.readTextFile(`${root}${path}`);
}

export interface Edge {
  from: string;
  /** A path in the repository, or a package's name. */
  to: string;
}

/** Who imports whom, types and dynamic imports included. */
export async function importEdges(): Promise<Edge[]> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-" });
  try {
    const sources = await sourceFiles();
    const entry = `${folder}/all.ts`;
    await Deno.writeTextFile(
      entry,
      sources.map((path) => `import ${JSON.stringify(`file://${root}${path}`)};\n`).join(""),
    );
    const args = ["info", "--json", "--config", `${root}deno.json`, entry];
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const graph = JSON.parse(new TextDecoder().decode(stdout)) as { modules: GraphModule[] };
    return graph.modules.flatMap((module) => edgesOf(module));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface GraphModule {
  specifier: string;
  dependencies?: { specifier: string; code?: { specifier: string }; type?: { specifier: string } }[];
}

function edgesOf(module: GraphModule): Edge[] {
  const from = pathOf(module.specifier);
  if (from === undefined) return [];
  return (module.dependencies ?? []).map((dependency) => {
    const target = (dependency.code ?? dependency.type)?.specifier ?? dependency.specifier;
    return { from, to: pathOf(target) ?? dependency.specifier };
  });
}

/** undefined for what is not in the repository. */
function pathOf(specifier: string): string | undefined {
  if (!specifier.startsWith("file://")) return undefined;
  const path = relative(root, new URL(specifier).pathname);
  return path.startsWith("..") ? undefined : path;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

async function walk(folder: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if ([".git", ".cache", "dist", "lake", "node_modules"].includes(entry.name)) continue;
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory) found.push(...await walk(`${folder}/${entry.name}`, `${path}/`));
    else found.push(path);
  }
  return found;
}
