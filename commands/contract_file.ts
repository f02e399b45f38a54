import { resolve } from "node:path";
import { StreamlabError } from "../core/base/errors.ts";
import type { Contract } from "../core/contract/contract.ts";
import type { Context } from "./line/command.ts";

/** The contract of `--contract`; without the flag that of before, else the built-in one. */
export async function readContract(
  context: Context,
  file: string | undefined,
  before: string | undefined,
): Promise<Contract> {
  if (file === undefined && before === undefined) {
    return (await import("../core/contract/default_contract.ts")).defaultContract();
  }
  const { parseContract } = await import("../core/contract/json_schema.ts");
  if (file === undefined) return parseContract(before!);
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
