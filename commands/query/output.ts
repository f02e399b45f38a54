import { resolve } from "node:path";
import { messageOf, StreamlabError } from "../../core/base/errors.ts";
import { removeFileQuietly } from "../../core/disk/removal.ts";
import type { Context, OutputStream } from "../line/command.ts";

/** Where an answer goes: standard output, or a file that appears when it is complete. */
export interface AnswerOutput extends OutputStream {
  /**
   * A file of this machine that another program may write before `finish`; undefined for standard
   * output.
   */
  readonly temporaryPath: string | undefined;
  finish(): Promise<void>;
  /** Leaves no trace. */
  abandon(): Promise<void>;
}

export async function openOutput(context: Context, file: string | undefined): Promise<AnswerOutput> {
  if (file === undefined) {
    return {
      temporaryPath: undefined,
      write: (data) => context.stdout.write(data),
      finish: () => Promise.resolve(),
      abandon: () => Promise.resolve(),
    };
  }
  const path = resolve(context.cwd, file);
  const temporaryPath = `${path}.${Deno.pid}.tmp`;
  const handle = await openFile(temporaryPath, path);
  const encoder = new TextEncoder();
  return {
    temporaryPath,
    async write(data) {
      let rest = typeof data === "string" ? encoder.encode(data) : data;
      while (rest.length > 0) rest = rest.subarray(await handle.write(rest));
    },
    async finish() {
      await handle.sync();
      handle.close();
      await Deno.rename(temporaryPath, path);
    },
    async abandon() {
      handle.close();
      await removeFileQuietly(temporaryPath);
    },
  };
}

async function openFile(temporaryPath: string, path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(temporaryPath, { write: true, create: true, truncate: true });
  } catch (cause) {
    throw new StreamlabError("unavailable", `Cannot write the answer to ${path}: ${messageOf(cause)}`, {
      hint: "Name a file in a folder that is there and can be written",
      cause,
    });
  }
}
