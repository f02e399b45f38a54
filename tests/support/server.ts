import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";

const startMsMax = 60_000;
const startsMax = 4;

/**
 * Lie below the ports that the kernel gives to outgoing connections (`ip_local_port_range`), which
 * would take one between this question and the server's start.
 */
const portMin = 10_000;
const portMax = 32_000;

/** A port that was free a moment ago; `startServer` tries again where it is not any more. */
export function freePort(): number {
  for (;;) {
    const port = portMin + Math.floor(systemRandom.next() * (portMax - portMin));
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/**
 * A server that came up: `start` is called again, with free ports of its own, where the server ends
 * before `untilUp` does, as it does when somebody else took one of its ports meanwhile.
 */
export async function startServer<S extends { process: Deno.ChildProcess }>(
  start: () => S,
  untilUp: (server: S) => Promise<void>,
): Promise<S> {
  for (let starts = 1;; starts++) {
    const server = start();
    try {
      await untilUp(server);
      return server;
    } catch (error) {
      try {
        server.process.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await server.process.status;
      if (starts === startsMax) throw error;
    }
  }
}

/** Until a server that was started says on standard error that it is up. */
export async function untilItSays(server: Deno.ChildProcess, words: string): Promise<void> {
  const patience = new AbortController();
  const tooLate = systemClock.sleep(startMsMax, patience.signal).then(() => "late" as const);
  const reader = server.stderr.getReader();
  let said = "";
  try {
    while (!said.includes(words)) {
      const piece = await Promise.race([reader.read(), tooLate]);
      if (piece === "late" || piece.done) throw new Error(`Cannot start a server: ${said.trim() || "it says nothing"}`);
      said += new TextDecoder().decode(piece.value);
    }
  } finally {
    patience.abort();
    reader.releaseLock();
  }
}
