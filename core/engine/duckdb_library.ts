import { createRequire } from "node:module";
import { StreamlabError } from "../base/errors.ts";

type NodeApi = typeof import("@duckdb/node-api");

let loaded: Promise<NodeApi> | undefined;

/**
 * DuckDB's client, loaded at the first call. In a compiled binary the shared library is loaded first (see `preloadLibrary`).
 *
 * Fails with `unavailable` where this platform has no DuckDB or the library cannot be unpacked.
 */
export function loadNodeApi(): Promise<NodeApi> {
  loaded ??= (async () => {
    if (Deno.build.standalone) preloadLibrary();
    return await import("@duckdb/node-api");
  })();
  return loaded;
}

/** The library beside `duckdb.node` in the platform's package, by `Deno.build.os`. Only Linux has been tried. */
const libraryNames: Partial<Record<typeof Deno.build.os, string>> = {
  linux: "libduckdb.so",
  darwin: "libduckdb.dylib",
  windows: "duckdb.dll",
};

/**
 * A compiled binary unpacks `duckdb.node` alone, without the library that it links to (denoland/deno issue 36626). So the
 * library is written once to the user's cache folder and opened before `duckdb.node` is: the loader then finds it already there.
 */
function preloadLibrary(): void {
  const name = libraryNames[Deno.build.os];
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const platform = Deno.build.os === "windows" ? "win32" : Deno.build.os;
  if (name === undefined) {
    throw new StreamlabError("unavailable", `Cannot load DuckDB: there is none for ${Deno.build.os}`);
  }
  const require = createRequire(import.meta.url);
  const bindings = createRequire(createRequire(require.resolve("@duckdb/node-api")).resolve("@duckdb/node-bindings"));
  const source = bindings.resolve(`@duckdb/node-bindings-${platform}-${arch}/${name}`);
  const version = /(\d+\.\d+\.\d+[^/\\]*)[/\\][^/\\]+$/.exec(source)?.[1] ?? "unversioned";
  const target = unpackOnce(source, `${libraryCache()}/duckdb-${version}-${arch}`, name);
  Deno.dlopen(target, {});
}

function libraryCache(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? Deno.env.get("LOCALAPPDATA") ??
    (Deno.env.get("HOME") ? `${Deno.env.get("HOME")}/.cache` : undefined);
  return `${base ?? Deno.env.get("TMPDIR") ?? "/tmp"}/streamlab`;
}

/** Copies `source` to `folder/name` unless a file of the same size is there; whole or not at all, safe for several processes. */
function unpackOnce(source: string, folder: string, name: string): string {
  const target = `${folder}/${name}`;
  const size = Deno.statSync(source).size;
  try {
    if (Deno.statSync(target).size === size) return target;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const temporary = `${folder}/.${name}.${Deno.pid}`;
  try {
    Deno.mkdirSync(folder, { recursive: true });
    Deno.writeFileSync(temporary, Deno.readFileSync(source));
    Deno.renameSync(temporary, target);
  } catch (cause) {
    throw new StreamlabError("unavailable", `Cannot unpack DuckDB's library to ${target}`, {
      hint: "Set XDG_CACHE_HOME to a folder that can be written and has 100 MB free",
      cause,
    });
  }
  return target;
}
