import { homedir } from "node:os";
import { systemClock } from "../base/clock.ts";
import { messageOf, StreamlabError } from "../base/errors.ts";
import { systemRandom, uuidV4 } from "../base/random.ts";
import { cacheFolder, foreignHand, makeOwnFolder, temporaryFolder } from "../disk/ownership.ts";
import { readInsertedPart } from "../disk/program_image.ts";
import { builtPart } from "../disk/program_part.ts";
import { removeTree } from "../disk/removal.ts";
import { createFileSync, writeFileSync } from "../disk/scratch.ts";
import { isLibrary } from "./library_check.ts";

type NodeApi = typeof import("./node_api.ts");

let loaded: Promise<NodeApi> | undefined;

/**
 * DuckDB's client, loaded at the first call. In a compiled program the shared library is loaded
 * first (see `loadLibrary`).
 *
 * Fails with `unavailable` where this platform has no DuckDB or the library cannot be unpacked.
 */
export function loadNodeApi(): Promise<NodeApi> {
  const load = () => import("./node_api.ts");
  return loaded ??= Deno.build.standalone ? loadLibrary(load) : load();
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
 * A compiled program unpacks `duckdb.node` alone, without the library that it links to
 * (denoland/deno issue 36626). So the library is written once to the user's cache folder and opened
 * before `duckdb.node` is: the loader then finds it already there.
 */
async function loadLibrary(load: () => Promise<NodeApi>): Promise<NodeApi> {
  const name = LIBRARY_NAMES[Deno.build.os];
  if (name === undefined) {
    throw new StreamlabError("unavailable", `Cannot load DuckDB: there is none for ${Deno.build.os}`);
  }
  const digest = Deno.readTextFileSync(builtPart(`${name}.sha256`)).trim();
  const { folder, isKept } = libraryFolder(digest);
  try {
    Deno.dlopen(await unpackOnce(() => packedLibrary(name), `${folder}/${name}`, digest), {});
    return await withTemporaryFolder(folder, load);
  } finally {
    if (!isKept) removeTree(folder);
  }
}

/** Among the parts, which are all in memory, only where the build could not put it beside them. */
function packedLibrary(name: string): Uint8Array {
  try {
    return Deno.readFileSync(builtPart(`${name}.zst`));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return readInsertedPart(Deno.execPath());
  }
}

/**
 * Code is loaded from there, so other users may not be able to write to it or to any folder above:
 * else they could exchange a file between check and loading. If no cache folder is safe, a new
 * folder is used for this run.
 */
function libraryFolder(digest: string): { folder: string; isKept: boolean } {
  const variable = (name: string) => Deno.env.get(name);
  const home = homedir();
  for (const base of new Set([cacheFolder(variable), home.startsWith("/") ? `${home}/.cache` : undefined])) {
    // A name of its own for each library: a new one must not meet the old one there.
    const folder = base && `${base}/streamlab/duckdb-${digest.slice(0, 16)}`;
    if (folder && makeOwnFolder(folder) === undefined) return { folder, isKept: true };
  }
  const parent = temporaryFolder(variable);
  let hand: string | undefined;
  try {
    const folder = Deno.makeTempDirSync({ dir: parent, prefix: "streamlab-duckdb-" });
    hand = foreignHand(folder);
    if (hand === undefined) return { folder, isKept: false };
    removeTree(folder);
  } catch (error) {
    hand = messageOf(error);
  }
  throw new StreamlabError("unavailable", `Cannot unpack DuckDB's library below ${parent}: ${hand}`, {
    hint: "Set XDG_CACHE_HOME to a folder that is yours alone and has 100 MB free",
  });
}

/**
 * Unpacks to `target` unless it is there; it appears whole or not at all, whatever other processes
 * do.
 */
async function unpackOnce(packed: () => Uint8Array, target: string, digest: string): Promise<string> {
  if (isLibrary(target, digest, systemClock)) return target;
  const { zstdDecompressSync } = await import("node:zlib");
  const temporary = `${target}.${uuidV4(systemRandom)}`;
  try {
    const file = createFileSync(temporary, 0o600);
    try {
      writeFileSync(file, temporary, zstdDecompressSync(packed()));
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
  if (isLibrary(target, digest, systemClock)) return target;
  throw new StreamlabError("unavailable", `Cannot load DuckDB from ${target}: it is not what was unpacked there`, {
    hint: "Set XDG_CACHE_HOME to a folder that no other program writes to",
  });
}

/**
 * A compiled program (Deno 2.6 to 2.9) unpacks `duckdb.node` under a name that can be foretold to
 * the folder for temporary files, and loads it from there: it gets one that is ours alone.
 */
async function withTemporaryFolder<T>(folder: string, action: () => Promise<T>): Promise<T> {
  const name = Deno.build.os === "windows" ? "TMP" : "TMPDIR";
  const before = Deno.env.get(name);
  Deno.env.set(name, folder);
  try {
    return await action();
  } finally {
    if (before === undefined) Deno.env.delete(name);
    else Deno.env.set(name, before);
  }
}
