/**
 * `deno task build`: one program with everything in it, dist/streamlab.
 *
 * COMPILE_DENO names another Deno to compile with; every flag given to it is known to 2.6 and 2.9.
 * A start reads the whole program, about 1 ms for each megabyte, and looks up each module, so the
 * code goes in bundled, what no run needs is left out, and DuckDB's library goes in packed
 * (core/engine/duckdb_library.ts), where it can to a place that a start leaves unread.
 */
import { createHash } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { IMAGE_HEADER_BYTES, imageEnd } from "../core/disk/program_image.ts";

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
 * Lakes, caches and credentials can be anywhere, hence no narrower read, write, net and env; and so
 * can what is started: Spark where it is asked for, and the pager of a prompt.
 */
const PERMISSIONS = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-run",
  "--allow-ffi", // DuckDB
  "--allow-sys=hostname,homedir,osRelease,uid", // who holds a lock; where the S3 client looks for profiles, and what it calls itself; which files are ours
];

/**
 * Packages that are more than code: they load files beside them, so they stay out of the bundle.
 * Those of other platforms are not there.
 */
const UNBUNDLED = ["@duckdb/node-bindings", "parquet-wasm"];
const unbundledPackages = new Set([...UNBUNDLED, `@duckdb/node-bindings-${platformName()}`]);
/** The parts of these that are written for other tools. */
const unusedParts = new Set(["src", "bundler", "esm", "CHANGELOG.md", library]);

/** With which what a start reads begins. */
const PAYLOAD_MAGIC = "d3n0l4nd";

/** As deep in dist as a module's folder is in core, so that the URLs of parts hold. */
const BUNDLE = "dist/program";
const WORKER = "core/routing/reader/reader_worker.ts";

const packed = `dist/parts/${library}.zst`;
const digest = `dist/parts/${library}.sha256`;
const PAGES = "core/serve/console/pages";
/** Imports packages; the others are served as they are (core/serve/console/script_bundle.ts). */
const SQL_EDITOR = `${PAGES}/sql_editor.js`;
/** Read by their names alone, so no two may share one (core/disk/program_part.ts). */
const PART_SOURCES = [
  "core/routing/assembly/reader.wasm",
  "core/routing/spark/spark_driver.py",
  ...[...Deno.readDirSync(root + PAGES)].map(({ name }) => `${PAGES}/${name}`),
];
await run(compiler, ["cache", "--quiet", "main.ts", SQL_EDITOR]);
const packages = await npmPackages();
await packLibrary(`${root}${packed}`, `${root}${digest}`);
const parts = await Promise.all(PART_SOURCES.map(async (source) => {
  // As a module it would be linked to what it imports.
  const part = `dist/parts/${source.split("/").at(-1)}.part`;
  if (source === SQL_EDITOR) await bundleForBrowsers(source, part);
  else await Deno.copyFile(root + source, root + part);
  return part;
}));
await bundle();
const program = Deno.build.os === "windows" ? "dist/streamlab.exe" : "dist/streamlab";
await compile([]);
if (!await insertUnread(root + program, root + packed) || !await starts(root + program)) await compile([packed]);
// deno-lint-ignore no-console
console.log(`${program}: ${Math.round((await Deno.stat(root + program)).size / 1e6)} MB`);

/** `more`: what it holds besides code and parts, and has in memory as long as it runs. */
async function compile(more: readonly string[]): Promise<void> {
  await run(compiler, [
    ...["compile", "--quiet", "--no-check", "--output", "dist/streamlab"],
    ...[...parts, digest, ...more, `${BUNDLE}/reader_worker.ts`].flatMap((part) => ["--include", part]),
    // It would be read at each start from a name that can be foretold in the folder for temporary
    // files, where every user may put one.
    "--no-code-cache",
    // The first for core/base/garbage.ts: what Deno 2.6 has compiled has no other way to it. The
    // other for memory: V8 lets what is new grow to tens of megabytes in each thread, which took a
    // server 22 MB after its first answers, and spared consume and produce no processor time.
    "--v8-flags=--expose-gc,--max-semi-space-size=2",
    ...PERMISSIONS,
    ...(await unusedPaths()).flatMap((path) => ["--exclude", path]),
    `${BUNDLE}/main.js`,
  ]);
}

/**
 * Puts a part between the image of Deno's runtime and what that reads at each start, which it finds
 * from the file's end. False where the program is not laid out so, and left as it is.
 */
async function insertUnread(program: string, part: string): Promise<boolean> {
  const bytes = await Deno.readFile(program);
  const end = imageEnd(bytes.subarray(0, IMAGE_HEADER_BYTES));
  if (end === undefined || new TextDecoder().decode(bytes.subarray(end, end + 8)) !== PAYLOAD_MAGIC) return false;
  const inserted = await Deno.readFile(part);
  const length = new Uint8Array(BigUint64Array.BYTES_PER_ELEMENT);
  new DataView(length.buffer).setBigUint64(0, BigInt(inserted.length), true);
  const pieces = [bytes.subarray(0, end), length, inserted, bytes.subarray(end)];
  await Deno.writeFile(program, ReadableStream.from(pieces));
  return true;
}

/** Another version of the runtime may look for what it reads in another way. */
async function starts(program: string): Promise<boolean> {
  const { success } = await new Deno.Command(program, { args: ["--version"], stdout: "null" }).output();
  return success;
}

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

/**
 * The program in chunks, each loaded when it is first needed, and what a thread runs in one file:
 * a thread that shares no chunk with the program starts in half the time.
 */
async function bundle(): Promise<void> {
  await Deno.remove(`${root}${BUNDLE}`, { recursive: true }).catch(() => {});
  const external = UNBUNDLED.flatMap((name) => ["--external", name]);
  // In this order: --external takes all that stands between it and the next flag.
  const options = ["--quiet", ...external, "--platform", "deno", "--outdir", BUNDLE];
  await run(Deno.execPath(), ["bundle", "--code-splitting", ...options, "main.ts"]);
  await run(Deno.execPath(), ["bundle", ...options, WORKER]);
  await linkBindings();
  // The name by which the program asks for it.
  await Deno.writeTextFile(`${root}${BUNDLE}/reader_worker.ts`, 'import "./reader_worker.js";\n');
}

async function bundleForBrowsers(source: string, target: string): Promise<void> {
  await run(Deno.execPath(), ["bundle", "--quiet", "--minify", "--platform", "browser", "--output", target, source]);
}

/**
 * DuckDB's client asks for its bindings as CommonJS does, beside itself; in the bundle it is not
 * where it was, and only what is imported is found.
 */
async function linkBindings(): Promise<void> {
  const asked = '__require("@duckdb/node-bindings")';
  let count = 0;
  for await (const { name } of Deno.readDir(`${root}${BUNDLE}`)) {
    const path = `${root}${BUNDLE}/${name}`;
    const code = await Deno.readTextFile(path);
    if (!code.includes(asked)) continue;
    count++;
    const linked = code.replaceAll(asked, "duckdbBindings");
    await Deno.writeTextFile(path, `import duckdbBindings from "@duckdb/node-bindings";\n${linked}`);
  }
  if (count === 0) throw new Error("DuckDB's client no longer asks for its bindings as it did");
}

async function unusedPaths(): Promise<string[]> {
  const paths = packages.map(async ({ name, localPath }) => {
    if (!unbundledPackages.has(name)) return [localPath];
    const entries = await Array.fromAsync(Deno.readDir(localPath));
    return entries.filter((entry) => unusedParts.has(entry.name)).map((entry) => `${localPath}/${entry.name}`);
  });
  return (await Promise.all(paths)).flat();
}

/**
 * Packs DuckDB's library of this platform, with the digest that it is known by when it is loaded.
 */
async function packLibrary(target: string, digestTarget: string): Promise<void> {
  const platform = platformName();
  const bindings = packages.find(({ name }) => name === `@duckdb/node-bindings-${platform}`);
  if (bindings === undefined) throw new Error(`DuckDB has no package for ${platform}`);
  await Deno.mkdir(`${root}dist/parts`, { recursive: true });
  const bytes = await Deno.readFile(`${bindings.localPath}/${library}`);
  await Deno.writeTextFile(digestTarget, createHash("sha256").update(bytes).digest("hex"));
  await Deno.writeFile(target, zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 9 } }));
}

/** As npm's packages have it in their names. */
function platformName(): string {
  return `${Deno.build.os === "windows" ? "win32" : Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;
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
