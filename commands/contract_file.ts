import { resolve } from "node:path";
import { StreamlabError } from "../core/base/errors.ts";
import type { Contract } from "../core/contract/contract.ts";
import type { Context } from "./line/command.ts";

/** The contract of `--contract`; without the flag, the built-in one. */
export async function readContract(context: Context, file: string | undefined): Promise<Contract> {
  if (file === undefined) return (await import("../core/contract/default_contract.ts")).defaultContract();
  const { parseContract } = await import("../core/contract/json_schema.ts");
  let text: string;
  try {
    text = await Deno.readTextFile(resolve(context.cwd, file));
  } catch (cause) {
    const missing = cause instanceof Deno.errors.NotFound;
    throw new StreamlabError("usage", `Cannot read the contract ${file}${missing ? ": there is no such file" : ""}`, {
      cause,
    });
  }
  return parseContract(text);
}
