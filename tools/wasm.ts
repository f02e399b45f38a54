/**
 * `deno task wasm`: core/routing/assembly, which is AssemblyScript, formatted and made into the
 * reader.wasm beside it. The same source gives the same bytes everywhere; a test compares them.
 */
import { main } from "assemblyscript/asc";

const root = new URL("../", import.meta.url).pathname;
const FOLDER = "core/routing/assembly";
export const readerWasm = `${root}${FOLDER}/reader.wasm`;

/** No runtime: the module looks after its memory itself. */
const OPTIONS = ["-O2", "--noAssert", "--runtime", "stub", "--enable", "simd", "--enable", "bulk-memory"];

export async function compileReader(): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await main([`${FOLDER}/index.ts`, ...OPTIONS, "--outFile", "reader.wasm"], {
    readFile: (name: string, folder: string) => readText(`${root}${folder === "." ? "" : `${folder}/`}${name}`),
    writeFile: (_name: string, contents: string | Uint8Array) => {
      if (typeof contents !== "string") wasm = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) throw new Error(`${error?.message ?? "No module"}\n${stderr.toString()}`);
  return wasm;
}

/** null where there is no such file: the compiler looks in several places. */
async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Decorators of functions, which TypeScript does not have: the formatter would drop them. */
const DECORATOR = /^@(inline|external\(.*\))$/gm, HIDDEN = /^\/\*@(.*)\*\/$/gm;

/** The source as `deno fmt` would have it, by its path in the folder; only of what differs. */
export async function unformattedReader(): Promise<Map<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-" });
  try {
    const paths = await sourcePaths("");
    for (const path of paths) {
      await Deno.mkdir(`${folder}/${path}`.replace(/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}`, (await source(path)).replaceAll(DECORATOR, "/*@$1*/"));
    }
    const args = ["fmt", "--quiet", "--no-config", "--line-width", "120", folder];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, stdout: "null" }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const found = new Map<string, string>();
    for (const path of paths) {
      const formatted = (await Deno.readTextFile(`${folder}/${path}`)).replaceAll(HIDDEN, "@$1");
      if (formatted !== await source(path)) found.set(path, formatted);
    }
    return found;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function source(path: string): Promise<string> {
  return Deno.readTextFile(`${root}${FOLDER}/${path}`);
}

async function sourcePaths(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${root}${FOLDER}/${prefix}`)) {
    if (isDirectory) found.push(...await sourcePaths(`${prefix}${name}/`));
    else if (name.endsWith(".ts")) found.push(`${prefix}${name}`);
  }
  return found.sort();
}

if (import.meta.main) {
  for (const [path, text] of await unformattedReader()) await Deno.writeTextFile(`${root}${FOLDER}/${path}`, text);
  const wasm = await compileReader();
  await Deno.writeFile(readerWasm, wasm);
  // deno-lint-ignore no-console
  console.log(`${readerWasm}: ${wasm.length} bytes`);
}
