import { StreamlabError } from "../../core/base/errors.ts";
import { stateOf } from "../../core/disk/disk_error.ts";

/** `not-found` where there is none that can be read. */
export async function readQuestion(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new StreamlabError("not-found", `Cannot read the question from ${path}: ${stateOf(cause)}`, { cause });
  }
}
