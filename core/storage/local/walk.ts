import { StreamlabError } from "../../base/errors.ts";
import { codeOf, isDenied, isMissing, localError } from "../../disk/disk_error.ts";
import { comparePaths, folderOf } from "../path.ts";
import type { ListOptions, PassedOver } from "../store.ts";

/** What a walk asks of the names it meets: `keep` sees the last part of a path only. */
export interface WalkOptions extends ListOptions {
  prefix: string;
  keep: (name: string) => boolean;
}

interface Entry {
  name: string;
  isFolder: boolean;
  /** Real paths of the folders in which links were followed on the way here. */
  links: readonly string[];
}

/**
 * The paths of the files below `root` that the options ask for, in ascending order of their UTF-8
 * bytes. Only names are read, no file is opened.
 *
 * Symbolic links to files and folders are followed, because people mount data in a lake that way. A
 * link back to a folder above it is skipped, and so is a broken one. Pipes, sockets and devices do
 * not count as files.
 */
export async function* walk(root: string, options: WalkOptions): AsyncGenerator<string> {
  yield* walkFolder(root, folderOf(options.prefix), options, []);
}

async function* walkFolder(
  root: string,
  folder: string,
  options: WalkOptions,
  links: readonly string[],
): AsyncGenerator<string> {
  const { prefix, after, keep } = options;
  const start = folder === "" ? "" : `${folder}/`;
  // A table's metadata folder has thousands of files, and a commit asks for a few of them by
  // prefix.
  const namePrefix = prefix.startsWith(start) ? prefix.slice(start.length) : "";
  const passOver = options.onPassedOver &&
    ((entry: PassedOver) => options.onPassedOver!({ ...entry, path: start + entry.path }));
  // The folder that was asked for must be there to be read; those below it are entries.
  const isEntry = folder !== folderOf(prefix);
  const reach: Reach = { passOver, onDenied: isEntry ? passOver : undefined };
  for (const entry of await readFolder(join(root, folder), namePrefix, links, reach)) {
    const path = start + entry.name;
    if (entry.isFolder) {
      const inside = `${path}/`;
      const overlaps = inside.startsWith(prefix) || prefix.startsWith(inside);
      const isPast = after !== undefined && !after.startsWith(inside) && comparePaths(inside, after) < 0;
      if (overlaps && !isPast) yield* walkFolder(root, path, options, entry.links);
    } else if (path.startsWith(prefix) && keep(entry.name) && (after === undefined || comparePaths(path, after) > 0)) {
      yield path;
    }
  }
}

/**
 * Entries in the order of the paths below them: a folder sorts by its name with the slash, so that
 * `a.b` comes before `a/b`.
 */
async function readFolder(
  folder: string,
  namePrefix: string,
  links: readonly string[],
  { passOver, onDenied }: Reach,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const { name, isFile, isDirectory, isSymlink } of Deno.readDir(folder)) {
      if (!name.startsWith(namePrefix)) continue;
      if (name.includes("\ufffd") && await isBrokenName(folder, name)) {
        if (passOver === undefined) throw brokenName(folder, name);
        passOver({ path: name, why: "its name is not UTF-8", isFolder: isDirectory });
      } else if (isSymlink) {
        const entry = await followLink(folder, name, links, passOver);
        if (entry !== undefined) entries.push(entry);
      } else if (isFile || isDirectory) entries.push({ name, isFolder: isDirectory, links });
    }
  } catch (error) {
    // A folder that is gone between its parent's listing and its own holds nothing.
    if (isMissing(error)) return [];
    if (onDenied === undefined || !isDenied(error)) throw localError("list the folder", folder, error);
    onDenied({ path: "", why: "it may not be read", isFolder: true });
    return [];
  }
  const key = (entry: Entry) => entry.isFolder ? `${entry.name}/` : entry.name;
  return entries.sort((a, b) => comparePaths(key(a), key(b)));
}

/** Takes the path in the folder at hand. */
type PassOver = (entry: PassedOver) => void;

/** Who is told of what cannot be reached; where nobody is, it fails. */
interface Reach {
  passOver: PassOver | undefined;
  /** Of the folder itself, where it may not be read. */
  onDenied: PassOver | undefined;
}

async function followLink(
  folder: string,
  name: string,
  links: readonly string[],
  passOver: PassOver | undefined,
): Promise<Entry | undefined> {
  const path = join(folder, name);
  try {
    const info = await Deno.stat(path);
    if (!info.isDirectory) return info.isFile ? { name, isFolder: false, links } : undefined;
    const passed = [...links, await Deno.realPath(folder)];
    const target = await Deno.realPath(path);
    const leadsBack = passed.some((real) => real === target || real.startsWith(join(target, "")));
    return leadsBack ? undefined : { name, isFolder: true, links: passed };
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (codeOf(error) === "ELOOP") {
      passOver?.({ path: name, why: "links lead to each other", isFolder: false });
      return undefined;
    }
    if (passOver !== undefined && isDenied(error)) {
      passOver({ path: name, why: "it may not be read", isFolder: false });
      return undefined;
    }
    throw localError("follow the link", path, error);
  }
}

/**
 * Deno shows bytes that are not UTF-8 as U+FFFD, and cannot open such a file. It can open a name
 * that really contains U+FFFD.
 */
async function isBrokenName(folder: string, name: string): Promise<boolean> {
  try {
    await Deno.lstat(join(folder, name));
    return false;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return true;
  }
}

function brokenName(folder: string, name: string): StreamlabError {
  return new StreamlabError("corrupt", `Cannot list the folder "${folder}": the name "${name}" is not valid UTF-8`, {
    hint: "Rename that file",
  });
}

function join(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}
