/**
 * `deno task wasm`: core/routing/assembly, which is AssemblyScript, into the reader.wasm beside it.
 * The same source gives the same bytes everywhere; a test compares them.
 */
import { main } from "assemblyscript/asc";

const root = new URL("../", import.meta.url).pathname;
const ENTRY = "core/routing/assembly/index.ts";
export const readerWasm = `${root}core/routing/assembly/reader.wasm`;

/** No runtime: the module looks after its memory itself. */
const OPTIONS = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--enable", "bulk-memory"];

export async function compileReader(): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await main([ENTRY, ...OPTIONS, "--outFile", "reader.wasm"], {
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

if (import.meta.main) {
  const wasm = await compileReader();
  await Deno.writeFile(readerWasm, wasm);
  // deno-lint-ignore no-console
  console.log(`${readerWasm}: ${wasm.length} bytes`);
}
