import { resolve } from "node:path";
import { messageOf, StreamlabError } from "../../core/base/errors.ts";
import { uuidV4 } from "../../core/base/random.ts";
import { writeAll } from "../../core/disk/file_bytes.ts";
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
  // Processes in two containers may have one number, and write to one volume.
  const temporaryPath = `${path}.${uuidV4(context.random)}.tmp`;
  await checkPlace(path);
  const handle = await openFile(temporaryPath, path);
  let isOpen = true;
  const close = () => {
    if (isOpen) handle.close();
    isOpen = false;
  };
  const encoder = new TextEncoder();
  return {
    temporaryPath,
    async write(data) {
      await writeAll(handle, typeof data === "string" ? encoder.encode(data) : data);
    },
    async finish() {
      await handle.sync();
      close();
      await Deno.rename(temporaryPath, path);
    },
    async abandon() {
      close();
      await removeFileQuietly(temporaryPath);
    },
  };
}

/** What is at the path already is replaced, which only a file may be. */
async function checkPlace(path: string): Promise<void> {
  const found = await Deno.stat(path).catch(() => undefined);
  if (found === undefined || found.isFile) return;
  throw new StreamlabError(
    "usage",
    `Cannot write the answer to ${path}: it is ${found.isDirectory ? "a folder" : "no file"}`,
    {
      hint: found.isDirectory ? "Name a file in it" : "Leave out --output, and send standard output there",
    },
  );
}

async function openFile(temporaryPath: string, path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(temporaryPath, { write: true, create: true, truncate: true });
  } catch (cause) {
    throw new StreamlabError("unavailable", `Cannot write the answer to ${path}: ${messageOf(cause)}`, {
      hint: "Name a file in a folder that exists and is writable",
      cause,
    });
  }
}
