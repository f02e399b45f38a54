import { ok } from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { killQuietly, startStreamlab } from "../../e2e/program.ts";

/** When a process is to die. */
export interface Moment {
  there: Promise<unknown>;
  close(): void;
}

/** When a file of that name is made. */
export function appearing(folder: string, name: RegExp): Moment {
  const watcher = Deno.watchFs(folder);
  const there = (async () => {
    for await (const { kind, paths } of watcher) {
      if (kind === "create" && paths.some((path) => name.test(path))) return;
    }
  })();
  return { there, close: () => watcher.close() };
}

export function after(ms: number): Moment {
  return { there: setTimeout(ms), close() {} };
}

/** Kills the program at a moment. 1 if it was still alive. */
export async function killAt(folder: string, args: string[], begin: () => Moment): Promise<number> {
  const { there, close } = begin();
  const child = startStreamlab(folder, args);
  await child.stdin.close();
  const output = child.output();
  await Promise.race([output, there]);
  killQuietly(child);
  const { code, signal, stderr } = await output;
  close();
  await there;
  ok(signal === "SIGKILL" || code === 0, new TextDecoder().decode(stderr));
  return signal === "SIGKILL" ? 1 : 0;
}
