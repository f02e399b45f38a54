import { StreamlabError } from "../core/base/errors.ts";
import type { Context } from "./line/command.ts";
import { reportError } from "./line/errors.ts";
import { printNote } from "./line/output.ts";
import { secretsIn } from "./line/program.ts";

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (port <= 65_535) return port;
  throw new StreamlabError("usage", `expected a port from 0 to 65535, got "${text}"`);
}

/** What went wrong at listening, for whoever gave the port by that flag. */
export function listenError(error: unknown, port: number, flag: string): unknown {
  if (!(error instanceof Deno.errors.AddrInUse)) return error;
  return new StreamlabError("unavailable", `Cannot listen on port ${port}: another program does`, {
    hint: `Name another with ${flag}`,
    cause: error,
  });
}

/** As the program's own errors, without secrets; a client is told less. */
export async function tellFailure(context: Context, error: unknown, during: string): Promise<void> {
  const { text } = reportError(error, { debug: context.debug, secrets: secretsIn(context) });
  await printNote(context, `${new Date(context.clock.nowMs()).toISOString()} ${during}: ${text.trimEnd()}`);
}
