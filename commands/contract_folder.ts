import { basename, dirname, join, sep } from "node:path";
import { StreamlabError } from "../core/base/errors.ts";
import { stateOf } from "../core/disk/disk_error.ts";
import type { ContractFolder } from "../core/contract/json_schema.ts";

/** Bytes of all the other files that a contract refers to: text and tree of each are in memory. */
const FOLDER_BYTES_MAX = 64e6;

/** The folder of a contract: its schemas may refer to files in it, and to nothing else. */
export function contractFolder(contract: string): ContractFolder {
  const folder = dirname(contract);
  let bytes = 0;
  const read = (path: string): string | undefined => {
    const file = join(folder, path);
    const size = sizeInside(file, folder);
    if (size === undefined) return undefined;
    bytes += size;
    if (bytes > FOLDER_BYTES_MAX) {
      throw new StreamlabError(
        "usage",
        `Cannot read the contract's file ${file}: with the others it has more than ${FOLDER_BYTES_MAX / 1e6} MB`,
        { hint: "Copy what the contract names into a smaller file" },
      );
    }
    return readText(file, file);
  };
  return { file: basename(contract), read };
}

/** The text of a contract's file, undefined where there is none; `name` is how errors call it. */
export function readText(path: string, name: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new StreamlabError("usage", `Cannot read the contract ${name}: ${stateOf(cause)}`, {
      cause,
      hint: "Give a readable file of JSON Schema",
    });
  }
}

/** Of a file that is there, its bytes; undefined where a link leads out of the folder. */
function sizeInside(file: string, folder: string): number | undefined {
  try {
    const root = Deno.realPathSync(folder), { isFile, size } = Deno.statSync(file);
    const isInside = Deno.realPathSync(file).startsWith(root.endsWith(sep) ? root : root + sep);
    return isFile && isInside ? size : undefined;
  } catch {
    return undefined;
  }
}
