/**
 * `deno task build`: one program with everything in it, dist/streamlab.
 *
 * COMPILE_DENO names another Deno to compile with; every flag here is known to 2.6 and 2.9. A start
 * reads the whole program, about 1 ms for each megabyte, so what no run needs is left out and
 * DuckDB's library goes in packed (core/engine/duckdb_library.ts).
 */
import { createHash } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";

const root = new URL("../", import.meta.url).pathname;
const compiler = Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
const LIBRARY_NAMES: Record<string, string> = {
  linux: "libduckdb.so",
  darwin: "libduckdb.dylib",
  windows: "duckdb.dll",
};
const library = LIBRARY_NAMES[Deno.build.os];
if (library === undefined) throw new Error(`DuckDB has no library for ${Deno.build.os}`);

/**
 * Lakes, caches and credentials can be anywhere, hence no narrower read, write, net and env. No
 * other program is started.
 */
const PERMISSIONS = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-ffi", // DuckDB
  "--allow-sys=hostname,homedir,osRelease,uid", // who holds a lock; where the S3 client looks for profiles, and what it calls itself; which files are ours
];

/**
 * What no run needs: packages of tests and types, and by name the parts of packages that are
 * written for other tools.
 */
const UNUSED_PACKAGES = [
  "fast-check",
  "pure-rand",
  "ajv",
  "fast-deep-equal",
  "fast-uri",
  "json-schema-traverse",
  "require-from-string",
  "assemblyscript",
  "binaryen",
  "long",
  "undici-types",
  "@types/node",
  "@types/command-line-args",
];
const unusedParts = new Set(["dist-types", "src", "bundler", "esm", "CHANGELOG.md", library]);

const packed = `dist/parts/${library}.zst`;
const digest = `dist/parts/${library}.sha256`;
const PAGES = "core/serve/console/pages";
/** Read by their names alone, so no two may share one (core/disk/program_part.ts). */
const PART_SOURCES = [
  "core/routing/assembly/reader.wasm",
  ...[...Deno.readDirSync(root + PAGES)].map(({ name }) => `${PAGES}/${name}`),
];
await run(compiler, ["cache", "--quiet", "main.ts"]);
const packages = await npmPackages();
await packLibrary(`${root}${packed}`, `${root}${digest}`);
const parts = await Promise.all(PART_SOURCES.map(async (source) => {
  // As a module it would be linked to what it imports.
  const part = `dist/parts/${source.split("/").at(-1)}.part`;
  await Deno.copyFile(root + source, root + part);
  return part;
}));
await run(compiler, [
  ...["compile", "--quiet", "--no-check", "--output", "dist/streamlab", "--include", packed, "--include", digest],
  ...[...parts, "core/routing/reader/reader_worker.ts"].flatMap((part) => ["--include", part]),
  // It would be read at each start from a name that can be foretold in the folder for temporary
  // files, where every user may put one.
  "--no-code-cache",
  ...PERMISSIONS,
  ...(await unusedPaths()).flatMap((path) => ["--exclude", path]),
  "main.ts",
]);
const program = Deno.build.os === "windows" ? "dist/streamlab.exe" : "dist/streamlab";
// deno-lint-ignore no-console
console.log(`${program}: ${Math.round((await Deno.stat(root + program)).size / 1e6)} MB`);

interface NpmPackage {
  name: string;
  version: string;
  localPath: string;
}

/**
 * All packages of the lock file, with the folder where Deno keeps each; those of other platforms
 * have none.
 */
async function npmPackages(): Promise<NpmPackage[]> {
  const graph = JSON.parse(await run(Deno.execPath(), ["info", "--json", "main.ts"])) as {
    npmPackages: Record<string, NpmPackage>;
  };
  const found = await Promise.all(
    Object.values(graph.npmPackages).map(async (item) => await exists(item.localPath) ? [item] : []),
  );
  return found.flat();
}

async function unusedPaths(): Promise<string[]> {
  const paths = packages.map(async ({ name, localPath }) => {
    if (UNUSED_PACKAGES.includes(name) || name.endsWith("-musl")) return [localPath];
    const entries = await Array.fromAsync(Deno.readDir(localPath));
    return entries.filter((entry) => unusedParts.has(entry.name)).map((entry) => `${localPath}/${entry.name}`);
  });
  return (await Promise.all(paths)).flat();
}

/**
 * Packs DuckDB's library of this platform, with the digest that it is known by when it is loaded.
 */
async function packLibrary(target: string, digestTarget: string): Promise<void> {
  const platform = `${Deno.build.os === "windows" ? "win32" : Deno.build.os}-${
    Deno.build.arch === "aarch64" ? "arm64" : "x64"
  }`;
  const bindings = packages.find(({ name }) => name === `@duckdb/node-bindings-${platform}`);
  if (bindings === undefined) throw new Error(`DuckDB has no package for ${platform}`);
  await Deno.mkdir(`${root}dist/parts`, { recursive: true });
  const bytes = await Deno.readFile(`${bindings.localPath}/${library}`);
  await Deno.writeTextFile(digestTarget, createHash("sha256").update(bytes).digest("hex"));
  await Deno.writeFile(target, zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 9 } }));
}

async function run(deno: string, args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(deno, { args, cwd: root, stderr: "inherit" }).output();
  if (!success) throw new Error(`${deno} ${args[0]} failed`);
  return new TextDecoder().decode(stdout);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
