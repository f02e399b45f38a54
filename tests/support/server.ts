import { systemClock } from "../../core/base/clock.ts";

const startMsMax = 60_000;

/** A port that was free a moment ago. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
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
