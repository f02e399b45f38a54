import { zstdDecompressSync } from "node:zlib";
import { messageOf, StreamlabError } from "../base/errors.ts";
import { removeTree } from "../disk/scratch.ts";

type NodeApi = typeof import("@duckdb/node-api");
type NodeBindings = typeof import("@duckdb/node-bindings");

let loaded: Promise<NodeApi> | undefined;

/**
 * DuckDB's client, loaded at the first call. In a compiled binary the shared library is loaded
 * first (see `preloadLibrary`).
 *
 * Fails with `unavailable` where this platform has no DuckDB or the library cannot be unpacked.
 */
export function loadNodeApi(): Promise<NodeApi> {
  loaded ??= (async () => {
    if (Deno.build.standalone) preloadLibrary();
    const api = await import("@duckdb/node-api");
    await keepByteOrderMarks();
    return api;
  })();
  return loaded;
}

/** What the client is made on, for what it does not pass on. Only after `loadNodeApi`. */
export async function loadNodeBindings(): Promise<NodeBindings> {
  return (await import("@duckdb/node-bindings")).default;
}

/**
 * The client (1.5.5) decodes every text as if it were a file, and so loses a U+FEFF at its start,
 * which is part of the value.
 */
async function keepByteOrderMarks(): Promise<void> {
  const accessors = await import("@duckdb/node-api/lib/vectors/dataAccessors.js");
  (accessors.default as { textDecoder: TextDecoder }).textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
}

/**
 * The library beside `duckdb.node` in the platform's package, by `Deno.build.os`. Only Linux has
 * been tried.
 */
const LIBRARY_NAMES: Partial<Record<typeof Deno.build.os, string>> = {
  linux: "libduckdb.so",
  darwin: "libduckdb.dylib",
  windows: "duckdb.dll",
};

/**
 * A compiled binary unpacks `duckdb.node` alone, without the library that it links to
 * (denoland/deno issue 36626). So the library is written once to the user's cache folder and opened
 * before `duckdb.node` is: the loader then finds it already there.
 */
function preloadLibrary(): void {
  const name = LIBRARY_NAMES[Deno.build.os];
  if (name === undefined) {
    throw new StreamlabError("unavailable", `Cannot load DuckDB: there is none for ${Deno.build.os}`);
  }
  // A path with the version in it: a new library must not meet the old one in the cache.
  const version = /\d+\.\d+\.\d+[^/\\]*/.exec(import.meta.resolve("@duckdb/node-api"))![0];
  // Put there by the build, packed.
  const packed = new URL(`../../dist/parts/${name}.zst`, import.meta.url);
  Deno.dlopen(unpackOnce(packed, `${cacheFolder()}/duckdb-${version}-${Deno.build.arch}`, name), {});
}

function cacheFolder(): string {
  const home = Deno.env.get("HOME");
  const base = Deno.env.get("XDG_CACHE_HOME") ?? Deno.env.get("LOCALAPPDATA") ?? (home ? `${home}/.cache` : undefined);
  return `${base ?? Deno.env.get("TMPDIR") ?? "/tmp"}/streamlab`;
}

/**
 * Unpacks to `folder/name` unless that is there; it appears whole or not at all, whatever other
 * processes do.
 */
function unpackOnce(packed: URL, folder: string, name: string): string {
  const target = `${folder}/${name}`;
  const temporary = `${folder}/.${name}.${Deno.pid}`;
  try {
    if (Deno.statSync(target).isFile) return target;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    Deno.mkdirSync(folder, { recursive: true });
    const file = Deno.openSync(temporary, { write: true, create: true, truncate: true });
    try {
      const bytes = zstdDecompressSync(Deno.readFileSync(packed));
      for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
      file.syncSync();
    } finally {
      file.close();
    }
    Deno.renameSync(temporary, target);
  } catch (cause) {
    removeTree(temporary);
    throw new StreamlabError("unavailable", `Cannot unpack DuckDB's library to ${target}: ${messageOf(cause)}`, {
      hint: "Set XDG_CACHE_HOME to a folder that can be written and has 100 MB free",
      cause,
    });
  }
  return target;
}
