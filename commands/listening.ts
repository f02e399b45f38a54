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

/** Addresses that only this machine reaches. */
export const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "::1", "localhost"];

/** Where to listen, and the flags that say so; an address that no flag names is this machine's. */
export interface ListeningPlace {
  hostname: string;
  port: number;
  portFlag: string;
  hostFlag?: string;
}

/** What went wrong at listening, as whoever gave those flags understands it. */
export function listenError(error: unknown, { hostname, port, portFlag, hostFlag }: ListeningPlace): unknown {
  const at = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  if (error instanceof Deno.errors.AddrInUse) {
    return new StreamlabError("unavailable", `Cannot listen on ${at}: another program does`, {
      hint: `Name another port with ${portFlag}`,
      cause: error,
    });
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new StreamlabError("unavailable", `Cannot listen on ${at}: the system does not let this user`, {
      hint: `Name another port with ${portFlag}: those below 1024 are often kept for the system`,
      cause: error,
    });
  }
  if (!isAbsent(error)) return error;
  return new StreamlabError("unavailable", `Cannot listen on ${at}: this machine has no such address`, {
    hint: hostFlag === undefined ? "Bring up this machine's loopback" : `Name one that it has with ${hostFlag}`,
    cause: error,
  });
}

/** Of addresses and of names; a name that cannot be looked up has no kind of its own. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.AddrNotAvailable || error instanceof URIError ||
    (error instanceof Error && error.message.startsWith("failed to lookup address"));
}

/** As the program's own errors, without secrets; a client is told less. */
export async function tellFailure(context: Context, error: unknown, during: string): Promise<void> {
  const { text } = reportError(error, { debug: context.debug, secrets: secretsIn(context) });
  await printNote(context, `${new Date(context.clock.nowMs()).toISOString()} ${during}: ${text.trimEnd()}`);
}
