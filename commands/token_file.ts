import { resolve } from "node:path";
import { StreamlabError } from "../core/base/errors.ts";
import { stateOf } from "../core/disk/disk_error.ts";
import type { Tokens } from "../core/serve/tokens.ts";
import type { Context } from "./line/command.ts";

/** The bearer tokens of a file that a flag names. */
export async function readTokenFile({ cwd }: Pick<Context, "cwd">, file: string, flag: string): Promise<Tokens> {
  const { Tokens } = await import("../core/serve/tokens.ts");
  const path = resolve(cwd, file);
  try {
    return new Tokens(await Deno.readTextFile(path), flag);
  } catch (cause) {
    if (cause instanceof StreamlabError) throw cause;
    throw new StreamlabError("not-found", `Cannot read the tokens from ${path}: ${stateOf(cause)}`, { cause });
  }
}
